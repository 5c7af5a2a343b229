"""The section as one HTML page that holds everything it shows and loads nothing."""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from dasbench.errors import UsageError
from dasbench.render.formats import Grid
from dasbench.render.pages.page import plotly_library, script_json
from dasbench.render.pages.pareto import plotly_figure
from dasbench.render.plots.labels import printable
from dasbench.render.section.figures import Figure
from dasbench.render.section.section import Section
from dasbench.render.section.tables import Table

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; \
style-src 'unsafe-inline'; img-src data: blob:">
<title>{title}</title>
<style>
body {{ font-family: system-ui, sans-serif; line-height: 1.45; max-width: 62rem; margin: 1.5rem auto; padding: 0 1rem;
color: #2c3e50 }}
h1, h2, p, li, figcaption {{ overflow-wrap: anywhere }}
h1 {{ font-size: 1.5rem }}
h2 {{ font-size: 1.1rem; margin-top: 2rem }}
.question {{ font-size: 1.1rem }}
figure {{ margin: 1.5rem 0 }}
figure img {{ max-width: 100% }}
figcaption {{ font-size: .85rem; color: #5b6b7a; margin: .4rem 0 }}
.plot {{ height: 34rem }}
.wide {{ overflow-x: auto }}
table {{ border-collapse: collapse; font-size: .85rem; border-top: 2px solid; border-bottom: 2px solid }}
th, td {{ border-bottom: 1px solid #e3e8ec; padding: .25rem .6rem; text-align: right; white-space: nowrap }}
th {{ border-bottom: 1px solid }}
th:first-child, td:first-child {{ text-align: left }}
tr.best {{ font-weight: bold }}
a {{ color: #2c6fbb }}
</style>
</head>
<body>
{body}
{scripts}
</body>
</html>
"""


def page(section: Section, folder: Path) -> str:
    """The page.

    Args:
        section: what it shows.
        folder: where the section's figures and tables have been written.
    """
    scripts = _scripts(section.figures)
    body = [
        f"<h1>Ablation: {_text(section.study)}</h1>",
        f'<p class="question">{_text(section.question)}</p>',
        f"<h2>Results</h2>\n<p>{_text(section.results)}</p>",
        _list(section.verdicts),
        *(_table(table, folder) for table in section.tables),
        *(_figure(figure, folder, interactive=bool(scripts)) for figure in section.figures),
        f"<h2>Methods</h2>\n<p>{_text(section.methods)}</p>",
        _left_out(section.left_out),
    ]
    return _PAGE.format(title=_text(section.study), body="\n".join(filter(None, body)), scripts=scripts)


def _scripts(figures: Sequence[Figure]) -> str:
    """The library, once, and what it draws; nothing where there is nothing to draw, or plotly is not installed."""
    drawn = {f"plot-{figure.name}": plotly_figure(figure.front) for figure in figures if figure.front}
    if not drawn:
        return ""
    try:
        library = plotly_library(Path("index.html"))
    except UsageError:  # the page then shows the picture alone
        return ""
    options = "{responsive: true, displaylogo: false, typesetMath: false}"
    calls = [f"Plotly.newPlot({script_json(place)}, {script_json(figure['data'])}, {script_json(figure['layout'])}, "
             f"{options});" for place, figure in drawn.items()]  # fmt: skip
    return "\n".join([f"<script>{library}</script>", "<script>", *calls, "</script>"])


def _figure(figure: Figure, folder: Path, *, interactive: bool) -> str:
    """A picture, or what a script draws with the picture for browsers that run none."""
    path = folder / "figures" / figure.name
    picture = f'<img alt="{_text(figure.caption)}" src="{_data(path.with_suffix(".png"), "image/png")}">'
    shown = picture
    if figure.front and interactive:
        shown = f'<div class="plot" id="plot-{figure.name}"></div>\n<noscript>{picture}</noscript>'
    links = [_link(path.with_suffix(ending), kind) for ending, kind in _KINDS.items()]
    return f"<figure>\n{shown}\n<figcaption>{_text(figure.caption)} {' '.join(links)}</figcaption>\n</figure>"


_KINDS: Mapping[str, str] = {".pdf": "application/pdf", ".png": "image/png", ".csv": "text/csv"}


def _table(table: Table, folder: Path) -> str:
    """A table with its caption above it; of one that is a file only, the file."""
    link = _link(folder / "tables" / f"{table.name}.csv", _KINDS[".csv"])
    if table.grid is None:
        return f"<p>{_text(table.name.capitalize())}: {link}</p>"
    caption = " ".join(line for line in (table.grid.title, *table.grid.lines) if line)
    return (
        f'<figure>\n<figcaption>{_text(caption)} {link}</figcaption>\n<div class="wide">{_grid(table.grid)}</div>\n'
        "</figure>"
    )


def _grid(grid: Grid) -> str:
    rows = ["<tr>" + "".join(f"<th>{_text(column)}</th>" for column in grid.columns) + "</tr>"]
    for number, cells in enumerate(grid.rows):
        style = ' class="best"' if number in grid.bold else ""
        rows.append(f"<tr{style}>" + "".join(f"<td>{_text(cell)}</td>" for cell in cells) + "</tr>")
    return "\n".join(["<table>", *rows, "</table>"])


def _list(items: Sequence[str]) -> str:
    return "\n".join(["<ul>", *(f"<li>{_text(item)}</li>" for item in items), "</ul>"]) if items else ""


def _left_out(reasons: Mapping[str, str]) -> str:
    if not reasons:
        return ""
    return f"<details><summary>Figures that are not here</summary>\n{_list(list(reasons.values()))}\n</details>"


def _link(path: Path, kind: str) -> str:
    """A file of the report, inside of the page."""
    return f'<a download="{path.name}" href="{_data(path, kind)}">{path.name}</a>'


def _data(path: Path, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _text(text: Any) -> str:
    return escape(printable(str(text)))
