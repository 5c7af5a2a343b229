"""The hash of a module's meaning: a walk over its syntax tree, the same on every version of Python.

Left out: comments, positions, formatting, docstrings and other statements without an effect. Import
statements of modules that are hashed themselves hold those modules' hashes instead of their names,
so that a file can be moved.
"""

import ast
from collections.abc import Iterator, Mapping
from hashlib import sha256

DIGITS = 12
"""Hexadecimal digits of a hash."""

_UNREAD = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
"""Fields of a node that say nothing of what it does."""


def digest(parts: Iterator[str] | list[str]) -> str:
    """One hash of several texts, in their order.

    Example:
        >>> digest(["a", "b"]) != digest(["ab"])
        True
    """
    whole = sha256()
    for part in parts:
        whole.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return whole.hexdigest()[:DIGITS]


def hash_tree(tree: ast.Module, modules: Mapping[str, str] | None = None) -> str:
    r"""The hash of a module.

    Args:
        tree: as `ast.parse` gives it.
        modules: what stands for the names of modules that the module imports, by the name as it is
            written there (`.helpers`, `my_project.norms`); other modules keep their names.

    Example:
        >>> one = ast.parse("def half(x):\n    'Half of it.'\n    return x / 2  # as in the paper")
        >>> hash_tree(one) == hash_tree(ast.parse("def half(x): return x/2"))
        True
        >>> moved = hash_tree(ast.parse("from helpers import f"), {"helpers": "3f"})
        >>> moved == hash_tree(ast.parse("from .tools import f"), {".tools": "3f"})
        True
    """
    return digest(_Walk(tree, modules or {}).words(tree))


Part = str | ast.AST
"""A word, or a node whose words stand in its place."""


class _Walk:
    """Turns a tree into a stream of words.

    Args:
        tree: the whole module.
        modules: as in `hash_tree`.
    """

    def __init__(self, tree: ast.Module, modules: Mapping[str, str]) -> None:
        self._modules = modules
        self._names = dict(_names_of_modules(tree, modules))

    def words(self, tree: ast.Module) -> Iterator[str]:
        """Every word of a tree, in order; however deep it is."""
        waiting: list[Part] = [tree]
        while waiting:
            part = waiting.pop()
            if isinstance(part, str):
                yield part
            else:
                waiting.extend(reversed(self._parts(part)))

    def _parts(self, node: ast.AST) -> list[Part]:
        """A node's kind, then each of its fields that holds anything."""
        match node:
            case ast.ImportFrom():
                return self._import_from(node)
            case ast.Import():
                return self._import(node)
            case ast.Name() if node.id in self._names:
                return [f"module {self._names[node.id]}"]
            case ast.JoinedStr():
                return _f_string(node)
            case ast.Constant():
                return [f"{type(node.value).__name__} {node.value!r}"]
        parts: list[Part] = [f"({type(node).__name__}"]
        for name in sorted(set(node._fields) - _UNREAD):
            if values := _effective(getattr(node, name, None)):
                parts += [f"{name}=", *values, ";"]
        return [*parts, ")"]

    def _import(self, node: ast.Import) -> list[Part]:
        """One statement for each module, as if they were written so."""
        parts: list[Part] = []
        for alias in node.names:
            own = self._modules.get(alias.name)
            if own is None:
                parts.append(f"(import {alias.name} as {alias.asname or ''})")
            else:
                parts.append(f"(import module {own} as {alias.asname or ''})")
        return parts

    def _import_from(self, node: ast.ImportFrom) -> list[Part]:
        source = written_module(node)
        own = self._modules.get(source)
        source_name = source
        if own is not None:
            source_name = f"module {own}"
        parts: list[Part] = []
        for alias in node.names:
            inner = self._modules.get(_joined_name(source, alias.name))
            if inner is None:
                parts.append(
                    f"(from {source_name} import {alias.name} as {alias.asname or alias.name})"
                )
            else:  # the name is a module's
                parts.append(f"(import module {inner} as {alias.asname or ''})")
        return parts


def _effective(value: object) -> list[Part]:
    """What a field of a node holds, without statements that do nothing."""
    if value is None:
        return []
    if not isinstance(value, list):
        return [_part(value)]
    return [_part(each) for each in value if not _does_nothing(each)]


def _part(value: object) -> Part:
    """A node, or a plain value as a word."""
    if isinstance(value, ast.AST):
        return value
    return repr(value)


def _f_string(node: ast.JoinedStr) -> list[Part]:
    """An f-string; versions of Python differ in how they cut its plain parts."""
    parts: list[Part] = ["(f-string"]
    text = ""
    for part in node.values:
        if isinstance(part, ast.Constant):
            text += str(part.value)
        else:
            parts += [repr(text), part]
            text = ""
    return [*parts, repr(text), ")"]


def written_module(node: ast.ImportFrom) -> str:
    """The module of a `from` statement as it is written: `..tools`, `torch.nn`."""
    return "." * node.level + (node.module or "")


def imported_modules(tree: ast.Module) -> Iterator[str]:
    r"""Every name in a module's import statements that may be a module's, as it is written.

    Example:
        >>> list(imported_modules(ast.parse("import a.b\nfrom . import c\nfrom d import e")))
        ['a.b', '.', '.c', 'd', 'd.e']
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield written_module(node)
        for alias, module in _imported_names(node):
            if alias.name != "*":
                yield module


def _imported_names(node: ast.AST) -> Iterator[tuple[ast.alias, str]]:
    """What an import statement names, each with the module that it may be, as it is written."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias, alias.name
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            yield alias, _joined_name(written_module(node), alias.name)


def _joined_name(source: str, name: str) -> str:
    if source.endswith("."):
        return source + name
    return f"{source}.{name}"


def _names_of_modules(tree: ast.Module, modules: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The names by which a module speaks of modules that are hashed too, if not renamed."""
    for node in ast.walk(tree):
        for alias, module in _imported_names(node):
            is_renamed = alias.asname is not None or "." in alias.name
            if module in modules and not is_renamed:
                yield alias.name, modules[module]


def _does_nothing(value: object) -> bool:
    """Whether a statement has no effect: a docstring, the text below a constant, `...`, `pass`."""
    if isinstance(value, ast.Pass):
        return True
    return isinstance(value, ast.Expr) and isinstance(value.value, ast.Constant)
