"""One trial: everything that decides what is trained, and the key that names it."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from dasbench.errors import unknown_name
from dasbench.spec.fields import set_field
from dasbench.spec.identity import deciding_fields, hash_of
from dasbench.spec.labels import component_text
from dasbench.spec.plain import Fields, Record

SEMANTICS = 2
"""Bumped when the same fields come to mean another result: old rows are not taken for new."""


FILLED_IN = {
    "seed": "is set by the study's 'seeds'",
    "data_fingerprint": "is computed from the data set",
    "weights_fingerprint": "is computed from the backbone's weights file",
    "code": "is computed from the code of the components",
}
"""Fields of a trial that nobody writes into a study's base, and who fills them in."""


class Frozen(BaseModel):
    """The base of all that is asked: immutable, no unknown keys, no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Choice(Frozen):
    """A component by name, with its parameters.

    In a study it is written flat (`{name: das, alpha: 0.2}`), or as the bare name when all
    parameters keep their defaults. The parameters are checked against the component's constructor,
    which is their schema.

    Example:
        >>> Choice.model_validate("das") == Choice.model_validate({"name": "das"})
        True
        >>> Choice(name="das", params={"alpha": 0.1}).model_dump()
        {'name': 'das', 'alpha': 0.1}
    """

    name: str = Field(min_length=1, max_length=200)
    params: Mapping[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _from_flat(cls, data: object) -> object:
        if isinstance(data, str):
            return {"name": data}
        if isinstance(data, Mapping) and "params" not in data:
            params = dict(data)
            parts: Record = {"params": params}
            if "name" in params:
                parts["name"] = params.pop("name")
            return parts
        return data

    @model_serializer(mode="wrap")
    def _to_flat(self, handler: SerializerFunctionWrapHandler) -> Record:
        del handler
        return {"name": self.name, **self.params}

    def __str__(self) -> str:
        return component_text(self.name, self.params)


def known(kind: str) -> AfterValidator:
    """A validator that refuses names which the catalog, in the context, does not list."""

    def check(choice: Choice, info: ValidationInfo) -> Choice:
        names = (info.context or {}).get("known", {}).get(kind)
        if names is not None and choice.name not in names:
            raise ValueError(unknown_name(kind, choice.name, names))
        return choice

    return AfterValidator(check)


class Placement(Frozen):
    """Where the gates go. What is left out is the gate's own default.

    Args:
        stages: numbers of the stages, from 1; all stages if left out.
        after: `stage` (one gate at each stage's end), `block` (after the skip connection),
            `before_add` (before it) or `inside` (after the norm of a block's middle convolution).
        blocks: in which blocks of a stage: `all`, the `first`, the `last`, or `alternate` (the
            second, the fourth and so on); not with `after: stage`, which has no blocks.
        sites: an explicit list of paths in the backbone instead.

    Example:
        >>> Placement(stages=(1, 2), after="stage").sites is None
        True
    """

    stages: tuple[Annotated[int, Field(ge=1)], ...] | None = Field(default=None, min_length=1)
    after: Literal["stage", "block", "before_add", "inside"] | None = None
    blocks: Literal["all", "first", "last", "alternate"] | None = None
    sites: tuple[str, ...] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.sites is not None and (self.stages, self.after, self.blocks) != (None, None, None):
            raise ValueError("give either 'sites' or 'stages', 'after' and 'blocks', not both")
        if self.after == "stage" and self.blocks is not None:
            remedy = "write after: block, before_add or inside"
            raise ValueError(f"'blocks' has no meaning with after 'stage'; {remedy}")
        return self


def _as_tuple(value: object) -> object:
    """Lists that went through `_expand_recipe` are no JSON, of which pydantic makes tuples."""
    if isinstance(value, list):
        return tuple(value)
    return value


class Training(Frozen):
    """How a network is trained. `recipe` names a set of these fields; what is given beside it wins.

    Args:
        recipe: name of a row in `recipes.yaml` (`cpu`, `imagenet_resnet`, ...), or None.
        epochs: passes over the training part.
        batch_size: images per step.
        optimizer: `sgd` or `adamw`.
        lr: learning rate at the start (after the warm-up).
        momentum: of `sgd`.
        nesterov: Nesterov's momentum, with `sgd`.
        weight_decay: L2 penalty of `sgd`, decoupled for `adamw`.
        schedule: `constant`, `cosine` (to zero), `step` (times `gamma` after each of `milestones`)
            or `exponential` (times `gamma` after each epoch).
        milestones: epochs after which `step` acts.
        gamma: factor of `step` and `exponential`.
        warmup_epochs: epochs, or a part of one, over which the rate rises linearly from zero.
        start_epochs: epochs, of all of them, that only prepare a start for the rest: at a constant
            rate, after which the optimiser, its schedule and its warm-up begin anew; `milestones`
            count from there.
        label_smoothing: share of the target that is spread over all classes.
        balance: what is done about classes of uneven size in the training part: `none`; `weights`,
            which weighs an example of class c in the loss by N / (K n_c), of N examples and K
            classes, n_c of them of c; or `sampling`, where an epoch draws N examples with
            replacement, of each class as often as of another. Weights and label smoothing go
            together as in torch: the share of the target that falls to a class is weighed as the
            class.
        augment: random flips and crops as the data set defines them.
        select: which epoch is tested: the `last`, or the `best` on the validation part.
        precision: of the network's operators, in training and in evaluation: `fp32`; `tf32`, which
            rounds what a GPU's convolutions and matrix products read to 10 bits and is fp32 on a
            CPU; or `bf16` where torch's automatic mixed precision takes it, and tf32 elsewhere.
            Weights, their updates and the loss stay in fp32.
        compile: whether torch.compile makes kernels of the network; the first steps then take
            minutes.
        accumulate: parts that a batch is computed in, one after the other, for one step of the
            optimiser: less memory, the same gradient. Batch norms see a part at a time.
    """

    recipe: str | None = None
    epochs: int = Field(default=5, ge=1, le=10_000)
    batch_size: int = Field(default=64, ge=1, le=65_536)
    optimizer: Literal["sgd", "adamw"] = "sgd"
    lr: float = Field(default=0.1, gt=0, le=100)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    nesterov: bool = False
    weight_decay: float = Field(default=1e-4, ge=0, le=1)
    schedule: Literal["constant", "cosine", "step", "exponential"] = "cosine"
    milestones: Annotated[tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(_as_tuple)] = ()
    gamma: float = Field(default=0.1, gt=0, le=1)
    warmup_epochs: float = Field(default=0.0, ge=0)
    start_epochs: int = Field(default=0, ge=0)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    balance: Literal["none", "weights", "sampling"] = "none"
    augment: bool = True
    select: Literal["last", "best"] = "last"
    precision: Literal["fp32", "tf32", "bf16"] = "fp32"
    compile: bool = False
    accumulate: int = Field(default=1, ge=1, le=65_536)

    @model_validator(mode="before")
    @classmethod
    def _expand_recipe(cls, data: object, info: ValidationInfo) -> object:
        recipes = (info.context or {}).get("recipes")
        if recipes is None or not isinstance(data, Mapping) or data.get("recipe") not in recipes:
            return data
        return {**recipes[data["recipe"]], **data, "recipe": None}

    @field_validator("recipe")
    @classmethod
    def _known_recipe(cls, recipe: str | None, info: ValidationInfo) -> str | None:
        if recipe is not None and (recipes := (info.context or {}).get("recipes")) is not None:
            raise ValueError(unknown_name("recipe", recipe, recipes))
        return recipe

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.start_epochs >= self.epochs:
            raise ValueError(
                f"start_epochs ({self.start_epochs}) must be fewer than epochs ({self.epochs})"
            )
        left = self.epochs - self.start_epochs
        if self.warmup_epochs >= left:
            rest = f"epochs ({self.epochs})"
            if self.start_epochs:
                rest = f"the {left} epochs after start_epochs"
            raise ValueError(f"warmup_epochs ({self.warmup_epochs:g}) must be fewer than {rest}")
        if self.nesterov and (self.optimizer != "sgd" or self.momentum == 0):
            raise ValueError("nesterov needs optimizer sgd with momentum above 0")
        if self.accumulate > self.batch_size:
            message = "the parts of a batch, must not be more than its images"
            raise ValueError(
                f"accumulate ({self.accumulate}), {message} (batch_size {self.batch_size})"
            )
        return self


class Trial(Frozen):
    """Everything that decides a result, and nothing else: no host, no device, no path, no study.

    Args:
        task: what is learned.
        backbone: the network.
        gate: the attention gate, `none` for the plain backbone.
        placement: where the gates go.
        dataset: the images.
        training: how it is trained.
        seed: of every random decision, from 0.
        data_fingerprint: hash of the data set's content and split; filled in by
            `resolution.resolve`.
        weights_fingerprint: hash of the file that the backbone's weights are read from, `""` for
            fresh weights; filled in by `resolution.resolve`.
        code: hash of the code of each component that is not dasbench's own as released, by the
            field that names it, and of the training loop under `training`; filled in by
            `resolution.resolve`.

    Example:
        >>> trial = Trial(backbone="resnet18", dataset="digits", seed=0)
        >>> trial.key == Trial(backbone={"name": "resnet18"}, dataset="digits", seed=0).key
        True
        >>> len(trial.key)
        12
    """

    task: Annotated[Choice, known("task")] = Choice(name="classification")
    backbone: Annotated[Choice, known("backbone")]
    gate: Annotated[Choice, known("gate")] = Choice(name="none")
    placement: Placement = Placement()
    dataset: Annotated[Choice, known("dataset")]
    training: Training = Training()
    seed: int = Field(default=0, ge=0, lt=2**31)
    data_fingerprint: str = ""
    weights_fingerprint: str = ""
    code: Mapping[str, str] = Field(default_factory=dict)

    @property
    def key(self) -> str:
        """12 hexadecimal digits that name this trial: a hash of every field and of `SEMANTICS`.

        Two trials share a key exactly if `resolution.resolve` makes them equal, but for the place
        of the weights file, whose content counts instead: resolve before you compare.
        """
        return hash_of({"semantics": SEMANTICS, **deciding_fields(self.model_dump(mode="json"))})

    def with_values(self, values: Fields, **validation: Any) -> "Trial":
        """A trial with some dotted fields replaced (`{"gate.alpha": 0.1}`), checked again."""
        data = self.model_dump(mode="json")
        for key, value in values.items():
            set_field(data, key, value)
        return Trial.model_validate_json(json.dumps(data), strict=True, **validation)
