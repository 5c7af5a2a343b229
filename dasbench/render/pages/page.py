"""One file that holds a plot, the library that draws it and the numbers as a table."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dasbench.errors import StoreError, UsageError
from dasbench.render.text.records import field_names
from dasbench.render.text.templates import rendered


def write_page_file(
    path: Path,
    *,
    title: str,
    note: str,
    traces: Sequence[Mapping[str, Any]],
    layout: Mapping[str, Any],
    records: Sequence[Mapping[str, Any]],
) -> None:
    """Write a page.

    The browser is told to load nothing, so that it opens without a network and tells nobody.

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
    columns = field_names(records)
    rows = [list(map(_cell, map(record.get, columns))) for record in records]
    page = rendered(
        "plot.html.j2",
        title=title,
        note=note,
        columns=columns,
        rows=rows,
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
            f"{path}: interactive pages are drawn by plotly; "
            "install it with pip install 'dasbench[plots]'"
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


def _cell(value: Any) -> str:
    """A value as the table of numbers shows it."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return json.dumps(dict(value), default=str)
    return str(value)
