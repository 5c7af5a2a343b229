"""References from the sources of components, as BibTeX: what is irregular is a note."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple

from dasbench.render.section.words import enumerate_names
from dasbench.render.text.plain import plain
from dasbench.render.text.tex import tex
from dasbench.render.text.words import agreeing
from dasbench.views.sources import UsedComponent

KINDS = {
    "task": "task",
    "backbone": "backbone",
    "gate": "gate",
    "dataset": "data set",
    "sampler": "sampler",
    "scheduler": "scheduler",
}
"""What prose calls a kind of component."""

_PARTICLES = "(?:(?:van|von|der|den|de|del|della|di|da|dos|du|la|le|ter|ten|el|al|bin) )*"
_NAME = re.compile(
    rf"{_PARTICLES}(?=[^\W\d_]['\u2019-]?[^\W\d_])[^\W\d_]+(?:['\u2019-][^\W\d_]+)*", re.IGNORECASE
)
"""One family name: a word of two letters or more, also with hyphens, with particles before it."""

_REGULAR = re.compile(
    r"(?P<authors>[^\d:;]+?),? \(?(?P<year>(?:19|20)\d\d)\)?(?:,? (?P<rest>\S.*))?"
)
_PLACE = re.compile(r"(?:^|, | \()(?P<place>(?:arXiv[: ]|doi[: ]).+)", re.IGNORECASE)
_ARXIV = re.compile(r"arXiv[: ](\d{4}\.\d{4,5})", re.IGNORECASE)
_SMALL_WORDS = {"a", "an", "the", "on", "of", "in", "for", "to", "and", "with"}


@dataclass(frozen=True, kw_only=True)
class Reference:
    """An entry of a bibliography.

    Args:
        key: what cites it.
        text: all of it, as the component's source says it.
        authors: family names; empty where they cannot be told.
        others: whether there are more authors.
        year: of publication, `""` where it cannot be told.
        title: `""` where it cannot be told from what stands beside it.
        arxiv: its number there, `""` without one.
        note: what is left.
    """

    key: str
    text: str
    authors: Sequence[str] = ()
    others: bool = False
    year: str = ""
    title: str = ""
    arxiv: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Citation:
    """Some components with what is to be cited for them.

    Args:
        what: the components in words (`gates se and cbam`).
        references: whom to cite.
    """

    what: str
    references: Sequence[Reference]

    @property
    def keys(self) -> Sequence[str]:
        """Of the references."""
        return [reference.key for reference in self.references]


def make_citations(components: Iterable[UsedComponent]) -> list[Citation]:
    """What is to be cited for the components that have a source.

    Keys are unique, and follow from the texts.
    """
    by_source: dict[tuple[str, str], dict[str, None]] = {}
    for component in components:
        if is_reference(component.source):
            by_source.setdefault((component.kind, component.source), {})[component.name] = None
    parsed = {source: references_in(source) for _, source in by_source}
    keys = _unique_keys(chain.from_iterable(parsed.values()))
    citations = []
    for (kind, source), names in by_source.items():
        kind_in_words = KINDS.get(kind, kind)
        kinds = agreeing(len(names), kind_in_words, f"{kind_in_words}s")
        what = f"{kinds} {enumerate_names(names, most=len(names))}"
        references = [replace(reference, key=keys[reference.text]) for reference in parsed[source]]
        citations.append(Citation(what=what, references=references))
    return citations


def references_of(citations: Iterable[Citation]) -> list[Reference]:
    """Every reference once, in the order in which they are cited."""
    references: dict[str, Reference] = {}
    for citation in citations:
        references |= dict(zip(citation.keys, citation.references, strict=True))
    return list(references.values())


def is_reference(source: str) -> bool:
    """Whether a source names anybody or any number, as all literature does.

    Example:
        >>> is_reference("Hu et al. 2018"), is_reference("exhaustive enumeration")
        (True, False)
    """
    return any(character.isalnum() and not character.islower() for character in source)


def references_in(source: str) -> list[Reference]:
    """The references of a source, each of which begins with its authors and the year.

    Any other source is one reference, which is all a note.

    Example:
        >>> source = "Hu et al. 2018, Squeeze-and-excitation networks, arXiv 1709.01507, section 3"
        >>> [(one.key, one.note) for one in references_in(source)]
        [('dasbench-hu2018squeeze', 'arXiv 1709.01507, section 3')]
        >>> source = "Sobol, 1967; Owen, 1998 (scrambling); scipy.stats.qmc"
        >>> [(one.key, one.note) for one in references_in(source)]
        [('dasbench-sobol1967', ''), ('dasbench-owen1998', '(scrambling); scipy.stats.qmc')]
        >>> source = "The handbook of K. Doe, 3rd edition"
        >>> [(one.key, one.authors, one.note) for one in references_in(source)]
        [('dasbench-the-handbook-of', (), 'The handbook of K. Doe, 3rd edition')]
    """
    first, *others = source.split("; ")
    last = _dated_reference(first)
    if last is None:
        return [Reference(key=_key(source.split()[:3]), text=source, note=source)]
    found = []
    for part in others:
        own = _dated_reference(part)
        if own is not None:
            found.append(last)
            last = own
        else:
            note = "; ".join(filter(None, (last.note, part)))
            last = replace(last, text=f"{last.text}; {part}", note=note)
    return [*found, last]


def bibtex(references: Iterable[Reference]) -> str:
    """Entries for BibTeX, in ASCII."""
    return "\n".join(map(_entry, references))


def bib_text(text: str) -> str:
    r"""Text inside of a field, whose braces BibTeX counts.

    Example:
        >>> print(bib_text("50 % of {a}, é"))
        50 \% of \textbraceleft{}a\textbraceright{}, \'{e}
    """
    braces = {"{": r"\textbraceleft{}", "}": r"\textbraceright{}"}
    return "".join(braces.get(part) or tex(part) for part in re.split("([{}])", text))


def _entry(reference: Reference) -> str:
    """One entry, with the fields that are known."""
    entry = f"@misc{{{reference.key},\n"
    for name, value in _fields(reference).items():
        if value:
            entry += f"  {name} = {{{value}}},\n"
    return entry + "}\n"


def _fields(reference: Reference) -> Mapping[str, str]:
    """The fields of an entry in LaTeX, `""` where they are not known.

    An entry without authors is sorted by its key.
    """
    authors = list(map(bib_text, reference.authors))
    if reference.others:
        authors.append("others")
    fields = {"author": " and ".join(authors)}
    if not authors:
        fields["key"] = bib_text(reference.key)
    if reference.title:
        fields["title"] = f"{{{bib_text(reference.title)}}}"
    fields["year"] = reference.year
    if reference.arxiv:
        fields |= {"eprint": reference.arxiv, "archiveprefix": "arXiv"}
    return fields | {"note": bib_text(reference.note)}


def _dated_reference(text: str) -> Reference | None:
    """A reference that begins with its authors and the year; None of anything else."""
    match = _REGULAR.fullmatch(text)
    if match is None:
        return None
    names, et_al, _ = match["authors"].partition(" et al")
    authors = re.split(", and | and |, | & ", names)
    if not all(map(_is_name, authors)):
        return None
    year, work = match["year"], _work(match["rest"] or "")
    return Reference(
        key=_key([f"{authors[0].split()[-1]}{year}{_first_word(work.title)}"]),
        text=text,
        authors=authors,
        others=bool(et_al),
        year=year,
        title=work.title,
        arxiv=work.arxiv,
        note=work.note,
    )


class _Work(NamedTuple):
    """What stands behind authors and year; `""` for what is not known."""

    title: str
    arxiv: str
    note: str


def _work(rest: str) -> _Work:
    place = _PLACE.search(rest)
    if place is None:
        return _Work(title="", arxiv="", note=rest)
    arxiv = ""
    if number := _ARXIV.search(place["place"]):
        arxiv = number[1]
    title = _title(rest[: place.start()])
    if not title:
        return _Work(title, arxiv, note=rest)
    return _Work(title, arxiv, note=rest[place.start() :].removeprefix(", ").strip())


def _is_name(text: str) -> bool:
    """Whether a text is a family name."""
    return bool(_NAME.fullmatch(text)) and any(letter.isupper() for letter in text)


def _title(before: str) -> str:
    """The title that stands before a place, if it has no comma.

    What stands behind a comma may be part of a title, or where it appeared.
    """
    if ", " in before:
        return ""
    return before


def _first_word(title: str) -> str:
    """The first word of a title that says anything."""
    words = re.findall(r"\w+", title.lower())
    return next((word for word in words if word not in _SMALL_WORDS), "")


def _key(words: Iterable[str]) -> str:
    """A key that no other bibliography has, of letters and digits that every program reads."""
    plain_words = [re.sub("[^a-z0-9]", "", plain(word).lower()) for word in words]
    return "-".join(["dasbench", *filter(None, plain_words)])


def _unique_keys(references: Iterable[Reference]) -> Mapping[str, str]:
    """A key for each text: its own, with a number behind it where an earlier text has the same."""
    keys: dict[str, str] = {}
    for reference in references:
        if reference.text in keys:
            continue
        key, number = reference.key, 1
        while key in keys.values():
            number += 1
            key = f"{reference.key}-{number}"
        keys[reference.text] = key
    return keys
