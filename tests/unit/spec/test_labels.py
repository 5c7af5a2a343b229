"""What variants are called: by the labels of a study's file, which decide nothing, or by their fields and values."""

import pytest

from dasbench.catalog import GATES, known_names
from dasbench.checks import check_study
from dasbench.errors import StudyError
from dasbench.prepare import prepare
from dasbench.spec.labels import label
from dasbench.spec.load import load_study
from dasbench.spec.study import Study
from dasbench.spec.trial import Trial

BASE = Trial(
    backbone={"name": "resnet18", "width": 2},
    gate={"name": "das"},
    dataset={"name": "digits", "image_size": 8},
)
HEAD = """\
name: x
question: Which?
base:
  backbone: {name: resnet18, width: 2}
  gate: {name: das}
  dataset: {name: digits, image_size: 8}
axes:
"""
GATE_VALUES = """\
  - key: gate
    values:
      - none
      - {name: se, reduction: 4, label: "SE (r=4)"}
      - {value: das, label: DAS}
"""


def study(*axes, **fields):
    return Study.model_validate(
        {"name": "s", "question": "?", "base": BASE, "axes": axes, **fields}
    )


def labels(asked):
    return [asked.label_of(variant) for variant in asked.variants()]


def complaints(path):
    with pytest.raises(StudyError) as error:
        check_study(load_study(path, known=known_names()))
    return [line.removeprefix(f"{path}:") for line in str(error.value).splitlines()]


class TestLabelsOfAStudy:
    def test_a_label_stands_beside_a_component_or_beside_any_value(self, write_study):
        asked = load_study(write_study(HEAD + GATE_VALUES), known=known_names())

        assert labels(asked) == ["none", "SE (r=4)", "DAS"]
        assert list(asked.variants()) == [
            {"gate": "none"},
            {"gate": {"name": "se", "reduction": 4}},
            {"gate": "das"},
        ]

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("gate.alpha", 0.1),
            ("gate.first_norm", "in"),
            ("placement.stages", [1, 2]),
            ("backbone.name", "resnet34"),
            ("training.nesterov", True),
            ("training.warmup_epochs", 0),
            ("gate.mask", None),
        ],
    )
    def test_plain_values_have_labels_too(self, key, value):
        asked = study({"key": key, "values": [{"value": value, "label": "alpha = 0.1 é"}]})

        assert (labels(asked), list(asked.variants())) == (["alpha = 0.1 é"], [{key: value}])

    def test_a_placement_and_a_training_have_labels_beside_their_fields(self):
        late = {
            "key": "placement",
            "values": [{"stages": [4], "label": "late"}, {"label": "as usual"}],
        }
        slow = {"key": "training", "values": [{"recipe": "cpu", "label": "slow"}]}

        assert labels(study(late, slow)) == ["late, slow", "as usual, slow"]
        assert [variant["placement"] for variant in study(late).variants()] == [{"stages": [4]}, {}]

    def test_labels_of_several_axes_are_joined(self):
        gates = {"key": "gate", "values": ["none", {"name": "das", "label": "DAS"}]}
        depths = {
            "key": "backbone.name",
            "values": ["resnet18", {"value": "resnet34", "label": "ResNet-34"}],
        }
        rates = {"key": "training.lr", "values": [0.1]}

        assert labels(study(gates, depths, rates)) == [
            "none, resnet18, lr=0.1",
            "none, ResNet-34, lr=0.1",
            "DAS, resnet18, lr=0.1",
            "DAS, ResNet-34, lr=0.1",
        ]

    def test_one_value_may_have_a_label_for_each_condition(self):
        depths = {"key": "backbone.name", "values": ["resnet18", "resnet34"]}
        shallow, deep = (
            {
                "key": "gate",
                "values": [{"value": "das", "label": f"DAS-{n}"}],
                "when": {"backbone.name": f"resnet{n}"},
            }
            for n in (18, 34)
        )

        assert labels(study(depths, shallow, deep)) == [
            "backbone=resnet18, DAS-18",
            "backbone=resnet34, DAS-34",
        ]

    def test_a_parameter_called_label_or_value_stays_a_parameter(self):
        own = {"name": "das", "value": 3}
        inner = {"value": {"name": "das", "label": "cat"}, "label": "DAS of cats"}
        columns = {
            "key": "dataset.columns",
            "values": [{"label": "species", "image": "file"}, {"value": 3}],
        }

        assert [v["gate"] for v in study({"key": "gate", "values": [own, inner]}).variants()] == [
            own,
            inner["value"],
        ]
        assert [v["dataset.columns"] for v in study(columns).variants()] == columns["values"]

    def test_a_study_keeps_its_labels_as_plain_data(self):
        values = ["none", {"value": "das", "label": "DAS"}]
        kept = study({"key": "gate", "values": values}).model_dump(mode="json", exclude={"base"})

        assert kept["axes"][0]["values"] == values
        assert labels(study(*kept["axes"])) == ["none", "DAS"]

    def test_a_search_space_has_labels(self, write_study):
        space = HEAD[HEAD.index("axes:") :] + GATE_VALUES
        write_study(f"name: own_space\nabout: Gates.\n{space}", name="own_space.yaml")
        path = write_study(HEAD.removesuffix("axes:\n") + "space: own_space.yaml\n")

        assert labels(load_study(path, known=known_names())) == ["none", "SE (r=4)", "DAS"]

    def test_labels_are_in_no_trials_key(self):
        plain = study({"key": "gate", "values": ["none", {"name": "se", "reduction": 4}]}, seeds=2)
        named = study(
            {"key": "gate", "values": ["none", {"name": "se", "reduction": 4, "label": "SE"}]},
            seeds=2,
        )

        before, after = prepare(plain).plan.items, prepare(named).plan.items

        assert list(before) == list(after)
        assert [item.label for item in before.values()] == ["gate=none", "gate=se(reduction=4)"] * 2
        assert [item.label for item in after.values()] == ["none", "SE"] * 2

    def test_looks_follow_variants_by_their_labels(self):
        gates = {"key": "gate", "values": ["none", {"name": "das", "label": "DAS"}]}

        items = prepare(study(gates, seeds={"looks": [2, 4]})).plan.items

        assert [item.label for item in items.values()] == ["none", "DAS", "none", "DAS"]


class TestLabelsThatAreRefused:
    @pytest.mark.parametrize(
        "text", ["''", "' DAS'", "16", "null", "[DAS]", '"a\\nb"', '"a\\u202eb"', "y" * 61]
    )
    def test_a_label_that_cannot_be_printed_is_refused_on_its_line(self, write_study, text):
        path = write_study(
            f"{HEAD}  - key: gate\n    values:\n      - none\n      - {{name: se, label: {text}}}\n"
        )

        (complaint,) = complaints(path)

        assert complaint.startswith(
            "11: axes[0].values[1].label: a label is a text of 1 to 60 printable characters"
        )

    def test_of_a_label_that_is_too_long_it_says_how_long_it_is(self, write_study):
        path = write_study(f"{HEAD}  - key: gate\n    values: [{{name: se, label: {70 * 'y'}}}]\n")

        (complaint,) = complaints(path)

        assert complaint.endswith(f", not '{60 * 'y'}'... (70 characters)")

    @pytest.mark.parametrize("wanted", ["DAS", "[none, DAS]"])
    def test_a_condition_on_a_label_is_refused_with_the_value_that_has_it(
        self, write_study, wanted
    ):
        gates = "  - {key: gate.name, values: [none, {value: das, label: DAS}]}\n"
        alphas = f"  - {{key: gate.alpha, values: [0.1, 0.2], when: {{gate.name: {wanted}}}}}\n"
        path = write_study(HEAD + gates + alphas)

        about_it = (
            "axes[1].when.gate.name: 'DAS' is a label; a condition names the value that has it: das"
        )
        assert complaints(path) == [f"9: {about_it}"]

    def test_two_values_with_one_label_are_refused_on_the_line_of_the_second(self, write_study):
        path = write_study(
            HEAD
            + GATE_VALUES
            + "      - {value: eca, label: DAS}\n      - {value: gc, label: none}\n"
        )

        assert complaints(path) == [
            "13: axes[0].values[3]: 'DAS' is already the label of values[2]; give each value its own",
            "14: axes[0].values[4]: 'none' is already the label of values[0]; give each value its own",
        ]

    def test_a_search_may_not_repeat_a_label_either(self, write_study):
        more = "      - {value: eca, label: DAS}\n  - {key: training.lr, low: 0.01, high: 0.1}\n"
        path = write_study(HEAD + GATE_VALUES + more + "sampler: random\ntrials: 3\n")

        assert complaints(path) == [
            "13: axes[0].values[3]: 'DAS' is already the label of values[2]; give each value its own"
        ]

    def test_variants_whose_joined_labels_are_equal_are_refused(self, write_study):
        path = write_study(
            HEAD
            + '  - {key: gate.alpha, values: [{value: 0.1, label: a}, {value: 0.2, label: "a, b"}]}\n'
            '  - {key: gate.kernel, values: [{value: 3, label: c}, {value: 5, label: "b, c"}]}\n'
        )

        assert complaints(path) == [
            "9: axes[1]: two variants are called 'a, b, c'; give their values other labels"
        ]

    def test_one_value_with_two_labels_is_one_value_too_many(self, write_study):
        path = write_study(HEAD + GATE_VALUES + "      - {value: das, label: ours}\n")

        assert complaints(path)[0] == "8: axes[0]: holds 'das' twice"

    def test_the_base_has_no_label(self, write_study):
        path = write_study(
            HEAD.replace("{name: das}", "{name: das, label: DAS}").removesuffix("axes:\n")
        )

        assert complaints(path)[0].startswith("5: base.gate.label: unknown key 'label'")

    def test_a_component_with_a_parameter_called_label_must_say_which_is_meant(self, write_study):
        class Tagged:
            def __init__(self, channels: int, *, label: str = "x"): ...

        GATES.register("tagged", source="a test")(Tagged)
        both = '{value: {name: tagged, label: "y"}, label: Y}'

        ambiguous = write_study(
            HEAD + f"  - key: gate\n    values: [{{name: tagged, label: cat}}, {both}]\n"
        )

        assert complaints(ambiguous) == [
            "9: axes[0].values[0]: gate 'tagged' takes a parameter 'label'; "
            "write {value: {name: tagged, label: ...}, label: ...} to give both"
        ]


class TestLabelsWithoutAName:
    @pytest.mark.parametrize(
        ("variant", "text"),
        [
            ({}, "base"),
            ({"gate": "none"}, "gate=none"),
            ({"gate": {"name": "das"}}, "gate=das"),
            (
                {"gate": {"name": "triplet", "kernel": 3, "zero_init": False}},
                "gate=triplet(kernel=3, zero_init=False)",
            ),
            (
                {"gate": {"name": "x", "sizes": [1, [2, 3]], "of": {"a": None}}},
                "gate=x(sizes=[1, [2, 3]], of=(a=None))",
            ),
            ({"gate": {"name": "x", "inner": {"name": "y", "k": True}}}, "gate=x(inner=y(k=True))"),
            ({"backbone.name": "resnet18", "gate": "se"}, "backbone=resnet18 gate=se"),
            (
                {"gate.kernel": 3, "task.kernel": 5, "gate.alpha": 0.1},
                "gate.kernel=3 task.kernel=5 alpha=0.1",
            ),
            (
                {"placement": {"stages": [1, 2], "after": "stage"}},
                "placement=(stages=1,2 after=stage)",
            ),
            ({"placement.stages": [[1, 2], [3]]}, "stages=[1, 2],[3]"),
            ({"placement.sites": []}, "sites=[]"),
            (
                {"gate.alpha": 0.1 + 0.2, "training.lr": 1e-05, "gate.beta": 1.0},
                "alpha=0.3 lr=1e-05 beta=1.0",
            ),
            ({"gate.alpha": 1 / 3}, "alpha=0.333333333333"),
            ({"gate.mask": None, "gate.bias": True}, "mask=None bias=True"),
            ({"dataset.image_size": [32, 320]}, "image_size=32x320"),
        ],
    )
    def test_a_variant_reads_as_its_fields_and_values(self, variant, text):
        assert label(variant) == text

    def test_values_that_differ_read_differently(self):
        values = [
            1,
            1.5,
            "a",
            True,
            None,
            [1, 2],
            [[1, 2]],
            [[1], 2],
            {"a": 1},
            {"name": "a", "b": 1},
        ]

        assert len({label({"gate.x": value}) for value in values}) == len(values)
