"""One file that holds a plot, the library that draws it and the numbers as a table."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from dasbench.errors import StoreError, UsageError
from dasbench.render.plots.labels import printable

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
body {{ font-family: system-ui, sans-serif; max-width: 70rem; margin: 1rem auto; padding: 0 1rem; color: #2c3e50 }}
h1 {{ font-size: 1.2rem; overflow-wrap: anywhere }}
#plot {{ height: 36rem }}
table {{ border-collapse: collapse; font-size: .8rem; display: block; overflow-x: auto }}
th, td {{ border-bottom: 1px solid #d8dee4; padding: .2rem .5rem; text-align: left; white-space: nowrap }}
</style>
</head>
<body>
<h1>{title}</h1>
<div id="plot"></div>
<p>{note}</p>
<details><summary>The numbers</summary>
{table}
</details>
<script>{library}</script>
<script>
const figure = {figure};
Plotly.newPlot("plot", figure.data, figure.layout, {{responsive: true, displaylogo: false, typesetMath: false}});
</script>
</body>
</html>
"""


def write_page_file(
    path: Path,
    *,
    title: str,
    note: str,
    traces: Sequence[Mapping[str, Any]],
    layout: Mapping[str, Any],
    records: Sequence[Mapping[str, Any]],
) -> None:
    """Write a page. The browser is told to load nothing, so that it opens without a network and tells nobody.

    Args:
        path: where to.
        title: what stands above the plot, taken literally.
        note: what stands below it, taken literally.
        traces: the plot's layers, in plotly's terms.
        layout: the plot's axes and legend, in plotly's terms.
        records: the numbers.

    Raises:
        UsageError: if plotly is not installed.
        StoreError: if the file cannot be written.
    """
    page = _PAGE.format(
        title=escape(printable(title)),
        note=escape(printable(note)),
        table=html_table(records),
        library=plotly_library(path),
        figure=script_json({"data": traces, "layout": layout}),
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, "utf-8")
    except OSError as error:
        raise StoreError(f"{path}: the page cannot be written: {error.strerror}") from error


def plotly_library(path: Path) -> str:
    """The text of plotly.js, as the installed plotly brings it."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise UsageError(
            f"{path}: interactive pages are drawn by plotly; install it with pip install 'dasbench[plots]'"
        ) from error
    text: str = get_plotlyjs()
    return text


def script_json(data: object) -> str:
    r"""JSON that may stand inside of a script: no text can end the script, NaN becomes null.

    Example:
        >>> script_json({"a": "</script>"})
        '{"a": "\\u003c/script\\u003e"}'
    """
    text = json.dumps(data, ensure_ascii=True, allow_nan=False)
    return text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


def html_table(records: Sequence[Mapping[str, Any]]) -> str:
    """Records as a table, one a row."""
    names = list(dict.fromkeys(name for record in records for name in record))
    head = "".join(f"<th>{_cell(name)}</th>" for name in names)
    rows = ["".join(f"<td>{_cell(record.get(name))}</td>" for name in names) for record in records]
    return "\n".join(["<table>", f"<tr>{head}</tr>", *(f"<tr>{row}</tr>" for row in rows), "</table>"])


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        value = json.dumps(dict(value), default=str)
    return escape(printable("" if value is None else str(value)))
