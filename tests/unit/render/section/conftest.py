"""What the tests of a report share: its section, its LaTeX and its page."""

import pytest

from dasbench.render.section.report import report
from dasbench.render.section.section import make_section
from dasbench.render.section.tex import section_tex
from dasbench.views.evidence import gather_evidence


@pytest.fixture
def db(tmp_path):
    return str(tmp_path / "results.db")


@pytest.fixture
def section(db):
    """Computes the section of a study."""
    return lambda study, **options: make_section(gather_evidence(db, study, **options))


@pytest.fixture
def source(section):
    """Computes the section of a study, in LaTeX."""
    return lambda study, **options: section_tex(section(study, **options))


@pytest.fixture
def page(db, tmp_path):
    """Writes the report of a study and reads its page."""

    def read(study):
        report(db, study, tmp_path / study)
        return (tmp_path / study / "index.html").read_text()

    return read
