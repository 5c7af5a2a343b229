"""Training recipes: named sets of a training's fields, from `recipes.yaml`."""

from collections.abc import Mapping
from functools import cache
from importlib import resources

from ruamel.yaml import YAML

from dasbench.spec.plain import Fields, Record


@cache
def recipes() -> dict[str, Record]:
    """Training recipes by name.

    Example:
        >>> recipes()["imagenet_resnet"]["milestones"]
        [30, 60, 90]
    """
    text = resources.files("dasbench.spec").joinpath("recipes.yaml").read_text("utf-8")
    loaded: dict[str, Record] = YAML(typ="safe").load(text)
    return loaded


def with_recipes(values: Fields) -> Record:
    """A variant's values with the fields of a recipe in place of its name.

    So they replace the fields of the base.

    Args:
        values: dotted fields of a trial; what comes after a recipe wins over it.

    Example:
        >>> with_recipes({"training.recipe": "cpu", "training.lr": 0.1})["training.lr"]
        0.1
    """
    expanded: Record = {}
    for key, value in values.items():
        if key == "training.recipe" and value is not None:
            for field, setting in recipes()[value].items():
                expanded[f"training.{field}"] = setting
        elif key == "training" and isinstance(value, Mapping) and value.get("recipe"):
            own = dict(value)
            recipe = own.pop("recipe")
            expanded[key] = {**recipes()[recipe], **own}
        else:
            expanded[key] = value
    return expanded
