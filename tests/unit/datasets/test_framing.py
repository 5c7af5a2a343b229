"""What is seen of a picture: proven by marks at its ends, and for squares by the bits of torchvision's recipe."""

import inspect
from itertools import product
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms.functional import resized_crop

from dasbench.datasets.pictures.crops import NUM_DRAWS, centre_box, random_box
from dasbench.datasets.pictures.framing import FILLING, Fit, Framing, ImageSize
from dasbench.seeds import uniform
from dasbench.spec.parameters import check_parameters, parameter_schema

FITS = get_args(Fit)

TARGETS = [(32, 32), (32, 320), (64, 16)]
"""Heights and widths: square, wide, tall."""


def make_strip(width: int, height: int) -> Image.Image:
    """A grey picture with a red mark in the first and a green one in the last twentieth of its longer side."""
    pixels = np.full((height, width, 3), 100, np.uint8)
    along = pixels if height > width else pixels.swapaxes(0, 1)
    mark = len(along) // 20
    along[:mark], along[-mark:] = (255, 0, 0), (0, 255, 0)
    return Image.fromarray(pixels)


def marks_in(shown: Image.Image) -> tuple[bool, bool]:
    """Whether red and green are seen."""
    red, green, _ = np.asarray(shown).astype(int).transpose(2, 0, 1)
    return bool((red - green > 100).any()), bool((green - red > 100).any())


def draws_of(seed: int) -> list[float]:
    return uniform(seed, np.array([0]), draws=NUM_DRAWS)[0].tolist()


@pytest.mark.parametrize("size", [(480, 48), (48, 480)], ids=["wide", "tall"])
@pytest.mark.parametrize("target", TARGETS)
def test_both_ends_of_a_strip_are_seen_unless_it_is_cut(size, target):
    strip = make_strip(*size)

    squeezed, padded = (Framing.of(target, fit).shown(strip) for fit in ("squeeze", "pad"))

    assert marks_in(squeezed) == (True, True)
    assert marks_in(padded) == (True, True)


def test_a_cut_strip_lacks_its_ends():
    shown = Framing.of(32).shown(make_strip(480, 48))

    assert marks_in(shown) == (False, False)


def test_a_strip_that_is_cut_to_its_own_shape_lacks_a_sixteenth_at_each_end():
    framing = Framing.of((32, 320))

    shown = framing.shown(make_strip(480, 48))

    assert marks_in(shown) == (False, False)
    assert framing.seen_share(480, 48) == 420 * 42 / (480 * 48)


def test_a_padded_picture_keeps_its_shape_in_the_centre_of_the_mean_colour():
    white = Image.new("RGB", (100, 50), "white")

    pixels = np.asarray(Framing.of(40, "pad").shown(white))

    is_white = (pixels == 255).all(axis=2)
    assert is_white[10:30].all()
    assert not is_white[:10].any()
    assert (pixels[:10] == FILLING).all()
    assert (pixels[30:] == FILLING).all()


def test_a_squeezed_picture_fills_the_target_with_all_of_itself():
    white = Image.new("RGB", (100, 50), "white")

    pixels = np.asarray(Framing.of((8, 64), "squeeze").shown(white))

    assert pixels.shape == (8, 64, 3)
    assert (pixels == 255).all()


@pytest.mark.parametrize("seed", range(20))
def test_a_square_has_the_bits_that_it_always_had(seed):
    image = Image.fromarray(
        np.random.default_rng(seed).integers(0, 256, (70, 90, 3), dtype=np.uint8)
    )
    draws = draws_of(seed)

    evaluated, varied = Framing.of(32).shown(image), Framing.of(32).shown(image, draws)

    left, upper, right, lower = random_box(90, 70, draws)
    part = resized_crop(image, upper, left, lower - upper, right - left, [32, 32])
    varied_before = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if draws[-1] < 0.5 else part
    assert evaluated.tobytes() == resized_crop(image, 4, 14, 61, 61, [32, 32]).tobytes()
    assert varied.tobytes() == varied_before.tobytes()


@given(
    width=st.integers(1, 600),
    height=st.integers(1, 600),
    shape=st.floats(0.002, 500),
    seed=st.integers(0, 1000),
)
def test_every_part_lies_inside_of_the_image_and_is_not_empty(width, height, shape, seed):
    for box in (
        centre_box(width, height, shape=shape),
        random_box(width, height, draws_of(seed), shape=shape),
    ):
        assert 0 <= box.left < box.right <= width
        assert 0 <= box.upper < box.lower <= height


@pytest.mark.parametrize(("target", "fit"), list(product(TARGETS, FITS)))
@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (2, 3), (3000, 40)])
def test_pictures_of_any_size_become_what_is_wanted(size, target, fit):
    framing, picture = Framing.of(target, fit), Image.new("RGB", size, "white")

    shown = [framing.shown(picture), *(framing.shown(picture, draws_of(seed)) for seed in range(5))]

    assert {each.size for each in shown} == {(target[1], target[0])}
    assert all(each.getextrema()[0][1] == 255 for each in shown), "nothing of the picture is seen"


@pytest.mark.parametrize("fit", FITS)
def test_training_varies_what_is_seen_and_mirrors_half_of_it(fit):
    framing, strip = Framing.of((16, 96), fit), make_strip(600, 100)

    seen = [framing.shown(strip, draws_of(seed)) for seed in range(60)]

    first_red = [
        np.asarray(each)[8, :, 0].argmax() < 48 for each in seen if marks_in(each) == (True, False)
    ]
    assert len({each.tobytes() for each in seen}) > 15
    assert {True, False} == set(first_red)


@pytest.mark.parametrize("fit", ["squeeze", "pad"])
def test_training_shows_large_parts_of_a_strip(fit):
    strip = make_strip(480, 48)

    seen = [marks_in(Framing.of(32, fit).shown(strip, draws_of(seed))) for seed in range(60)]

    assert 20 < sum(any(marks) for marks in seen) <= 60


@pytest.mark.parametrize(("target", "fit"), list(product(TARGETS, FITS)))
@pytest.mark.parametrize("seed", [None, *range(8)])
def test_a_map_is_seen_as_its_image_is_and_keeps_its_numbers(target, fit, seed):
    numbers = np.zeros((60, 90), np.uint8)
    numbers[:, :40], numbers[30:, 50:] = 7, 200
    colours = Image.fromarray(
        np.where(numbers[..., None] == 7, (255, 0, 0), (0, 0, 0)).astype(np.uint8)
    )
    draws = None if seed is None else draws_of(seed)
    framing = Framing.of(target, fit)

    shown = np.asarray(framing.shown_map(Image.fromarray(numbers), draws, outside=9))
    image = np.asarray(framing.shown(colours, draws))

    assert set(np.unique(shown)) <= {0, 7, 200, 9}
    assert ((shown == 9) == (image == FILLING).all(axis=2)).mean() > 0.95
    assert ((shown == 7) == (image[..., 0] > 127)).mean() > 0.9


@pytest.mark.parametrize(
    ("fit", "size", "share", "downscale"),
    [
        ("crop", (480, 48), 42 * 42 / (480 * 48), 42 / 32),
        ("squeeze", (480, 48), 1.0, 15.0),
        ("pad", (480, 48), 1.0, 16.0),
        ("crop", (16, 16), 14 * 14 / 256, 14 / 32),
        ("pad", (16, 8), 1.0, 0.5),
    ],
)
def test_the_share_that_is_seen_and_the_sharpest_reduction_are_told(fit, size, share, downscale):
    framing = Framing.of(32, fit)

    assert framing.seen_share(*size) == pytest.approx(share)
    assert framing.downscale(*size) == pytest.approx(downscale)


@pytest.mark.parametrize(
    "given", [[32], [32, 0], [32, 320, 3], "32x320", 7, 5000, True, 32.5, None, [32.5, 8], {}]
)
def test_a_size_that_is_none_is_refused_once_and_says_what_would_be_right(given):
    def photographs(*, image_size: ImageSize = 32) -> None: ...

    schema = parameter_schema(inspect.signature(photographs).parameters.values())

    problems = check_parameters(schema, {"image_size": given})[1]

    [(path, message)] = problems
    assert path == ("image_size",)
    assert message.startswith(
        "must be one side of a square or [height, width], in pixels from 8 to 4096, not "
    )


def test_a_square_is_one_number_however_it_is_written():
    def photographs(*, image_size: ImageSize = 32) -> None: ...

    schema = parameter_schema(inspect.signature(photographs).parameters.values())

    sizes = [
        check_parameters(schema, {"image_size": given})[0]["image_size"]
        for given in (64, [64, 64], [32, 320])
    ]

    assert sizes == [64, 64, [32, 320]]
