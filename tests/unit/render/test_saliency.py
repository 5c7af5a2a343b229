"""How saliency is shown: records, tables and the figure."""

import dataclasses
import math
from itertools import product

import numpy as np
import pytest
from PIL import Image

from dasbench.render.plots.saliency import draw
from dasbench.render.saliency import image_records, saliency_records, saliency_tables
from dasbench.views.figures.saliency import info
from dasbench.views.saliency import Reading, Viewed, saliency_scores


def view(trial="a" * 12, label="gate=das", scores=(0.75, 0.25, math.nan), layer="stage4"):
    maps = np.random.default_rng(0).random((3, 8, 8)).astype(np.float32)
    maps[2] = 0
    return Viewed(
        trial=trial, label=label, seed=0, layer=layer, part="test", images=[4, 7, 9], labels=["x"] * 3,
        predicted=["y"] * 3, target="predicted", maps=maps, regions=None if scores is None else maps > 0.5,
        scores=None if scores is None else np.array(scores),
    )  # fmt: skip


def records_of(views):
    return saliency_records(saliency_scores(views), parameters={"base": 10.0})


def test_a_record_says_mean_spread_and_what_had_no_score():
    (record,) = records_of([view()])

    assert (record["sfd_mean"], record["n"], record["undefined"]) == (0.5, 2, 1)
    assert record["sfd_sd"] == pytest.approx(np.std([0.75, 0.25], ddof=1))
    assert record["difference"] is None


def test_networks_are_compared_image_by_image():
    _, record = records_of(
        [view(scores=(0.5, 0.25, 0.5)), view("b" * 12, scores=(0.75, 0.75, math.nan))]
    )

    assert (record["against"], record["pairs"], record["difference"]) == ("a" * 12, 2, 0.375)


def test_a_table_compares_networks_where_there_is_something_to_compare():
    views = [view(scores=(0.5, 0.25, 0.5)), view("b" * 12, scores=(0.75, 0.75, math.nan))]

    [compared] = saliency_tables("Where?", saliency_scores(views), parameters={"base": 10.0})
    [alone] = saliency_tables("Where?", saliency_scores(views[:1]), parameters={"base": 10.0})

    assert [cells[-1] for cells in compared.rows] == ["", "+0.375 ± 1.588"]
    assert (alone.columns[-1].key, alone.notes) == ("undefined", ["base 10.0."])


def test_networks_without_scores_are_not_compared():
    views = [view(scores=None), view("b" * 12, scores=None)]

    [table] = saliency_tables("Where?", saliency_scores(views), parameters={})

    assert [tuple(cells[3:]) for cells in table.rows] == [("-", "-", "0", "0")] * 2


def test_sensitivity_has_a_line_for_each_reading_and_a_column_for_each_threshold():
    readings = [
        Reading(
            antilog=antilog,
            base=base,
            threshold=threshold,
            sfd_mean=base * threshold,
            sfd_sd=0.0,
            n=3,
        )
        for antilog, base, threshold in product(("shifted", "plain"), (1, 10), (0.15, 0.3))
    ]
    seen = dataclasses.replace(view(), sensitivity=readings)

    _, table = saliency_tables("Where?", saliency_scores([seen]), parameters={})

    assert [column.title for column in table.columns] == [
        "antilog",
        "base",
        "threshold 0.15",
        "threshold 0.3",
    ]
    assert table.rows[:2] == [("none", "1", "0.150", "0.300"), ("shifted", "10", "1.500", "3.000")]
    assert len(records_of([seen])[0]["sensitivity"]) == len(readings)


def test_without_regions_there_is_no_score():
    assert records_of([view(scores=None)])[0]["sfd_mean"] is None
    assert [row["sfd"] for row in image_records([view(scores=None)])] == [None] * 3


@pytest.mark.parametrize("scores", [(0.75, 0.25, math.nan), None])
def test_a_figure_takes_hostile_text_and_maps_of_zeros(tmp_path, scores):
    views = [
        view(label="$\\frac{$ [/] \x1b[31m"),
        view("b" * 12, label="_" * 300, scores=scores, layer="$layer$"),
    ]
    images = np.zeros((3, 8, 8, 3), np.uint8)

    draw(info(views, images=images), tmp_path / "figure.png", title="=1+1 $x^2$ [bold]")

    assert Image.open(tmp_path / "figure.png").size[0] == 1050


def test_a_map_of_zeros_stays_zero_in_the_figure():
    shown = info([view()], images=np.zeros((3, 8, 8, 3), np.uint8))

    assert shown.columns[0].maps.max(axis=(1, 2)).tolist() == [1.0, 1.0, 0.0]
