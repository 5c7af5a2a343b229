"""Which variant of a study the others are compared with."""

from collections.abc import Sequence

from dasbench.spec.plain import Fields, Variant


def baseline_candidates(
    variants: Sequence[Variant],
    *,
    base: Fields,
    named: Fields | None = None,
) -> list[int]:
    """Numbers of the variants that a study may mean by its baseline; one where it is clear.

    They are those that it names, or else those that are its base as it stands. Where there is none,
    looks compare with the first variant, and reports with the one without a gate.

    Args:
        variants: the varied fields of each and their values.
        base: every dotted field of the study's base.
        named: the fields that its `seeds.baseline` asks for, if it has any.

    Example:
        >>> gates = [{"gate": "se"}, {"gate": "none"}, {"gate": {"name": "das", "alpha": 0.1}}]
        >>> baseline_candidates(gates, base={"gate": {"name": "none"}, "gate.name": "none"})
        [1]
        >>> baseline_candidates(gates, base={}, named={"gate": "se"})
        [0]
    """
    places = []
    for place, variant in enumerate(variants):
        fields, other = variant, base
        if named is not None:
            fields, other = named, variant
        if _agrees(fields, other):
            places.append(place)
    return places


def _agrees(fields: Fields, other: Fields) -> bool:
    """Whether the other has all of these fields with the same values."""
    return all(_in_full(other.get(key)) == _in_full(value) for key, value in fields.items())


def _in_full(value: object) -> object:
    """A value that may be a component by its name alone, as one with all of its parameters."""
    if isinstance(value, str):
        return {"name": value}
    return value
