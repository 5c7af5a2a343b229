"""What is said of a study's earlier results before it is planned or run anew."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dasbench.cli.options import known_results
from dasbench.cli.output import tell
from dasbench.errors import OutdatedStoreError, UsageError

if TYPE_CHECKING:
    from dasbench.records import Row
    from dasbench.results.answers import StudyRecord
    from dasbench.results.planning import Member
    from dasbench.results.reading import Reader
    from dasbench.spec.study import Study


def listed_rows(db: str, study: str) -> "Sequence[Row]":
    """What the database lists for a study; nothing of one that is missing or of an older layout."""
    try:
        with known_results(db) as reader:
            if reader is None:
                return []
            return [row for row in reader.rows() if row.study == study]
    except OutdatedStoreError:
        return []


def announce_changes(
    study: "Study", members: "Sequence[Member]", db: str, *, replace: bool
) -> None:
    """Say on standard error which code has changed, and how many results the study will not list.

    Args:
        study: as it is to be run.
        members: its trials; none of a search, which goes on from those that the database lists.
        db: the database; one that is missing or of an older layout says nothing.
        replace: whether another study of the same name may lose its place.

    Raises:
        UsageError: if another file's study has the name and may not be replaced.
    """
    try:
        with known_results(db) as reader:
            if reader is not None:
                _announce_against(reader, study, members, replace=replace)
    except OutdatedStoreError:
        return


def _announce_against(
    reader: "Reader", study: "Study", members: "Sequence[Member]", *, replace: bool
) -> None:
    """Say what a database's results are to a study, as `announce_changes` does."""
    from dasbench.render.succession import change_sentences
    from dasbench.views.succession import code_changes, num_leaving

    record = find_record(reader, study.name)
    if record is not None:
        members = _members_today(reader, study, members)
    keys = [member.key for member in members]
    ended = {key for key, trial in reader.states(keys).items() if trial.state.has_result}
    answers = reader.answers([member.question for member in members if member.key not in ended])
    for sentence in change_sentences(code_changes(members, ended, answers)):
        tell(sentence)
    if record is not None:
        number = num_leaving(reader.rows(study.name), keys, [answer.key for answer in answers])
        _announce_leaving(study, record, number, replace=replace)


def find_record(reader: "Reader", study: str) -> "StudyRecord | None":
    """What a database knows of a study, None if it does not know it."""
    for record in reader.studies(counted=False):
        if record.name == study:
            return record
    return None


def _members_today(
    reader: "Reader", study: "Study", members: "Sequence[Member]"
) -> "Sequence[Member]":
    """The trials of a study; of a search, those that are listed, as they would be trained today."""
    if not study.is_searched:
        return members
    from dasbench.plan import replan  # resolves components, which import torch

    return [planned.member for planned in replan(study, reader.rows(study.name))]


def _announce_leaving(study: "Study", record: "StudyRecord", number: int, *, replace: bool) -> None:
    """Say how many results the study will no longer list.

    Raises:
        UsageError: if it is another study than the one that has the name, and may not replace it.
    """
    from dasbench.render.succession import other_study_text, results_leave
    from dasbench.views.succession import other_study

    leave = results_leave(number)
    other = other_study(study, record)
    if other is not None and not replace:
        raise UsageError(
            f"{study.document.file}: the database has another study named '{study.name}': "
            f"{other_study_text(other)}. Give this one another name, or write --replace: then "
            f"{leave} the study, and all stay in the database."
        )
    if number:
        tell(
            f"{leave} the study '{study.name}', which no longer lists the trials; all stay in the "
            "database (`dasbench show KEY`)"
        )


def find_trials(db: str, study: str, names: Sequence[str]) -> list[str]:
    """The keys of a study's trials that people name by a variant or by the first digits of a key.

    Args:
        db: the database.
        study: the study's name.
        names: variants' labels, or values, as `compare` takes them; or keys.

    Raises:
        UsageError: if there is no such trial; the message lists what there is.
    """
    if not names:
        return []
    from dasbench.views.naming import MIN_KEY, find_variants
    from dasbench.views.variants import leaderboard

    with known_results(db) as reader:
        if reader is None or find_record(reader, study) is None:
            raise UsageError(
                f"{db}: the study '{study}' has no results yet that could be trained again"
            )
        rows = reader.rows(study)
    entries = leaderboard(rows)
    keys: list[str] = []
    for name in names:
        named = []
        if len(name) >= MIN_KEY:
            named = [row.key for row in rows if row.key.startswith(name.lower())]
        if not named:
            for entry in find_variants(name, entries).entries:
                named += entry.keys
        keys += named
    return list(dict.fromkeys(keys))
