"""What holds for the paper's printed figures and for the look-up that finds them."""

import math
from decimal import Decimal

import pytest

from dasbench.errors import UsageError
from dasbench.paper.figures import UNITS, Claim, PaperRow, PaperTable, Published
from dasbench.paper.tables import (
    load_claims,
    load_conventions,
    load_tables,
    published,
    recompute,
    table,
)

GATES = {
    "none",
    "das",
    "se",
    "bam",
    "cbam",
    "gsop",
    "a2",
    "gc",
    "gala",
    "abn",
    "srm",
    "triplet",
    "emca",
    "asr",
}
BACKBONES = {"resnet18", "resnet50", "resnet101", "mobilenet_v2"}
METRICS = {
    "params_m",
    "flops_g",
    "top1",
    "top5",
    "ap",
    "ap50",
    "ap75",
    "ap_small",
    "ap_medium",
    "ap_large",
    "sfd",
}
NUM_ROWS = {
    "table1": 34,
    "table2": 6,
    "table3": 6,
    "table4": 8,
    "table5": 11,
    "figure3": 5,
    "figure4": 12,
    "section4_4": 2,
}
# (channels, height * width) of the four stages at 224 px
STAGES = {
    "resnet18": [(64, 56**2), (128, 28**2), (256, 14**2), (512, 7**2)],
    "resnet50": [(256, 56**2), (512, 28**2), (1024, 14**2), (2048, 7**2)],
    "resnet101": [(256, 56**2), (512, 28**2), (1024, 14**2), (2048, 7**2)],
}


def all_tables() -> list[PaperTable]:
    return list(load_tables().values())


def all_rows() -> list[tuple[str, PaperRow]]:
    return [(each.name, row) for each in all_tables() for row in each.rows]


def squeezed(channels: int, alpha: float) -> int:
    return max(1, math.ceil(alpha * channels - 1e-9))


def gate_params(backbone: str, *, alpha: float = 0.2, with_kernel: bool) -> int:
    """Count the parameters of four DAS gates by the closed form, with or without the 3x3 deformable kernel."""
    total = 0
    for c, _ in STAGES[backbone]:
        r = squeezed(c, alpha)
        total += 10 * c + r + c * r + 243 * r + 27 + with_kernel * 9 * c * r
    return total


def gate_macs(backbone: str, *, alpha: float = 0.2) -> int:
    """Count the multiply-adds of four DAS gates by the closed form, without the deformable kernel."""
    total = 0
    for c, area in STAGES[backbone]:
        r = squeezed(c, alpha)
        total += area * (9 * c + c * r + 243 * r)
    return total


# The rows


def test_every_table_has_as_many_rows_as_the_paper() -> None:
    assert {each.name: len(each.rows) for each in all_tables()} == NUM_ROWS


@pytest.mark.parametrize(
    ("backbone", "num_rows"),
    [("resnet18", 7), ("resnet50", 14), ("resnet101", 8), ("mobilenet_v2", 5)],
)
def test_table1_has_as_many_rows_per_backbone_as_the_paper(backbone: str, num_rows: int) -> None:
    assert sum(row.backbone == backbone for row in table("table1").rows) == num_rows


@pytest.mark.parametrize(("name", "row"), all_rows(), ids=lambda part: getattr(part, "label", part))
def test_every_row_names_a_known_backbone_and_gate(name: str, row: PaperRow) -> None:
    assert row.backbone in BACKBONES
    if row.gate is None:
        assert name == "table5"
    else:
        assert row.gate.name in GATES


@pytest.mark.parametrize("each", all_tables(), ids=lambda each: each.name)
def test_no_label_and_no_trial_occurs_twice_in_a_table(each: PaperTable) -> None:
    labels = [row.label for row in each.rows]
    trials = [repr(row.trial_fields()) for row in each.rows if row.gate is not None]

    assert len(set(labels)) == len(labels)
    if each.name != "figure4":  # six images of the same two models
        assert len(set(trials)) == len(trials)


def test_triplet_attention_has_kernel_3_in_mobilenet_and_7_in_resnets() -> None:
    rows = [row for _, row in all_rows() if row.gate is not None and row.gate.name == "triplet"]

    kernels = {(row.backbone, row.gate.params["kernel"]) for row in rows if row.gate is not None}
    assert kernels == {("resnet18", 7), ("resnet50", 7), ("resnet101", 7), ("mobilenet_v2", 3)}


def test_table4_has_the_designs_a_to_h() -> None:
    assert [row.label for row in table("table4").rows] == list("abcdefgh")
    assert all(
        row.trial_fields()["gate"] == {"name": "das", "design": row.label}
        for row in table("table4").rows
    )


def test_figure3_varies_alpha_alone_and_keeps_the_labels_of_its_axes() -> None:
    figure = table("figure3")

    alphas = [row.trial_fields()["gate"]["alpha"] for row in figure.rows]
    assert alphas == [0.01, 0.1, 0.2, 0.5, 1.0]
    assert all(type(alpha) is float for alpha in alphas)
    assert figure.columns["flops_g"].ticks == (1.8, 1.9, 2.0)
    assert figure.columns["top1"].ticks == (65, 66, 67, 68)


def test_only_the_last_row_of_table5_is_a_known_pair_of_norms() -> None:
    *lost, last = table("table5").rows

    assert all(row.gate is None for row in lost)
    assert last.trial_fields()["gate"] == {"name": "das", "first_norm": "in", "second_norm": "ln"}
    with pytest.raises(UsageError, match=r"row 1.*no longer says which gate"):
        lost[0].trial_fields()


# The figures


@pytest.mark.parametrize(
    ("name", "label", "column", "text"),
    [
        ("table1", "ResNet-18", "params_m", "11.69"),
        ("table1", "ResNet-18 + EMCA", "flops_g", "1.70"),
        ("table1", "ResNet-50 + A2-Nets", "params_m", "33.00"),
        ("table1", "ResNet-50 + ABN", "flops_g", "7.66"),
        ("table1", "ResNet-50 + DAS", "top1", "78.04"),
        ("table1", "ResNet-101", "params_m", "44.46"),
        ("table1", "ResNet-101 + DAS", "top5", "94.43"),
        ("table1", "MobileNetV2 + CBAM", "top1", "69.33"),
        ("table2", "CBAM-50", "ap_small", "24.1"),
        ("table2", "DAS-50", "ap_large", "51.9"),
        ("table3", "ResNet-50 + Triplet Attention", "stanford_dogs", "60.55"),
        ("table4", "a", "flops_g", "1.99"),
        ("table4", "c", "top1", "66.410"),
        ("table5", "row 2", "top1", "64.64"),
        ("table5", "IN, LN", "top1", "66.41"),
        ("figure4", "image 3, DAS", "sfd", "0.99"),
        ("section4_4", "ResNet", "sfd", "0.59"),
        ("section4_4", "DAS", "sfd", "0.72"),
    ],
)
def test_a_figure_keeps_the_digits_of_the_paper(
    name: str, label: str, column: str, text: str
) -> None:
    figure = published(name, label, column)

    assert figure.text == text
    assert figure.value == float(text)


@pytest.mark.parametrize(
    ("label", "columns"),
    [
        ("ResNet-50 + GALA", {"flops_g"}),
        ("ResNet-50 + ABN", {"top5"}),
        ("ResNet-50 + ASR", {"flops_g", "top5"}),
        ("ResNet-101 + ASR", {"flops_g", "top5"}),
    ],
)
def test_a_dash_in_the_paper_is_no_figure(label: str, columns: set[str]) -> None:
    row = table("table1").row(label)

    assert {column for column, figure in row.published.items() if figure is None} == columns


def test_only_four_rows_of_the_tables_have_dashes() -> None:
    rows = [
        row
        for name, row in all_rows()
        if name.startswith("table") and None in row.published.values()
    ]

    assert len(rows) == 4


@pytest.mark.parametrize("each", all_tables(), ids=lambda each: each.name)
def test_every_figure_is_possible_in_its_unit(each: PaperTable) -> None:
    figures = [
        figure for row in each.rows for figure in row.published.values() if figure is not None
    ]

    for figure in figures:
        assert 0 < figure.value <= {"%": 100, "": 1}.get(figure.unit, math.inf)


@pytest.mark.parametrize("each", all_tables(), ids=lambda each: each.name)
def test_every_column_has_a_unit_a_known_metric_and_a_dataset(each: PaperTable) -> None:
    for column in each.columns.values():
        assert column.unit in UNITS
        assert column.metric in METRICS
        assert column.direction == ("min" if column.metric in {"params_m", "flops_g"} else "max")
        assert column.dataset is not None


def test_top5_is_never_below_top1() -> None:
    rows = [row.published for row in table("table1").rows]

    for row in rows:
        if row["top1"] is not None and row["top5"] is not None:
            assert row["top5"].value > row["top1"].value


def test_a_looser_overlap_never_lowers_the_average_precision() -> None:
    for row in table("table2").rows:
        ap, ap50, ap75 = (
            published("table2", row.label, column).value for column in ("ap", "ap50", "ap75")
        )

        assert ap50 > ap75 > ap


@pytest.mark.parametrize("name", ["table1", "table3", "table5"])
def test_das_has_the_best_accuracy_of_every_backbone(name: str) -> None:
    for column in (column for column in table(name).columns.values() if column.unit == "%"):
        best: dict[str, tuple[float, str]] = {}
        for row in table(name).rows:
            figure = row.published[column.name]
            if figure is not None:
                best[row.backbone] = max(
                    best.get(row.backbone, (0.0, "")), (figure.value, row.label)
                )

        assert all(label.endswith("DAS") or label == "IN, LN" for _, label in best.values())


def test_das_leads_every_column_of_detection_but_small_objects() -> None:
    precisions = [column for column in table("table2").columns if column != "params_m"]

    led = {
        column
        for column in precisions
        if all(
            published("table2", "DAS-50", column).value
            > published("table2", row.label, column).value
            for row in table("table2").rows
            if row.label != "DAS-50"
        )
    }
    assert led == set(precisions) - {"ap_small"}


@pytest.mark.parametrize("image", range(1, 7))
def test_das_has_the_higher_sfd_on_every_image(image: int) -> None:
    das, plain = (
        published("figure4", f"image {image}, {method}", "sfd").value
        for method in ("DAS", "ResNet")
    )

    assert das > plain


def test_the_proposed_gate_scores_the_same_wherever_it_is_printed() -> None:
    designs, norms = published("table4", "c", "top1"), published("table5", "IN, LN", "top1")
    dogs = published("table3", "ResNet-18 + DAS", "stanford_dogs")

    assert designs.printed == norms.printed == dogs.printed


# The recounts


@pytest.mark.parametrize(("name", "row"), all_rows(), ids=lambda part: getattr(part, "label", part))
def test_a_printed_count_is_its_recount_rounded_unless_a_note_says_otherwise(
    name: str, row: PaperRow
) -> None:
    for column, exact in (("params_m", row.params_exact), ("flops_g", row.macs_exact)):
        figure = row.published.get(column)
        if figure is not None and exact is not None:
            assert figure.rounds(exact) == (figure.note == ""), (
                f"{name}: {row.label}: {figure.text} for {exact}"
            )


@pytest.mark.parametrize("name", ["table1", "table2", "table4", "figure3"])
def test_every_row_with_counts_has_its_parameters_recounted(name: str) -> None:
    assert all(row.params_exact is not None for row in table(name).rows)


def test_every_convention_in_use_is_defined() -> None:
    used = {row.convention for _, row in all_rows()} | {
        key for _, row in all_rows() for key in row.exact
    }

    assert used - {""} == set(load_conventions())


@pytest.mark.parametrize(("name", "row"), all_rows(), ids=lambda part: getattr(part, "label", part))
def test_counts_of_das_leave_the_deformable_kernel_out(name: str, row: PaperRow) -> None:
    has_counts = {"params_m", "flops_g"} & row.published.keys()
    is_das = row.gate is not None and row.gate.name == "das"

    assert row.convention == ("" if not has_counts else "paper" if is_das else "module_leaves"), (
        name
    )


@pytest.mark.parametrize("backbone", ["ResNet-18", "ResNet-50", "ResNet-101"])
def test_recounts_of_das_follow_from_the_closed_form(backbone: str) -> None:
    plain, das = table("table1").row(backbone), table("table1").row(f"{backbone} + DAS")
    assert plain.params_exact is not None
    assert plain.exact["paper"].macs is not None

    assert das.exact["paper"].params == plain.params_exact + gate_params(
        das.backbone, with_kernel=False
    )
    assert das.exact["full"].params == plain.params_exact + gate_params(
        das.backbone, with_kernel=True
    )
    assert das.exact["paper"].macs == plain.exact["paper"].macs + gate_macs(das.backbone)


def test_recounts_of_alpha_follow_from_the_closed_form() -> None:
    plain = table("table1").row("ResNet-18").exact["paper"]
    assert plain.params is not None
    assert plain.macs is not None

    for row in table("figure3").rows:
        alpha = float(row.trial_fields()["gate"]["alpha"])
        assert row.params_exact == plain.params + gate_params(
            "resnet18", alpha=alpha, with_kernel=False
        )
        assert row.macs_exact == plain.macs + gate_macs("resnet18", alpha=alpha)


def test_a_gate_adds_the_same_parameters_to_a_detector_as_to_a_classifier() -> None:
    pairs = {
        "SENet": "SENet-50",
        "CBAM": "CBAM-50",
        "Triplet Attention": "Triplet Attention-50",
        "DAS": "DAS-50",
    }
    classifier, detector = table("table1").row("ResNet-50"), table("table2").row("ResNet-50")

    for method, label in pairs.items():
        gated = table("table1").row(f"ResNet-50 + {method}")
        added = (gated.params_exact or 0) - (classifier.params_exact or 0)
        assert table("table2").row(label).params_exact == (detector.params_exact or 0) + added


def test_the_proposed_gate_has_the_same_recounts_wherever_it_is_printed() -> None:
    rows = [
        table("table1").row("ResNet-18 + DAS"),
        table("table4").row("c"),
        table("figure3").row("alpha = 0.2"),
    ]

    assert len({row.exact["paper"] for row in rows}) == 1
    assert rows[0].exact["full"] == rows[1].exact["full"]


@pytest.mark.parametrize("backbone", ["ResNet-18", "ResNet-50"])
def test_emca_adds_parameters_though_its_printed_figure_is_smaller(backbone: str) -> None:
    plain, emca = table("table1").row(backbone), table("table1").row(f"{backbone} + EMCA")
    printed = published("table1", emca.label, "params_m")
    assert plain.params_exact is not None
    assert emca.params_exact is not None

    assert emca.params_exact > plain.params_exact
    assert printed.value < published("table1", plain.label, "params_m").value
    assert printed.unit == "Mi"


# The claims of the text


@pytest.mark.parametrize("claim", load_claims().values(), ids=lambda claim: claim.name)
def test_every_claim_follows_from_the_printed_tables(claim: Claim) -> None:
    assert abs(recompute(claim) - claim.printed.printed) <= claim.within


@pytest.mark.parametrize(
    ("name", "text", "unit"),
    [
        ("das50_flops_below_gsop", "32", "%"),
        ("das50_params_below_gsop", "1.39", "M"),
        ("das18_flops_below_r50", "2.26", "G"),
        ("r50_dogs_gain", "4.47", "pp"),
        ("r50_imagenet_gain", "1.91", "pp"),
        ("r50_coco_gain", "3.3", "pp"),
    ],
)
def test_a_claim_keeps_the_digits_of_the_paper(name: str, text: str, unit: str) -> None:
    claim = load_claims()[name]

    assert (claim.printed.text, claim.printed.unit) == (text, unit)


def test_no_claim_is_lost_to_another_of_its_name() -> None:
    assert len(load_claims()) == 14


def test_gcnet_and_not_gsop_is_second_best_to_das_in_top1() -> None:
    rows = [row for row in table("table1").rows if row.backbone == "resnet50"]

    ranked = sorted(
        rows, key=lambda row: published("table1", row.label, "top1").value, reverse=True
    )
    assert [row.label for row in ranked[:3]] == [
        "ResNet-50 + DAS",
        "ResNet-50 + GCNet",
        "ResNet-50 + GSoP-Net",
    ]
    assert "GCNet" in load_claims()["das50_flops_below_gsop"].note


# The look-up


def test_an_unknown_table_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        UsageError, match=r"unknown table of the paper 'tabel4'\. Did you mean 'table4'\?"
    ):
        table("tabel4")


def test_an_unknown_row_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        UsageError, match=r"unknown row of table2 'DAS50'\. Did you mean 'DAS-50'\?"
    ):
        table("table2").row("DAS50")


def test_an_unknown_column_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        UsageError, match=r"unknown column of table1 'top_1'\. Did you mean 'top1'\?"
    ):
        published("table1", "ResNet-18", "top_1")


def test_asking_for_a_dash_says_that_the_paper_prints_none() -> None:
    with pytest.raises(
        UsageError, match=r"table1: 'ResNet-50 \+ GALA': the paper prints no 'flops_g'"
    ):
        published("table1", "ResNet-50 + GALA", "flops_g")


def test_tables_are_read_once_and_cannot_be_changed() -> None:
    assert load_tables() is load_tables()
    with pytest.raises(TypeError):
        load_tables()["table6"] = table("table1")
    with pytest.raises(AttributeError):
        table("table1").title = "another"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "unit", "exact", "agrees"),
    [
        ("11.82", "M", 11_816_764, True),
        ("11.81", "M", 11_816_764, False),
        ("11.19", "Mi", 11_733_043, True),
        ("11.19", "M", 11_733_043, False),
        ("1.99", "G", 1_989_087_744, True),
        ("1.990", "G", 1_989_087_744, False),
    ],
)
def test_rounding_minds_the_unit_and_the_printed_digits(
    text: str, unit: str, exact: int, agrees: bool
) -> None:
    assert Published(Decimal(text), unit).rounds(exact) is agrees
