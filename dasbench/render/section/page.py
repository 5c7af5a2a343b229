"""The section as one HTML page that holds everything it shows and loads nothing."""

import base64
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from markupsafe import Markup

from dasbench.errors import UsageError
from dasbench.render.pages.page import plotly_library, script_json
from dasbench.render.plots.captions import CaptionedPlot
from dasbench.render.section.section import Section
from dasbench.render.text.templates import rendered

KINDS: Mapping[str, str] = {
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".csv": "text/csv",
    ".bib": "text/plain",
}
"""What a browser is told of a file, by its ending."""


def page(section: Section, folder: Path) -> str:
    """The page.

    Args:
        section: what it shows.
        folder: where the section's figures, tables and references have been written.
    """
    interactive = [figure for figure in section.figures if figure.interactive]
    library, scripts = "", {}
    if interactive:
        library = _library()
    if library:
        scripts = _scripts(interactive)
    return rendered(
        "section.html.j2",
        section=section,
        numbers=section.reference_numbers,
        endings=(".pdf", ".png", ".csv"),
        link=partial(_link, folder),
        data=partial(_data, folder),
        interactive=scripts,
        library=Markup(library),  # noqa: S704 - the text of plotly.js as it is installed
    )


def _library() -> str:
    """The text of plotly.js; `""` without plotly, where the page shows pictures alone."""
    try:
        return plotly_library(Path("index.html"))
    except UsageError:
        return ""


def _scripts(figures: Sequence[CaptionedPlot]) -> dict[str, Markup]:
    """What plotly draws, by the name of its figure: traces and layout as a script takes them."""
    scripts = {}
    for figure in figures:
        assert figure.interactive is not None
        what = figure.interactive()
        text = f"{script_json(what['data'])}, {script_json(what['layout'])}"
        scripts[figure.name] = Markup(text)  # noqa: S704 - no text in it ends a script
    return scripts


def _link(folder: Path, file: str) -> Markup:
    """A file of the report, inside of the page."""
    return Markup('<a download="{name}" href="{data}">{name}</a>').format(
        name=Path(file).name, data=_data(folder, file)
    )


def _data(folder: Path, file: str) -> str:
    """A file of the report as an address that holds all of it."""
    path = folder / file
    return f"data:{KINDS[path.suffix]};base64,{base64.b64encode(path.read_bytes()).decode()}"
