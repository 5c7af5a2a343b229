"""A condition on rows in a small language of our own (`where`), evaluated in Python."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dasbench.errors import UsageError
from dasbench.records import COST_FIELDS, Row
from dasbench.spec.constraints import COMPARISONS
from dasbench.spec.plain import Fields, Record
from dasbench.views.fields import find_field, flat_fields
from dasbench.views.variants import by_variant, gather, score

Term = Callable[[Fields], object]
"""Takes the values of a row by column, and gives its own."""

VARIANT_COLUMNS = ("study", "label", "dataset", "task")
ROW_COLUMNS = ("key", "state", "reason", "role", "seed")
TEXT_COLUMNS = (*VARIANT_COLUMNS, "key", "state", "reason", "role")
NUMBER_COLUMNS = (
    "seed",
    "n",
    "failed",
    "planned",
    "seconds",
    "peak_memory",
    *COST_FIELDS,
    "params",
    "macs",
)
_MEASURED = ("top1", "top5", "balanced_accuracy", "macro_f1", "loss")
METRIC_COLUMNS = (*_MEASURED, *(f"val_{name}" for name in _MEASURED))
MAX_LENGTH, MAX_DEPTH = 4000, 50
EXAMPLE = """top1 > 60 and gate.first_norm = "in\""""

COMPARE: Mapping[str, Callable[[object, object], bool]] = {
    **COMPARISONS,
    "=": operator.eq,
    "<>": operator.ne,
}
KEYWORDS = ("and", "or", "not", "in", "true", "false")
TOKEN = re.compile(
    r"""\s*(?:(?P<text>"[^"]*"|'[^']*')
        |(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]))
        |(?P<name>[A-Za-z_]\w*(?:\.\w+)*)
        |(?P<mark><=|>=|==|!=|<>|[=<>()\[\],]))""",
    re.VERBOSE,
)


def filter_rows(rows: Sequence[Row], where: str, *, metrics: Sequence[str] = ()) -> list[Row]:
    """The rows that pass a condition.

    Columns are the metrics, the costs, the varied fields (`gate.first_norm`, or `first_norm`
    alone), and those of `TEXT_COLUMNS` and `NUMBER_COLUMNS`; `dataset` is the data set's name
    without its parameters. A metric stands for the variant's mean over its seeds: a variant passes
    as a whole or not at all, since to leave out single seeds for their scores would flatter what is
    left. What a row lacks equals nothing and is not less or greater than anything.

    Args:
        rows: trials of one study or of several.
        where: comparisons (`=`, `!=`, `<`, `<=`, `>`, `>=`, `in (...)`, `not in (...)`) joined by
            `and`, `or`, `not` and parentheses; texts in quotes.
        metrics: metrics that are known, though no row may have them yet.

    Raises:
        UsageError: if it is not understood, saying where; or if a column is unknown, naming the
            nearest.

    Example:
        >>> def row(gate, seed, top1):
        ...     return Row(study="s", key="", variant={"gate": {"name": gate}}, label=gate,
        ...                seed=seed, state="done", metrics={"top1": top1})
        >>> das = [row("das", 0, 70.0), row("das", 1, 50.0)]
        >>> rows = [*das, row("se", 0, 65.0), row("none", 0, 40.0)]
        >>> [(row.label, row.seed) for row in filter_rows(rows, 'top1 >= 60 and gate != "se"')]
        [('das', 0), ('das', 1)]
    """
    groups = list(map(_group, by_variant(rows)))
    texts = dict.fromkeys(TEXT_COLUMNS)
    numbers = dict.fromkeys([*NUMBER_COLUMNS, *METRIC_COLUMNS, *metrics])
    for group in groups:
        texts |= dict.fromkeys(group.fields)
        numbers |= dict.fromkeys(group.numbers)
    condition = _Parser(where, texts=list(texts), numbers=list(numbers)).condition()
    passed: set[int] = set()
    for group in groups:
        values = group.values
        for row in group.rows:
            values |= {name: getattr(row, name) for name in ROW_COLUMNS}
            if condition(values):
                passed.add(id(row))
    return [row for row in rows if id(row) in passed]


@dataclass(frozen=True)
class _Group:
    """The rows of one variant and what holds for all of them."""

    rows: Sequence[Row]
    fields: Record
    numbers: Record

    @property
    def values(self) -> Record:
        """By column; of the data set its name without parameters."""
        row = self.rows[0]
        values = {name: getattr(row, name) for name in VARIANT_COLUMNS}
        values["dataset"] = row.dataset.partition("(")[0]
        return values | self.fields | self.numbers


def _group(rows: Sequence[Row]) -> _Group:
    """The rows of one variant with its fields and all numbers that are known of it."""
    entry = gather(rows)
    numbers: Record = {}
    for metric in entry.scores:
        numbers[metric] = score(entry, metric)
        numbers[f"{metric}_mean"] = score(entry, metric)
    for name in (*COST_FIELDS, "params", "macs"):
        numbers[name] = score(entry, name)
    numbers["n"] = sum(row.is_done for row in rows)
    for name in ("failed", "planned", "seconds", "peak_memory"):
        numbers[name] = getattr(entry, name)
    return _Group(rows, flat_fields(rows[0].variant), numbers)


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


class _Parser:
    """Recursive descent over one condition; each rule returns a term that is evaluated later.

    Args:
        where: the condition as it was written.
        texts: columns of any type.
        numbers: columns that hold numbers, which nobody compares with a text.
    """

    def __init__(self, where: str, *, texts: Sequence[str], numbers: Sequence[str]) -> None:
        self.where = where
        self.columns = [*texts, *numbers]
        self.numbers = frozenset(numbers)
        self.tokens = self._split()
        self.depth = 0

    def condition(self) -> Term:
        term = self._either()
        if self.tokens[0].kind != "end":
            raise self._error("'and', 'or' or the end")
        return term

    def _either(self) -> Term:
        terms = [self._all()]
        while self._take("or"):
            terms.append(self._all())
        return lambda values: any(term(values) for term in terms)

    def _all(self) -> Term:
        terms = [self._one()]
        while self._take("and"):
            terms.append(self._one())
        return lambda values: all(term(values) for term in terms)

    def _one(self) -> Term:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise UsageError(
                f"`where`: more than {MAX_DEPTH} parentheses and 'not' inside of each other"
            )
        if self._take("not"):
            inner = self._one()
            term: Term = lambda values: not inner(values)  # noqa: E731 - as the other rules do
        elif self._take("("):
            term = self._either()
            self._expect(")")
        else:
            term = self._comparison()
        self.depth -= 1
        return term

    def _comparison(self) -> Term:
        left, left_kind = self._operand()
        if self._take("not"):
            self._expect("in")
            among = self._list(left_kind)
            return lambda values: left(values) not in among
        if self._take("in"):
            among = self._list(left_kind)
            return lambda values: left(values) in among
        mark = self.tokens[0].text
        if mark not in COMPARE:
            raise self._error("a comparison: =, !=, <, <=, >, >=, in")
        self.tokens.pop(0)
        right, right_kind = self._operand()
        self._check_kinds(left_kind, right_kind)
        return lambda values: _compare(mark, left(values), right(values))

    def _list(self, kind: str) -> list[object]:
        closing = {"(": ")", "[": "]"}.get(self.tokens[0].text)
        if closing is None:
            raise self._error("a list: ('a', 'b')")
        self.tokens.pop(0)
        found = [self._value(kind)]
        while self._take(","):
            found.append(self._value(kind))
        self._expect(closing)
        return found

    def _value(self, kind: str) -> object:
        """A value of a list that something of a kind is looked up in."""
        token = self.tokens[0]
        if token.kind not in ("text", "number") and token.text not in ("true", "false"):
            raise self._error("a text in quotes or a number")
        value, own_kind = self._operand()
        self._check_kinds(kind, own_kind)
        return value({})

    def _operand(self) -> tuple[Term, str]:
        """A column or a value, and whether it is a `number`, a `text` or `any`."""
        token = self.tokens[0]
        if token.kind not in ("text", "number", "name") or token.text.lower() in KEYWORDS[:4]:
            raise self._error("a column, a text in quotes or a number")
        self.tokens.pop(0)
        if token.kind == "text":
            return lambda _: token.text[1:-1], "text"
        if token.kind == "number":
            number = float(token.text)
            return lambda _: number, "number"
        if token.text in ("true", "false"):
            return lambda _: token.text == "true", "any"
        name, kind = self._column(token.text), "any"
        if name in self.numbers:
            kind = "number"
        return lambda values: values.get(name), kind

    def _column(self, name: str) -> str:
        try:
            return find_field(name, self.columns, kind="column")
        except UsageError as error:
            raise UsageError(f'`where`: {error} A text is written in quotes: "{name}".') from error

    def _check_kinds(self, left: str, right: str) -> None:
        if {left, right} == {"number", "text"}:
            raise UsageError(
                f"`where`: a number is compared with a text in quotes in {self.where!r}"
            )

    def _take(self, text: str) -> bool:
        token = self.tokens[0]
        if token.kind not in ("name", "mark") or token.text.lower() != text:
            return False
        self.tokens.pop(0)
        return True

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise self._error(f"'{text}'")

    def _error(self, wanted: str) -> UsageError:
        token = self.tokens[0]
        found = f"{token.text!r} at character {token.at + 1}"
        if token.kind == "end":
            found = "the end"
        return UsageError(
            f"`where`: expected {wanted}, found {found} of {self.where!r}. Write it as in {EXAMPLE}"
        )

    def _split(self) -> list[_Token]:
        """The words of the condition, and a mark of its end."""
        if len(self.where) > MAX_LENGTH:
            raise UsageError(
                f"`where`: {len(self.where):,} characters are more than {MAX_LENGTH:,}"
            )
        tokens, at, end = [], 0, len(self.where.rstrip())
        while at < end:
            match = TOKEN.match(self.where, at)
            if match is None or match.lastgroup is None:
                here = at + len(self.where[at:]) - len(self.where[at:].lstrip())
                wrong = f"{self.where[here]!r} at character {here + 1} of {self.where!r}"
                raise UsageError(f"`where`: cannot read {wrong}. Write it as in {EXAMPLE}")
            kind = match.lastgroup
            tokens.append(_Token(kind, match[kind], match.start(kind)))
            at = match.end()
        return [*tokens, _Token("end", "", at)]


def _compare(mark: str, left: object, right: object) -> bool:
    """Compare two values; of different types, or one missing, they are unequal, in no order."""
    if left is None or right is None or isinstance(left, str) != isinstance(right, str):
        return mark in ("!=", "<>")
    return COMPARE[mark](left, right)
