"""Templates of text that a page or a paper shows; what is filled in is escaped for its format."""

import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from dasbench.render.text.plain import shown
from dasbench.render.text.tex import tex


def rendered(template: str, **values: Any) -> str:
    """A template of `dasbench/render/templates`, filled in.

    All values are escaped but those marked `|safe`. What a template looks like follows from its
    name: in `NAME.html.j2` and `NAME.md.j2` values are `{{ value }}` and statements `{% if %}`; in
    `NAME.tex.j2`, where braces are LaTeX's own, they are `<< value >>` and `<% if %>`.

    Args:
        template: name of its file.
        values: what it calls them.
    """
    kind = template.removesuffix(".j2").rpartition(".")[2]
    return _environment(kind).get_template(template).render(**values).removesuffix("\n")


def md(text: str) -> str:
    r"""Text inside of Markdown, where neither Markdown nor HTML takes anything of it for its own.

    Example:
        >>> print(md("a|b_<c>"))
        a\|b\_&lt;c&gt;
    """
    escaped = re.sub(r"([\\|*_`$~\[\]])", r"\\\1", shown(text))
    escaped = re.sub(r"&(?=#?\w+;)", "&amp;", escaped)
    return escaped.replace("<", "&lt;").replace(">", "&gt;")


_ESCAPES: Mapping[str, Callable[[str], str]] = {"html": shown, "md": md, "tex": tex}
"""How values are escaped, by the ending of a template; Jinja itself escapes those of HTML."""

_MARKS: Mapping[str, Mapping[str, Any]] = {
    "tex": {
        "block_start_string": "<%",
        "block_end_string": "%>",
        "variable_start_string": "<<",
        "variable_end_string": ">>",
        "comment_start_string": "<#",
        "comment_end_string": "#>",
    }
}
"""How statements are marked, by the ending of a template, where it is not Jinja's own way."""


@cache
def _environment(kind: str) -> Environment:
    return Environment(
        loader=PackageLoader("dasbench.render"),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=partial(_escape_value, _ESCAPES[kind]),
        **_MARKS.get(kind, {}),
    )


def _escape_value(escape: Callable[[str], str], value: Any) -> str:
    if isinstance(value, Markup):
        return value
    return escape(str(value))
