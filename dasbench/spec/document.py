"""A YAML file as plain data in which every value knows its line.

Files come from strangers: aliases, tags, depth and size are refused on the event stream, before
anything is built.
"""

import math
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    NodeEvent,
)
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from dasbench.errors import Complaint, StudyError
from dasbench.spec.plain import Record

MAX_BYTES = 1_000_000
MAX_DEPTH = 32
MAX_NODES = 30_000
MAX_TEXT = 1_000

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
"""Control characters, but for the end of a line."""

Path_ = tuple[str | int, ...]
"""Where a value stands: keys and list positions from the root."""


@dataclass(frozen=True)
class Document:
    """Plain data of a YAML file, the line of every value, and what is already wrong with it.

    Args:
        file: the path as the user gave it.
        data: dicts with string keys, lists, strings, numbers, booleans, None.
        lines: line of each value, from 1, by its path.
        complaints: duplicate keys, keys that are not strings, numbers that are not finite.
    """

    file: str
    data: Any
    lines: dict[Path_, int] = field(default_factory=dict)
    complaints: tuple[Complaint, ...] = ()

    def complaint(self, path: Path_, message: str) -> Complaint:
        """A complaint about the value at `path`, on its line or that of its nearest parent."""
        line = 0
        for length in range(len(path) + 1):
            line = self.lines.get(path[:length], line)
        return Complaint(self.file, line, dotted(path), message)


def dotted(path: Path_) -> str:
    """A path as people write it.

    Example:
        >>> dotted(("axes", 0, "values"))
        'axes[0].values'
    """
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}"
    return text.removeprefix(".")


def read_document(path: Path) -> Document:
    """Read one YAML document from a file, refusing what no study needs.

    Raises:
        StudyError: if it is no regular file, too large or deep, not UTF-8, not one YAML document,
            or uses aliases or tags. Smaller faults are collected in `complaints`, so that they are
            shown beside those of the schema.
    """
    text = _read_text(path)
    file = str(path)
    try:
        _check_events(text, file)
        node = YAML().compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = str(error.problem or error.context)
        if "\\t" in str(error):
            message += " (use spaces, not tabs)"
        line = 0
        if mark:
            line = mark.line + 1
        _refuse(file, line, message)
    except (YAMLError, ValueError) as error:
        _refuse(file, 0, str(error).replace("\n", " "))
    if node is None:
        _refuse(file, 1, "the file is empty")
    return _Builder(file).document(node)


def parse_scalar(text: str) -> Any:
    """The value of one YAML scalar, as an override takes it.

    Example:
        >>> [parse_scalar(text) for text in ("1e-4", "no", "12", "true", "[1, 2]")]
        [0.0001, 'no', 12, True, [1, 2]]
    """
    try:
        node = YAML().compose(text)
    except YAMLError:
        return text
    if node is None:
        return text
    document = _Builder("").document(node)
    if document.complaints:
        return text
    return document.data


def _read_text(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            _refuse(str(path), 0, "is not a regular file")
        raw = path.open("rb").read(MAX_BYTES + 1)
    except OSError as error:
        _refuse(str(path), 0, f"cannot be read: {error.strerror}")
    if len(raw) > MAX_BYTES:
        _refuse(str(path), 0, f"is larger than {MAX_BYTES:,} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        byte = f"byte 0x{raw[error.start]:02x}"
        _refuse(str(path), line, f"is not UTF-8: {byte}; save the file as UTF-8")
    for number, content in enumerate(text.splitlines(), start=1):
        if "\0" in content:
            _refuse(str(path), number, "holds a NUL character")
        if "\t" in content[: len(content) - len(content.lstrip())]:
            _refuse(str(path), number, "is indented with a tab; YAML wants spaces")
    return text


def _check_events(text: str, file: str) -> None:
    """Refuse aliases, tags, depth, size and second documents."""
    depth = nodes = documents = 0
    events: Iterator[Event] = YAML().parse(text)
    for event in events:
        line = event.start_mark.line + 1
        documents += isinstance(event, DocumentStartEvent)
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        nodes += isinstance(event, NodeEvent)
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            _refuse(file, line, "anchors and aliases (&, *) are not allowed in a study")
        if tag := getattr(event, "ctag", None):
            _refuse(file, line, f"tags are not allowed in a study: {tag}")
        if depth > MAX_DEPTH:
            _refuse(file, line, f"is nested more than {MAX_DEPTH} deep")
        if nodes > MAX_NODES:
            _refuse(file, line, f"holds more than {MAX_NODES:,} values")
        if documents > 1:
            _refuse(file, line, "holds a second document; a study is one document per file")


def _refuse(file: str, line: int, message: str) -> NoReturn:
    raise StudyError([Complaint(file, line, "", message)])


class _Builder:
    """Turns composed nodes into plain data, noting lines and faults on the way."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Path_, int] = {}
        self.complaints: list[Complaint] = []

    def document(self, node: Node) -> Document:
        data = self.value(node, ())
        return Document(self.file, data, self.lines, tuple(self.complaints))

    def value(self, node: Node, path: Path_) -> Any:
        self.lines[path] = node.start_mark.line + 1
        if isinstance(node, MappingNode):
            return self.mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        assert isinstance(node, ScalarNode)
        return self.scalar(node, path)

    def mapping(self, node: MappingNode, path: Path_) -> Record:
        result: Record = {}
        for key_node, value_node in node.value:
            key = "?"
            if isinstance(key_node, ScalarNode):
                key = key_node.value
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode) or str(key_node.tag).endswith(":merge"):
                self.complain(line, path, "a key must be a plain word")
            elif key in result:
                first = self.lines[(*path, key)]
                self.complain(line, (*path, key), f"duplicate key (first on line {first})")
            result[key] = self.value(value_node, (*path, key))
            self.lines[(*path, key)] = line
        return result

    def scalar(self, node: ScalarNode, path: Path_) -> str | int | float | None:
        text, kind = str(node.value), str(node.tag).rpartition(":")[2]
        fault = self.fault(text, kind)
        if fault:
            self.complain(node.start_mark.line + 1, path, fault)
            return None
        match kind:
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                digits = text.replace("_", "")
                if digits.lstrip("+-")[1:2].lower() in ("x", "o", "b"):
                    return int(digits, 0)
                return int(digits)
            case "float":
                return float(text.replace("_", ""))
            case _:
                return text

    @staticmethod
    def fault(text: str, kind: str) -> str:
        """What forbids a scalar, or the empty text."""
        if len(text) > MAX_TEXT:
            return f"is longer than {MAX_TEXT:,} characters"
        if _CONTROL.search(text):
            return "holds a control character"
        if kind == "float" and not _is_finite(text):
            return f"'{text}' is not a finite number"
        if kind == "int" and len(text) > 20:
            return f"'{text[:20]}...' is too long for a number"
        return ""

    def complain(self, line: int, path: Path_, message: str) -> None:
        self.complaints.append(Complaint(self.file, line, dotted(path), message))


def _is_finite(text: str) -> bool:
    """Whether what YAML calls a float is a finite number."""
    is_word = text.lower().strip("+-.") in ("inf", "nan")
    return not is_word and math.isfinite(float(text.replace("_", "")))
