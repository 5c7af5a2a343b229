"""Templates of text that a page shows; what is filled in is escaped for its format."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dasbench.render.plain import shown


def rendered(template: str, **values: Any) -> str:
    """A template of `dasbench/render/templates`, filled in; all values are escaped but those marked `|safe`.

    Args:
        template: name of its file.
        values: what it calls them.
    """
    return html_environment().get_template(template).render(**values).removesuffix("\n")


@cache
def html_environment() -> Environment:
    """What HTML is rendered with."""
    return Environment(
        loader=PackageLoader("dasbench.render"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: value if isinstance(value, Markup) else shown(str(value)),
    )
