"""The methods paragraph, from what the trials say: nothing is claimed that no trial recorded."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from dasbench.records import Row
from dasbench.render.board_columns import has_ranks
from dasbench.render.section.network import Fields, network, shared_part
from dasbench.render.section.runs import own_code, software, trials
from dasbench.render.section.words import (
    MOST_LINES,
    component_in_words,
    enumerate_names,
    seed_range,
    shortened,
)
from dasbench.render.text.words import agreeing, counted, in_brackets
from dasbench.results.answers import alpha_spent
from dasbench.spec.labels import is_given, label
from dasbench.views.evidence import Evidence
from dasbench.views.fields import flat_fields
from dasbench.views.variants import by_variant, is_cost

OPTIMIZERS = {"sgd": "SGD", "adamw": "AdamW"}

OPTIMIZER_NUMBERS = {
    "lr": "learning rate",
    "momentum": "momentum",
    "weight_decay": "weight decay",
}

SCHEDULES = {
    "constant": "a constant rate",
    "cosine": "a cosine schedule",
    "step": "a step schedule",
    "exponential": "an exponential schedule",
}

SELECTED = {
    "last": "The network after the last epoch is the one that is tested",
    "best": "The epoch with the best score on the validation part is the one that is tested",
}


def methods(evidence: Evidence) -> str:
    """The paragraph."""
    return " ".join(chain.from_iterable(part(evidence) for part in PARTS))


def _data(evidence: Evidence) -> Iterator[str]:
    """The data set with its fingerprint, and the size of its test part."""
    data = shared_part(evidence.specs, "dataset")
    size = evidence.selection.num_test_examples
    if data.get("name"):
        text = f"The data set is {component_in_words(data)}"
        if size:
            text += f"; its test part has {size:,} examples"
        yield f"{text}."
    for name, field in (("data set", "data_fingerprint"), ("weights file", "weights_fingerprint")):
        found = sorted({str(spec[field]) for spec in evidence.specs if spec.get(field)})
        if found:
            noun = agreeing(len(found), "Fingerprint", "Fingerprints")
            yield f"{noun} of the {name}: {enumerate_names(found)}."


def _recipe(evidence: Evidence) -> Iterator[str]:
    """How a network is trained."""
    recipe = shared_part(evidence.specs, "training")
    if evidence.is_probe:
        yield "The scores are those of a formula: nothing was trained."
        return
    texts = (_length(recipe), _optimiser(recipe), _schedule(recipe), *_extras(recipe))
    parts = list(filter(None, texts))
    if parts:
        yield f"A trial is trained with {', '.join(parts)}."


def _length(recipe: Fields) -> str:
    parts = []
    if isinstance(recipe.get("epochs"), int):
        parts.append(counted(recipe["epochs"], "epoch"))
    if "batch_size" in recipe:
        parts.append(f"batches of {recipe['batch_size']}")
    return " of ".join(parts)


def _optimiser(recipe: Fields) -> str:
    if "optimizer" not in recipe:
        return ""
    optimizer = str(recipe["optimizer"])
    inside = []
    for name, title in OPTIMIZER_NUMBERS.items():
        is_used = name != "momentum" or optimizer == "sgd"
        if is_used and recipe.get(name) is not None:
            inside.append(f"{title} {recipe[name]}")
    if recipe.get("nesterov"):
        inside.append("Nesterov")
    return f"{OPTIMIZERS.get(optimizer, optimizer)}{in_brackets(', '.join(inside))}"


def _schedule(recipe: Fields) -> str:
    schedule = recipe.get("schedule")
    if schedule is None:
        return ""
    text = SCHEDULES.get(schedule, f"schedule {schedule}")
    if schedule == "step" and recipe.get("milestones"):
        epochs = enumerate_names(recipe["milestones"], most=20)
        text += f" (times {recipe.get('gamma', '?')} after epochs {epochs})"
    if schedule == "exponential" and "gamma" in recipe:
        text += f" (times {recipe['gamma']} after each epoch)"
    return text + _first_epochs(recipe)


def _first_epochs(recipe: Fields) -> str:
    """How a schedule begins, where it does not at once."""
    text = ""
    warmup, start = recipe.get("warmup_epochs"), recipe.get("start_epochs")
    if isinstance(warmup, int | float) and warmup:
        text += f" after a warm-up of {warmup:g} {agreeing(warmup, 'epoch', 'epochs')}"
    if isinstance(start, int) and start:
        text += f", begun anew after the first {counted(start, 'epoch')} at a constant rate"
    return text


def _extras(recipe: Fields) -> Iterator[str]:
    if recipe.get("label_smoothing"):
        yield f"label smoothing {recipe['label_smoothing']}"
    if recipe.get("augment"):
        yield "the data set's augmentation"
    elif "augment" in recipe:
        yield "no augmentation"
    if "precision" in recipe:
        yield f"{recipe['precision']} precision"
    if recipe.get("accumulate", 1) != 1:
        yield f"each batch in {recipe['accumulate']} parts"
    if recipe.get("compile"):
        yield "torch.compile"


def _variants(evidence: Evidence) -> Iterator[str]:
    """What varies, and over which seeds."""
    groups = by_variant(evidence.selection.rows)
    if not groups:
        return
    verb = agreeing(len(groups), "is", "are")
    yield f"There {verb} {counted(len(groups), 'variant')}{in_brackets(_axes_in_words(groups))}."
    yield from _label_meanings(groups)
    yield f"Each is trained with {_seeds_in_words(groups)}."


def _seeds_in_words(groups: Sequence[Sequence[Row]]) -> str:
    """Which seeds variants have, or how many, where they have not the same."""
    seeds = set()
    for group in groups:
        seeds.add(tuple(sorted(row.seed for row in group)))
    if len(seeds) == 1:
        return seed_range(seeds.pop())
    few, many = min(map(len, seeds)), max(map(len, seeds))
    number = counted(many, "seed")
    if few < many:
        number = f"{few} to {number}"
    return f"{number}, not all with the same"


def _axes_in_words(groups: Iterable[Sequence[Row]]) -> str:
    """The fields that vary, each with its values; `""` where nothing does."""
    axes: dict[str, dict[str, None]] = {}
    for group in groups:
        for name, value in flat_fields(group[0].variant).items():
            axes.setdefault(name, {})[shortened(_set_apart(str(value)))] = None
    return "; ".join(f"{name}: {enumerate_names(values)}" for name, values in axes.items())


def _set_apart(value: str) -> str:
    """A value in a list of values: one that is a list itself in brackets."""
    if "," in value:
        return f"[{value}]"
    return value


def _label_meanings(groups: Sequence[Sequence[Row]]) -> Iterator[str]:
    """What the labels that the study gave stand for."""
    meanings = []
    for row, *_ in groups:
        if is_given(row.label, row.variant):
            meanings.append(f"{shortened(row.label)} is {label(row.variant)}")
    more = len(meanings) - MOST_LINES
    if more > 0:
        meanings[MOST_LINES:] = [f"{more:,} more are in tables/scores.csv"]
    if meanings:
        yield f"Labels: {'; '.join(meanings)}."


def _selection(evidence: Evidence) -> Iterator[str]:
    """Which epoch is tested, and that choices are made on the validation part."""
    rule = shared_part(evidence.specs, "training").get("select")
    if evidence.is_probe or rule not in SELECTED:
        return
    yield f"{SELECTED[rule]}; a trial touches the test part once, after its training."
    if evidence.is_sequential:
        yield f"The looks decide on {evidence.study_metric} who gets more seeds."


def _search(evidence: Evidence) -> Iterator[str]:
    if not evidence.is_searched:
        return
    roles = Counter(row.role for row in evidence.selection.rows)
    searched, fresh = roles["search"] + roles[""], roles["confirm"]
    who = f"The sampler {evidence.sampler}"
    if evidence.sampler == "grid":
        who = "A search"
    yield (
        f"{who} proposed the variants, {counted(searched, 'trial')} in all; "
        "it is told scores on the validation part."
    )
    if fresh:
        yield (
            f"What it picked was trained again in {counted(fresh, 'trial')} on seeds that took "
            "part in no choice; these scores alone enter tables and verdicts."
        )


def _looks(evidence: Evidence) -> Iterator[str]:
    """How many looks were taken, by which plan, and what they spent."""
    if not evidence.is_sequential:
        return
    looks = evidence.looks
    plan = evidence.planned_looks
    if looks:
        plan = looks[-1].plan
    taken = counted(len(looks), "look")
    if plan:
        taken += f" of those planned at {enumerate_names(plan, most=20)} seeds"
    yield f"Seeds were added after looks at the scores: {taken} taken so far."
    if looks:
        spent, alpha = alpha_spent(looks), looks[-1].alpha
        yield f"They spent {spent:.3f} of the error rate {alpha:g} (Holm inside a look)."
    if evidence.is_exploratory:
        yield (
            "Not all of them were planned so: "
            "their verdicts are exploratory and carry no error rate."
        )
    effect = evidence.selection.min_effect
    if effect is not None:
        yield f"The smallest difference that matters was set to {effect:g}."


def _statistics(evidence: Evidence) -> Iterator[str]:
    if is_cost(evidence.selection.metric) or not evidence.has_scores:
        return
    most = max(line.entry.num_done for line in evidence.board.lines)
    if most < 2:
        return
    yield "Intervals are 95 % t intervals of the mean over seeds."
    tests = "two-sided paired t tests"
    noise = evidence.board.noise
    if noise is not None:
        tests = "two-sided arm-wise moderated t tests"
        yield (
            "The noise of a variant is that of its scores beside what variants and seeds explain, "
            "moderated by that of all variants, which counts as "
            f"{noise.prior_df:.2g} degrees of freedom (Smyth, 2004); "
            "pairs have Satterthwaite's degrees of freedom."
        )
    if has_ranks(evidence.board, evidence.board.lines):
        yield f"Ranks rest on {tests} over common seeds, corrected for all pairs."
    if evidence.answers and evidence.tests_hold:
        yield (
            f"Differences from {evidence.answers[0].b} are paired over seeds, "
            f"their p values those of {tests} "
            "with Holm's correction for the whole family (level 0.05)."
        )


PARTS: Sequence[Callable[[Evidence], Iterable[str]]] = (
    network,
    _data,
    _recipe,
    _variants,
    _selection,
    _search,
    _looks,
    _statistics,
    trials,
    software,
    own_code,
)
"""Its sentences, in their order."""
