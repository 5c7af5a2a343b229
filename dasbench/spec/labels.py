"""How a variant is called: by the study's own labels, or by its fields and their values."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from dasbench.spec.plain import Params, Spec, Variant


def label(variant: Variant, names: Mapping[str, str] | None = None) -> str:
    """A variant in a few words: the names that its study gives to values, or fields and values.

    | varied | reads |
    |---|---|
    | nothing | `base` |
    | `gate: none` | `gate=none` |
    | `gate: {name: das, alpha: 0.2, mask: false}` | `gate=das(alpha=0.2, mask=False)` |
    | `backbone.name: resnet18`, `gate.alpha: 0.1` | `backbone=resnet18 alpha=0.1` |
    | `gate.kernel: 3`, `task.kernel: 5` | `gate.kernel=3 task.kernel=5` |
    | `placement: {stages: [1, 2], after: stage}` | `placement=(stages=1,2 after=stage)` |
    | `dataset.image_size: [32, 320]` | `image_size=32x320` |
    | `gate.alpha: {value: 0.1, label: little}`, `gate.kernel: 3` | `little, kernel=3` |

    Args:
        variant: the varied fields and their values.
        names: what the study calls the values of some fields, by field; see `Study.label_of`.

    Example:
        >>> label({"backbone.name": "resnet18", "gate": {"name": "das", "alpha": 0.2}})
        'backbone=resnet18 gate=das(alpha=0.2)'
        >>> label({"gate": {"name": "das", "alpha": 0.2}, "training.lr": 0.1}, {"gate": "DAS"})
        'DAS, lr=0.1'
        >>> label({})
        'base'
    """
    names = names or {}
    separator = " "
    if names:
        separator = ", "
    parts = []
    for key, field in short_fields(variant).items():
        parts.append(names.get(key) or f"{field}={worded(key, variant[key])}")
    return separator.join(parts) or "base"


def short_fields(keys: Iterable[str]) -> dict[str, str]:
    """What dotted fields are called: by their last parts, where no two are called the same.

    Example:
        >>> keys = ["backbone.name", "gate.first_norm", "gate.kernel", "task.kernel"]
        >>> list(short_fields(keys).values())
        ['backbone', 'first_norm', 'gate.kernel', 'task.kernel']
    """
    full = {key: key.removesuffix(".name") for key in keys}
    last = {key: name.rpartition(".")[2] for key, name in full.items()}
    number = Counter(last.values())
    for key, name in last.items():
        if number[name] > 1:
            last[key] = full[key]
    return last


def worded(key: str, value: object) -> str:
    """A value of a dotted field as a label has it.

    Example:
        >>> worded("gate", {"name": "das", "alpha": 0.1 + 0.2, "mask": None})
        'das(alpha=0.3, mask=None)'
        >>> worded("gate.mask", True)
        'True'
        >>> worded("dataset.image_size", [32, 320]), worded("placement.stages", [1, 2])
        ('32x320', '1,2')
    """
    if isinstance(value, Mapping) and "name" not in value:
        return f"({' '.join(f'{name}={worded(name, part)}' for name, part in value.items())})"
    if isinstance(value, list | tuple):
        separator = ","
        if key.endswith("image_size"):
            separator = "x"
        return separator.join(map(_text_inside, value)) or "[]"
    return _text_inside(value)


def _text_inside(value: object) -> str:
    """A value inside of another one, where a list needs its brackets."""
    if isinstance(value, Mapping):
        if "name" in value:
            return _component(value)
        return worded("", value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_text_inside, value))}]"
    if isinstance(value, float):
        return str(float(f"{value:.12g}"))  # without binary dust
    return str(value)


def _component(choice: Spec) -> str:
    parameters = {name: _text_inside(value) for name, value in choice.items() if name != "name"}
    return component_text(choice["name"], parameters)


def component_text(name: str, parameters: Params) -> str:
    """A component with its parameters in brackets, or its name alone.

    Example:
        >>> component_text("das", {"alpha": 0.2}), component_text("none", {})
        ('das(alpha=0.2)', 'none')
    """
    inside = ", ".join(f"{key}={value}" for key, value in parameters.items())
    if not inside:
        return name
    return f"{name}({inside})"


def is_given(text: str, variant: Variant) -> bool:
    """Whether a variant's label is the study's own, rather than its fields and values.

    These may be followed by the versions of its code.

    Example:
        >>> is_given("DAS", {"gate": "das"})
        True
        >>> is_given("gate=das [gate code 3f9a2c]", {"gate": "das"})
        False
    """
    plain = label(variant)
    return text != plain and not text.startswith(f"{plain} [")


def repeated(labels: Sequence[str]) -> dict[int, int]:
    """Where a label stands again, and where it stood first.

    Example:
        >>> repeated(["none", "DAS", "none"])
        {2: 0}
    """
    first: dict[str, int] = {}
    places = {}
    for place, text in enumerate(labels):
        if first.setdefault(text, place) != place:
            places[place] = first[text]
    return places
