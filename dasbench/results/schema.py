"""The tables of the results database, all named `das_...`, and the version of their layout."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

REVISION = "0007"
"""The layout that this dasbench reads and writes: the newest file in `migrations/versions`."""

VERSION_TABLE = "das_alembic_version"
"""Where the layout's version is kept; a name of our own, as other programs may share a database."""

VERSION_QUERY = "SELECT version_num FROM das_alembic_version"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

studies = Table(
    "das_studies",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("question", Text, nullable=False),
    Column("document", Text, nullable=False, comment="the study as plain data, JSON"),
    Column(
        "file",
        Text,
        nullable=False,
        comment="where it was read from, empty for one built in Python",
    ),
    Column("created", String(40), nullable=False),
    Column(
        "metrics",
        Text,
        nullable=False,
        server_default="{}",
        comment="unit and direction of metrics by name, JSON",
    ),
)

trials = Table(
    "das_trials",
    metadata,
    Column("key", String(64), primary_key=True),
    Column(
        "dataset",
        Text,
        nullable=False,
        comment="data set and size, for refusing to mix what cannot be compared",
    ),
    Column("task", String(64), nullable=False),
    Column(
        "state", String(16), nullable=False, comment="pending, running, done, failed or stopped"
    ),
    Column("reason", String(16), comment="class of a failure"),
    Column("metrics", Text, nullable=False, default="{}", comment="final values by name, JSON"),
    Column("params_full", BigInteger),
    Column("macs_full", BigInteger),
    Column("params_paper", BigInteger),
    Column("macs_paper", BigInteger),
    Column(
        "cost_details",
        Text,
        comment="uncounted operators, input size, versions of the counters; JSON",
    ),
    Column("seconds", Double, nullable=False, default=0.0),
    Column("peak_memory", BigInteger, nullable=False, default=0, comment="bytes"),
    Column("device", Text, nullable=False, default=""),
    Column("first_study", String(200), comment="the study that trained it"),
    Column("attempt", Integer, nullable=False, default=0, comment="how often it was started"),
    Column(
        "host",
        Text,
        comment="owner while running: host, boot, process, start of the process, token",
    ),
    Column("boot", Text),
    Column("pid", BigInteger),
    Column("pid_started", Text),
    Column("token", String(64)),
    Column("lease", String(40), comment="until when an owner on another host counts as alive"),
    Column("created", String(40), nullable=False),
    Column("finished", String(40), nullable=False, default=""),
    Column(
        "semantics", Integer, nullable=False, comment="version of what the fields of a trial mean"
    ),
    Column("question", String(16), nullable=False, comment="hash of the spec without its code"),
    Column(
        "code", Text, nullable=False, default="{}", comment="hash of each component's code, JSON"
    ),
    Column(
        "network",
        String(16),
        nullable=False,
        default="",
        comment="hash of what its cost depends on, but for code",
    ),
    Column(
        "network_code",
        String(16),
        nullable=False,
        default="",
        comment="hash of the code of the network",
    ),
    Column(
        "repeats",
        Integer,
        nullable=False,
        default=0,
        comment="earlier results, which are with the attempts",
    ),
    # what is wide comes last, so that a row of a report is read without it
    Column("spec", Text, nullable=False, comment="all that decides the outcome, JSON"),
    Column(
        "environment",
        Text,
        nullable=False,
        default="{}",
        comment="what is needed to run it again, JSON",
    ),
    Column("error", Text, nullable=False, default="", comment="message and traceback of a failure"),
    Column(
        "correct",
        Text,
        nullable=False,
        default="",
        comment="which test examples were right, hexadecimal bits",
    ),
    Column(
        "confusion",
        Text,
        nullable=False,
        default="",
        server_default="",
        comment="which classes were taken for which",
    ),
    Index(None, "state"),
    Index(None, "question"),
    Index(None, "network", "network_code"),
)

costs = Table(
    "das_costs",
    metadata,
    Column("network", String(16), primary_key=True),
    Column("network_code", String(16), primary_key=True),
    Column(
        "revision", Integer, primary_key=True, autoincrement=False, comment="of the way of counting"
    ),
    Column("params_full", BigInteger, nullable=False),
    Column("macs_full", BigInteger, nullable=False),
    Column("params_paper", BigInteger, nullable=False),
    Column("macs_paper", BigInteger, nullable=False),
    Column(
        "cost_details",
        Text,
        nullable=False,
        comment="uncounted operators, input size, versions; JSON",
    ),
    Column("counted", String(40), nullable=False),
)

members = Table(
    "das_members",
    metadata,
    Column("study", String(200), ForeignKey(studies.c.name, ondelete="CASCADE"), primary_key=True),
    Column("key", String(64), ForeignKey(trials.c.key), primary_key=True, index=True),
    Column("position", Integer, nullable=False),
    Column("variant", Text, nullable=False, comment="the varied fields and their values, JSON"),
    Column("label", Text, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column(
        "role",
        String(16),
        nullable=False,
        default="",
        server_default="",
        comment="search, confirm or empty",
    ),
    Column(
        "looked_at",
        Text,
        nullable=False,
        server_default="[]",
        comment="seeds with results, each time that more were added, JSON",
    ),
    Index(None, "study", "position"),
)

looks = Table(
    "das_looks",
    metadata,
    Column("study", String(200), ForeignKey(studies.c.name, ondelete="CASCADE"), primary_key=True),
    Column("plan", String(200), primary_key=True, comment="the planned looks, JSON"),
    Column("number", Integer, primary_key=True, autoincrement=False, comment="from 1"),
    Column("level", Double, nullable=False, comment="share of the error rate that it spent"),
    Column(
        "states", Text, nullable=False, comment="label of each variant and where it stood, JSON"
    ),
    Column("exploratory", Boolean, nullable=False, comment="an earlier look followed another plan"),
    Column("taken", String(40), nullable=False),
)

epochs = Table(
    "das_epochs",
    metadata,
    Column("key", String(64), ForeignKey(trials.c.key), primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("metrics", Text, nullable=False, comment="value by name, JSON"),
)

attempts = Table(
    "das_attempts",
    metadata,
    Column("key", String(64), ForeignKey(trials.c.key), primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("study", String(200), nullable=False),
    Column("started", String(40), nullable=False),
    Column("ended", String(40), nullable=False, default="", comment="empty while it runs"),
    Column(
        "how",
        String(16),
        nullable=False,
        default="",
        comment="done, failed, stopped, interrupted or lost",
    ),
    Column("reason", String(16), comment="class of a failure"),
    Column("host", Text, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("token", String(64), nullable=False),
    Column("device", Text, nullable=False, default=""),
    Column(
        "outcome", Text, comment="what came out, JSON, once the trial was trained again on purpose"
    ),
)

locks = Table(
    "das_locks",
    metadata,
    Column("study", String(200), primary_key=True),
    Column("host", Text, nullable=False),
    Column("boot", Text, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("pid_started", Text, nullable=False),
    Column("token", String(64), nullable=False),
    Column("since", String(40), nullable=False),
    Column("heartbeat", String(40), nullable=False),
)
