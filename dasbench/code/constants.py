"""The texts and numbers that a module gives names to, read from its text: nothing is imported."""

import ast
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any


@cache
def constants_of(file: Path) -> Mapping[str, Any]:
    """Constants by name, also those that a file imports from another module of dasbench."""
    found: dict[str, Any] = {}
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            found |= dict.fromkeys(names, node.value.value)
        if isinstance(node, ast.ImportFrom) and any(alias.name.isupper() for alias in node.names):
            found |= _imported_constants(node)
    return found


def _imported_constants(node: ast.ImportFrom) -> dict[str, Any]:
    """The constants among what a line imports."""
    module = node.module or ""
    if node.level or not module.startswith("dasbench."):
        return {}
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        return {}
    known = constants_of(Path(spec.origin))
    aliases = [alias for alias in node.names if alias.name in known]
    return {alias.asname or alias.name: known[alias.name] for alias in aliases}
