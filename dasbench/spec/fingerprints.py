"""Whether trials would be trained on other images than those that they are compared with."""

from collections import Counter
from collections.abc import Iterable, Mapping

from dasbench.errors import DataError
from dasbench.spec.plain import Spec
from dasbench.spec.trial import Choice, Trial

BY_NAMES = "names-"
"""What a fingerprint begins with that knows names and sizes of files alone."""


def refuse_changed_data(trials: Iterable[Trial], known_specs: Mapping[str, Spec]) -> None:
    """Refuse to train on a data set that has changed since other trials of the study were planned.

    A data set is the same if its name and its parameters are; its content, if the fingerprint is.
    Trials on other data sets, or on other parameters of the same (a larger image), are not
    compared.

    Args:
        trials: resolved, about to be trained.
        known_specs: what the database knows of the study, by key: each the plain data of a resolved
            trial.

    Raises:
        DataError: naming every such data set, both of its fingerprints, and what to do.

    Example:
        >>> trial = Trial(backbone="resnet18", dataset="digits", data_fingerprint="b" * 16)
        >>> refuse_changed_data([trial], {trial.key: trial.model_dump(mode="json")})
        >>> old = {"dataset": {"name": "digits"}, "data_fingerprint": "a" * 16}
        >>> refuse_changed_data([trial], {"0" * 12: old})  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        dasbench.errors.DataError: the data set digits has changed since 1 trial ...
    """
    now = {_identity(trial.dataset): trial for trial in trials if trial.data_fingerprint}
    changed: Counter[tuple[str, str]] = Counter()
    for spec in known_specs.values():
        identity = _identity(Choice.model_validate(spec["dataset"]))
        was = spec.get("data_fingerprint", "")
        if was and identity in now and was != now[identity].data_fingerprint:
            changed[identity, was] += 1
    if changed:
        lines = [_refusal(now[identity], was, num) for (identity, was), num in changed.items()]
        raise DataError("\n".join(lines))


def _identity(dataset: Choice) -> str:
    return Choice(name=dataset.name, params=dict(sorted(dataset.params.items()))).model_dump_json()


def _refusal(trial: Trial, was: str, count: int) -> str:
    now = trial.data_fingerprint
    planned = f"{count} trials of this study were planned"
    if count == 1:
        planned = "1 trial of this study was planned"
    how = {True: "with", False: "without"}
    by_names, is_by_names = was.startswith(BY_NAMES), now.startswith(BY_NAMES)
    if by_names != is_by_names:
        return (
            f"the data set {trial.dataset}: {planned} {how[by_names]} `trust_data`, this run is "
            f"{how[is_by_names]} it. The one knows the names and sizes of the files, the other "
            "their content: decide for one of them."
        )
    return (
        f"the data set {trial.dataset} has changed since {planned}: its fingerprint was {was} and "
        f"is {now}, so that old and new results cannot be compared. Put the former files back, or "
        "keep the new results apart: give the study another name, or `db` another database."
    )
