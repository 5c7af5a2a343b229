"""What a component may be registered with beside its name and source: the traits of each kind."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from annotated_types import MaxLen, Predicate
from pydantic import AfterValidator, TypeAdapter, ValidationError

from dasbench.errors import UsageError, unknown_name
from dasbench.spec.plain import Params
from dasbench.spec.trial import Placement

Words = Sequence[str] | set[str] | frozenset[str]

LONGEST_UNIT = 20


def _fits_placement(given: Params) -> Params:
    Placement.model_validate(given)
    return given


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What a component of any kind may be registered with.

    Samplers, schedulers and callbacks have no other traits.

    Args:
        unused: a function of the component's parameters that names those which change nothing
            beside the others, so that they vary no key. None, the default: all of them count.

    Example:
        >>> traits = Traits(unused=lambda params: {"kernel"} if params["norm"] == "none" else set())
        >>> traits.unused({"norm": "none", "kernel": 3})
        {'kernel'}
    """

    unused: Annotated[Callable[[Params], Words] | None, "a function of the parameters"] = None


@dataclass(frozen=True, kw_only=True)
class GateTraits(Traits):
    """What a gate may be registered with.

    Args:
        placement: where it stands unless a study says otherwise, as `placement:` in a study; by
            default `after: stage`.
        backbone: parameters that its authors changed in their backbone, for backbones that have
            them; by default none.
        components: what it is composed of, each part with the parameters that leave it out, or a
            function of the gate's parameters that returns that. None, the default: it does not
            say, and cannot be ablated.
        capacity: parameters that widen or narrow it, each with ordered values along which its size
            only grows, or only shrinks; by default none.
        sweeps: named sets of parameters with the values that are worth comparing; by default none.

    Example:
        >>> GateTraits(
        ...     placement={"after": "before_add", "blocks": "last"},
        ...     backbone={"last_stride": 1},
        ...     components={"context": {"kernel": 1}},
        ...     capacity={"reduction": range(1, 257)},
        ...     sweeps={"kernel": {"kernel": (1, 3, 5)}},
        ... ).unused is None
        True
    """

    placement: Annotated[
        Params,
        AfterValidator(_fits_placement),
        'as in {"after": "block", "blocks": "last", "stages": (2, 3)}',
    ] = field(default_factory=dict)
    backbone: Annotated[Params, 'as in {"last_stride": 1}'] = field(default_factory=dict)
    components: Annotated[
        Mapping[str, Params] | Callable[[Params], Mapping[str, Params]] | None,
        'as in {"context": {"kernel": 1}}, or a function of the parameters',
    ] = None
    capacity: Annotated[Mapping[str, Sequence[Any]], 'as in {"reduction": range(1, 257)}'] = field(
        default_factory=dict
    )
    sweeps: Annotated[
        Mapping[str, Mapping[str, Sequence[Any]]], 'as in {"kernel": {"kernel": (1, 3, 5)}}'
    ] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class BackboneTraits(Traits):
    """What a backbone may be registered with.

    Args:
        stages: how many stages it has, or a function of its parameters that returns that; by
            default 0, for not known.
        conventions: what a gate's default placement means in this backbone, where it is not what it
            means in a ResNet: `after` and `stages`, each from the one to the other; by default
            nothing.
        weights_file: a function of its parameters that returns the file whose weights it starts
            from, or None; by default it reads none.
        example: parameters with which it can be tried, if it cannot be with its defaults.

    Example:
        >>> BackboneTraits(stages=7, conventions={"stages": {1: 2, 2: 3, 4: 7}}).num_stages({})
        7
        >>> BackboneTraits(stages=lambda params: params["depth"]).num_stages({"depth": 3})
        3
    """

    stages: Annotated[
        int | Callable[[Params], int], "a number, or a function of the parameters"
    ] = 0
    conventions: Annotated[
        Mapping[Literal["after", "stages"], Mapping[Any, Any]],
        'as in {"after": {"before_add": "block"}, "stages": {1: 2}}',
    ] = field(default_factory=dict)
    weights_file: Annotated[
        Callable[[Params], Path | None] | None, "a function of the parameters"
    ] = None
    example: Annotated[Params, 'as in {"model": "resnet26"}'] = field(default_factory=dict)

    def num_stages(self, params: Params) -> int:
        """How many stages it has with some parameters."""
        return self.stages(params) if callable(self.stages) else self.stages

    def find_weights(self, params: Params) -> Path | None:
        """The file whose weights it starts from with some parameters."""
        return self.weights_file(params) if self.weights_file else None


@dataclass(frozen=True, kw_only=True)
class DatasetTraits(Traits):
    """What a data set may be registered with.

    Args:
        gives: what it knows of its images, in the words of a task's `needs`; by default a class
            each, `labels`.

    Example:
        >>> DatasetTraits(gives=("labels", "maps")).gives
        ('labels', 'maps')
    """

    gives: Annotated[Words, 'as in ("labels", "objects", "maps")'] = ("labels",)


@dataclass(frozen=True, kw_only=True)
class TaskTraits(Traits):
    """What a task may be registered with.

    Args:
        needs: what a data set has to know of its images; by default `labels`.
        balance: what it can do about classes of uneven size, the values of `training.balance`
            beside `none`; by default nothing.
        fixed_sizes: whether all of its batches are of one size, so that kernels may be tried out
            for it; by default they are.

    Example:
        >>> TaskTraits(needs="objects", fixed_sizes=False).balance
        ()
    """

    needs: Annotated[str, "'labels', 'objects', 'maps', or another word"] = "labels"
    balance: Annotated[Words, 'as in ("weights", "sampling")'] = ()
    fixed_sizes: Annotated[bool, "True or False"] = True


@dataclass(frozen=True, kw_only=True)
class MetricTraits(Traits):
    """What a metric may be registered with.

    Args:
        unit: of its values; differences of `%` are percentage points. `""`, the default, for none.
        direction: whether more (`max`) or less (`min`) of it is better; None, the default, if
            neither is: nothing is ranked by it.
        tasks: which tasks measure it; None, the default: any may.
        needs: a parameter of the task without which it is not measured; by default none.

    Example:
        >>> traits = MetricTraits(unit="ms", direction="min", tasks=("detection",), needs="latency")
        >>> traits.is_of("detection"), traits.is_of("probe")
        (True, False)
    """

    unit: Annotated[
        str,
        MaxLen(LONGEST_UNIT),
        Predicate(str.isprintable),
        f"up to {LONGEST_UNIT} characters, as in '%' or 'ms', or '' for none",
    ] = ""
    direction: Annotated[
        Literal["max", "min"] | None, "'max' or 'min', or leave it out where neither is better"
    ] = None
    tasks: Annotated[Words | None, 'as in ("classification",)'] = None
    needs: Annotated[str, "a parameter of the task, as in 'latency'"] = ""

    def is_of(self, task: str) -> bool:
        """Whether a task may measure it."""
        return self.tasks is None or task in self.tasks


@dataclass(frozen=True, kw_only=True)
class PlotTraits(Traits):
    """What a plot is registered with.

    Args:
        info: the function that computes what it draws from chosen studies
            (`dasbench.views.selection.Selection`); without it `dasbench plot` refuses.
        needs: `confusions` if that reads confusion matrices too; by default nothing.
        page: whether it has a page of HTML, which shows each point, too.
        captioned: the function that makes its figure of a report from chosen studies and a counting
            convention; without it a report does not show it.
        report_place: where among the figures of a report it stands, from 1.

    Example:
        >>> PlotTraits(info=len, needs="confusions").info([])
        0
    """

    info: Annotated[Callable[..., Any] | None, "a function of the selection"] = None
    needs: Annotated[Literal["confusions"] | None, "'confusions', or leave it out"] = None
    page: Annotated[bool, "True, or leave it out"] = False
    captioned: Annotated[Callable[..., Any] | None, "a function of the selection"] = None
    report_place: Annotated[int | None, "a whole number"] = None


TraitsT = TypeVar("TraitsT", bound=Traits)


def checked_traits(kind: type[TraitsT], given: Mapping[str, Any], *, where: str) -> TraitsT:
    """The traits that a component is registered with.

    Args:
        kind: which traits there are.
        given: by name, as they were written.
        where: the component and its place, for complaints.

    Raises:
        UsageError: with a line for each that is unknown or not what it should be.

    Example:
        >>> given = {"need": "maps", "fixed_sizes": 1}
        >>> checked_traits(TaskTraits, given, where="task 'mine' (my.py:3)")
        Traceback (most recent call last):
            ...
        dasbench.errors.UsageError: task 'mine' (my.py:3) is registered with an unknown trait
        'need'. Did you mean 'needs'? Known: balance, fixed_sizes, needs, source, unused.
        task 'mine' (my.py:3) is registered with fixed_sizes 1; write True or False
    """
    problems = [_problem(kind, name, value) for name, value in given.items()]
    complaints = [f"{where} is registered with {problem}" for problem in problems if problem]
    if complaints:
        raise UsageError("\n".join(complaints))
    return kind(**given)


def _problem(kind: type[Traits], name: str, value: object) -> str:
    """What is wrong with a trait; `""` if nothing is."""
    known: dict[str, Any] = {each.name: each.type for each in fields(kind)}
    if name not in known:
        return f"an {unknown_name('trait', name, [*known, 'source'])}"
    try:
        _form_of(known[name]).validate_python(value, strict=True)
    except ValidationError:
        return f"{name} {value!r}; write {known[name].__metadata__[-1]}"
    return ""


@cache
def _form_of(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)
