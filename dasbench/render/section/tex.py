r"""The section in LaTeX: to be read with \input, and a document that does so."""

import re

from dasbench.render.section.section import Section
from dasbench.render.text.templates import rendered


def section_tex(section: Section) -> str:
    """The section: words, then tables and figures that float."""
    return rendered("section.tex.j2", section=section, label=_label(section.study)) + "\n"


def document_tex(section: Section) -> str:
    """A document that holds the section and nothing else."""
    has_references = bool(section.references)
    label = _label(section.study)
    return rendered("document.tex.j2", label=label, has_references=has_references) + "\n"


def _label(study: str) -> str:
    """A study's name as a label may have it."""
    return re.sub(r"[^A-Za-z0-9]+", "-", study)
