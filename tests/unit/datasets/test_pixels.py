"""A file becomes the pixels that every viewer shows, or is refused with its path, the reason and what to do."""

import os
import shutil
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw

from dasbench.datasets.pictures.pixels import (
    Header,
    is_picture,
    read_header,
    read_image,
    read_values,
    readable_endings,
)
from dasbench.errors import DataError

WIDTH, HEIGHT = 48, 32


@pytest.fixture
def picture() -> Image.Image:
    """Smooth, so that lossy formats keep it, and different in all of its corners."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    return Image.fromarray(
        np.stack([5 * columns, 7 * rows, 2 * rows + 3 * columns], axis=2).astype(np.uint8)
    )


def close(image: Image.Image, expected: Image.Image, *, levels: float) -> bool:
    """Whether two images differ by so many levels at most, in the mean."""
    assert (image.mode, image.size) == ("RGB", expected.size)
    difference = np.abs(np.asarray(image, np.int16) - np.asarray(expected.convert("RGB"), np.int16))
    return difference.mean() <= levels


def exactly(image: Image.Image, expected: Image.Image) -> bool:
    return close(image, expected, levels=0)


def tagged(orientation) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def complaint(path, reads=read_image) -> str:
    with pytest.raises(DataError) as error:
        reads(path)
    assert error.value.exit_code == 3
    assert str(error.value).startswith(f"{path}: ")
    return str(error.value).removeprefix(f"{path}: ")


LIES = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How an upright picture has to be laid into a file of each orientation, by the definition of EXIF."""


@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp", "avif"])
@pytest.mark.parametrize("orientation", LIES)
def test_a_picture_is_turned_as_exif_says(tmp_path, picture, ending, orientation):
    path = tmp_path / f"a.{ending}"
    lying = picture if orientation == 1 else picture.transpose(LIES[orientation])
    lying.save(path, exif=tagged(orientation), quality=95)

    assert close(read_image(path), picture, levels=3)
    header = read_header(path)
    assert (header.width, header.height) == (WIDTH, HEIGHT)
    assert (header.frames, header.orientation) == (1, orientation)


def chunk(name: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def test_a_png_may_state_its_orientation_behind_its_pixels(tmp_path, picture):
    path = tmp_path / "a.png"
    picture.transpose(LIES[6]).save(path)
    stated = chunk(b"eXIf", tagged(6).tobytes().removeprefix(b"Exif\0\0"))
    path.write_bytes(path.read_bytes().replace(chunk(b"IEND", b""), stated + chunk(b"IEND", b"")))

    assert exactly(read_image(path), picture)
    assert read_header(path)[:2] == (WIDTH, HEIGHT)


@pytest.mark.parametrize(
    "exif",
    [b"Exif\0\0", b"Exif\0\0MM\0*\0\0\0", b"Exif\0\0rubbish, not a block", tagged(9), tagged(0)],
    ids=["empty", "cut off", "rubbish", "nine", "zero"],
)
def test_an_exif_block_that_says_nothing_sensible_is_ignored(tmp_path, picture, exif):
    path = tmp_path / "a.jpg"
    picture.save(path, exif=exif, quality=95)

    assert close(read_image(path), picture, levels=3)
    assert read_header(path) == Header(WIDTH, HEIGHT, 1)


@pytest.mark.parametrize("ending", ["png", "tif", "pgm", "jp2"])
def test_grey_of_16_bits_is_what_its_copy_of_8_bits_is(tmp_path, picture, ending):
    grey = np.asarray(picture.convert("L")).astype(np.uint16)
    Image.fromarray(grey * 256 + 77).save(tmp_path / f"a.{ending}")

    assert exactly(read_image(tmp_path / f"a.{ending}"), picture.convert("L"))


def tiff(
    values: np.ndarray, *, bits: int = 16, white_is_zero: bool = False, big_endian: bool = False
) -> bytes:
    """An uncompressed TIFF of one grey channel, as its specification has it."""
    height, width = values.shape
    order = ">" if big_endian else "<"
    entries = [
        (256, width),
        (257, height),
        (258, bits),
        (259, 1),
        (262, int(not white_is_zero)),
        (273, 8),
    ]
    entries += [(277, 1), (278, height), (279, values.nbytes)]
    fields = b"".join(struct.pack(f"{order}HHIH2x", tag, 3, 1, value) for tag, value in entries)
    start = struct.pack(f"{order}2sHI", b"MM" if big_endian else b"II", 42, 8 + values.nbytes)
    directory = struct.pack(f"{order}H", len(entries)) + fields + b"\0\0\0\0"
    return start + values.astype(values.dtype.newbyteorder(order)).tobytes() + directory


def test_a_tiff_of_either_byte_order_is_read_alike(tmp_path, picture):
    grey = np.asarray(picture.convert("L")).astype(np.uint16) * 257
    (tmp_path / "little.tif").write_bytes(tiff(grey))
    (tmp_path / "big.tif").write_bytes(tiff(grey, big_endian=True))

    assert exactly(read_image(tmp_path / "little.tif"), picture.convert("L"))
    assert exactly(read_image(tmp_path / "big.tif"), picture.convert("L"))


def test_a_tiff_whose_zero_is_white_is_shown_so_in_16_bits_too(tmp_path, picture):
    grey = np.asarray(picture.convert("L")).astype(np.uint16) * 257
    (tmp_path / "a.tif").write_bytes(tiff(65535 - grey, white_is_zero=True))

    assert exactly(read_image(tmp_path / "a.tif"), picture.convert("L"))


def test_12_bits_are_scaled_where_a_tiff_states_them_and_stay_dark_where_a_png_does_not(tmp_path):
    packed = np.frombuffer(bytes([0x80, 0x0F, 0xFF]), np.uint8).reshape(
        1, 3
    )  # two pixels: 0x800, 0xfff
    content = tiff(packed, bits=12).replace(
        struct.pack("<HHIH", 256, 3, 1, 3), struct.pack("<HHIH", 256, 3, 1, 2)
    )
    (tmp_path / "a.tif").write_bytes(content)
    Image.fromarray(np.array([[0x800, 0xFFF]], np.uint16)).save(tmp_path / "a.png")

    assert np.asarray(read_image(tmp_path / "a.tif"))[0, :, 0].tolist() == [0x80, 0xFF]
    assert np.asarray(read_image(tmp_path / "a.png"))[0, :, 0].tolist() == [0x08, 0x0F]


def test_one_bit_is_black_or_white(tmp_path):
    Image.fromarray(np.array([[True, False]])).save(tmp_path / "a.png")

    assert [*np.asarray(read_image(tmp_path / "a.png"))[0].tolist()] == [[255] * 3, [0] * 3]


def test_32_bits_that_hold_16_and_decimals_from_0_to_1_are_scaled(tmp_path):
    Image.fromarray(np.array([[0, 32768, 65535]], np.int32)).save(tmp_path / "whole.tif")
    Image.fromarray(np.array([[0, 0.5, 1]], np.float32)).save(tmp_path / "decimal.tif")

    assert np.asarray(read_image(tmp_path / "whole.tif"))[0, :, 0].tolist() == [0, 128, 255]
    assert np.asarray(read_image(tmp_path / "decimal.tif"))[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            np.int32([[-1, 5]]),
            "holds whole numbers from -1 to 5; only 0 to 65535 can be shown: save it with 8 or 16",
        ),
        (np.int32([[0, 65536]]), "holds whole numbers from 0 to 65536; only 0 to 65535"),
        (
            np.int32([[0, 200]]),
            "holds whole numbers up to 200 in 32 bits, which may be meant as 8 bits or as 16",
        ),
        (
            np.float32([[0, 255]]),
            "holds decimal numbers from 0 to 255; only 0 to 1 can be shown: scale them",
        ),
        (np.float32([[-0.1, 1]]), "holds decimal numbers from -0.1 to 1"),
        (np.float32([[np.nan, 1]]), "holds values that are no number (NaN or infinite)"),
        (np.float32([[np.inf, 1]]), "holds values that are no number (NaN or infinite)"),
    ],
)
def test_numbers_of_which_nobody_knows_how_to_show_them_are_refused(tmp_path, values, words):
    Image.fromarray(values).save(tmp_path / "a.tif")

    assert words in complaint(tmp_path / "a.tif")


def test_a_black_picture_of_32_bits_is_black(tmp_path):
    Image.fromarray(np.zeros((2, 2), np.int32)).save(tmp_path / "a.tif")

    assert np.asarray(read_image(tmp_path / "a.tif")).max() == 0


def see_through(picture: Image.Image) -> tuple[Image.Image, Image.Image]:
    """A picture whose left half is transparent, and what is seen of it on white."""
    seen, veiled = picture.copy(), picture.convert("RGBA")
    ImageDraw.Draw(seen).rectangle((0, 0, WIDTH // 2 - 1, HEIGHT), fill="white")
    alpha = Image.new("L", picture.size, 255)
    alpha.paste(0, (0, 0, WIDTH // 2, HEIGHT))
    veiled.putalpha(alpha)
    return veiled, seen


@pytest.mark.parametrize("ending", ["png", "tif", "webp", "tga"])
def test_transparency_is_laid_on_white(tmp_path, picture, ending):
    veiled, seen = see_through(picture)
    options = {"lossless": True} if ending == "webp" else {}
    veiled.save(tmp_path / f"a.{ending}", **options)

    assert exactly(read_image(tmp_path / f"a.{ending}"), seen)


def test_grey_with_transparency_is_laid_on_white(tmp_path, picture):
    veiled, seen = see_through(picture.convert("L").convert("RGB"))
    veiled.convert("LA").save(tmp_path / "a.png")

    assert exactly(read_image(tmp_path / "a.png"), seen)


def test_half_transparent_red_is_light_red(tmp_path):
    Image.new("RGBA", (4, 4), (255, 0, 0, 51)).save(tmp_path / "a.png")

    assert read_image(tmp_path / "a.png").getpixel((0, 0)) == (255, 204, 204)


@pytest.mark.parametrize(
    ("image", "transparent", "pixels"),
    [
        (Image.fromarray(np.uint8([[9, 10]])), 9, [255, 10]),
        (Image.fromarray(np.uint8([[[9, 9, 9], [8, 8, 8]]])), (9, 9, 9), [255, 8]),
        (Image.fromarray(np.uint16([[512, 513, 1024]])), 512, [255, 2, 4]),
        (Image.fromarray(np.array([[False, True]])), 0, [255, 255]),
    ],
    ids=["grey", "colours", "16 bits", "1 bit"],
)
def test_a_png_may_name_one_colour_that_is_transparent(tmp_path, image, transparent, pixels):
    image.save(tmp_path / "a.png", transparency=transparent)

    assert np.asarray(read_image(tmp_path / "a.png"))[0, :, 0].tolist() == pixels


def png(depth: int, kind: int, row: bytes, transparent: bytes, *, width: int) -> bytes:
    """A PNG of one row, as its specification has it."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, 1, depth, kind, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0" + row))
    return (
        b"\x89PNG\r\n\x1a\n" + header + chunk(b"tRNS", transparent) + pixels + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("content", "pixels"),
    [
        (
            png(2, 0, b"\x78", b"\0\x01", width=3),
            [255, 255, 170],
        ),  # 1 3 2, of which 1 is transparent
        (png(4, 0, b"\x1f\x20", b"\0\x01", width=3), [255, 255, 34]),  # 1 15 2
        (
            png(
                16,
                2,
                struct.pack(">6H", *[2560] * 3, *[1280] * 3),
                struct.pack(">3H", *[2560] * 3),
                width=2,
            ),
            [255, 5],
        ),
    ],
    ids=["2 bits", "4 bits", "48 bits"],
)
def test_the_transparent_colour_has_the_depth_of_the_file(tmp_path, content, pixels):
    (tmp_path / "a.png").write_bytes(content)

    assert np.asarray(read_image(tmp_path / "a.png"))[0, :, 0].tolist() == pixels


@pytest.mark.parametrize("ending", ["png", "gif"])
def test_palettes_are_looked_up_and_their_transparent_entries_laid_on_white(tmp_path, ending):
    image = Image.fromarray(np.uint8([[0, 1, 2]])).convert("P")
    image.putpalette([200, 0, 0, 0, 200, 0, 0, 0, 200])
    image.save(tmp_path / f"a.{ending}", transparency=1)

    pixels = np.asarray(read_image(tmp_path / f"a.{ending}"))[0].tolist()

    assert pixels == [[200, 0, 0], [255, 255, 255], [0, 0, 200]]


@pytest.mark.parametrize("ending", ["bmp", "tga"])
def test_a_fourth_channel_of_nothing_but_zeros_is_no_transparency(tmp_path, picture, ending):
    unused = picture.convert("RGBA")
    unused.putalpha(0)
    unused.save(tmp_path / f"a.{ending}")

    assert exactly(read_image(tmp_path / f"a.{ending}"), picture)


@pytest.mark.parametrize(
    ("ending", "mode"), [("jpg", "CMYK"), ("tif", "CMYK"), ("tif", "LAB"), ("tif", "YCbCr")]
)
def test_other_colour_spaces_become_rgb(tmp_path, picture, ending, mode):
    picture.convert(mode).save(tmp_path / f"a.{ending}", quality=98)

    assert close(read_image(tmp_path / f"a.{ending}"), picture, levels=2.5)


def matrix_profile(*, gamma: float, swapped: bool = False) -> bytes:
    """A profile of sRGB's primaries, red and blue swapped or not, with a gamma of its own (ICC.1, version 2)."""

    def numbers(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))

    primaries = [(0.4360, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)]
    curve = b"curv\0\0\0\0" + struct.pack(">IHxx", 1, round(gamma * 256))
    text = b"desc\0\0\0\0" + struct.pack(">I", 2) + b"a\0" + bytes(78)
    tags = {b"desc": text + bytes(-len(text) % 4), b"wtpt": numbers(0.9642, 1, 0.8249)}
    for name, colour in zip(
        (b"r", b"g", b"b"), primaries[::-1] if swapped else primaries, strict=True
    ):
        tags |= {name + b"XYZ": numbers(*colour), name + b"TRC": curve}
    return _profile(b"RGB ", tags)


def grey_profile(*, gamma: float) -> bytes:
    curve = b"curv\0\0\0\0" + struct.pack(">IHxx", 1, round(gamma * 256))
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    text = b"desc\0\0\0\0" + struct.pack(">I", 2) + b"a\0" + bytes(78)
    return _profile(
        b"GRAY", {b"desc": text + bytes(-len(text) % 4), b"wtpt": white, b"kTRC": curve}
    )


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    place = 132 + 12 * len(tags)
    table, content = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        table += name + struct.pack(">II", place + len(content), len(value))
        content += value
    date = struct.pack(">6H", 2020, 1, 1, 0, 0, 0)
    header = struct.pack(
        ">I4sI4s4s4s12s4s",
        place + len(content),
        b"lcms",
        0x02400000,
        b"mntr",
        space,
        b"XYZ ",
        date,
        b"acsp",
    )
    header += bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return header + bytes(128 - len(header)) + table + content


@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp"])
def test_a_colour_profile_is_followed_to_srgb(tmp_path, picture, ending):
    options = {"lossless": True} if ending == "webp" else {"quality": 98, "subsampling": 0}
    swapped = Image.merge("RGB", picture.split()[::-1])
    swapped.save(
        tmp_path / f"a.{ending}", icc_profile=matrix_profile(gamma=2.2, swapped=True), **options
    )

    assert close(read_image(tmp_path / f"a.{ending}"), picture, levels=4)
    assert not close(swapped, picture, levels=20)


def test_a_profile_of_a_linear_scale_brightens(tmp_path):
    Image.new("RGB", (2, 2), (55, 55, 55)).save(
        tmp_path / "a.png", icc_profile=matrix_profile(gamma=1)
    )
    Image.new("L", (2, 2), 55).save(tmp_path / "b.png", icc_profile=grey_profile(gamma=1))

    assert read_image(tmp_path / "a.png").getpixel((0, 0)) == pytest.approx(
        (128, 128, 128), abs=1
    )  # sRGB's curve
    assert read_image(tmp_path / "b.png").getpixel((0, 0)) == pytest.approx((128, 128, 128), abs=1)


def test_a_profile_leaves_transparency_alone(tmp_path):
    image = Image.new("RGBA", (1, 2), (55, 55, 55, 255))
    image.putpixel((0, 1), (55, 55, 55, 0))
    image.save(tmp_path / "a.png", icc_profile=matrix_profile(gamma=1))

    pixels = np.asarray(read_image(tmp_path / "a.png"))[:, 0, 0].tolist()

    assert pixels == [pytest.approx(128, abs=1), 255]


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize(
    ("mode", "profile"),
    [
        ("RGB", SRGB),
        ("RGB", SRGB[:200]),
        ("RGB", b"no profile"),
        ("RGB", grey_profile(gamma=1)),
        ("L", matrix_profile(gamma=1)),
        ("RGB", ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()),
    ],
    ids=["sRGB", "cut off", "rubbish", "grey for colours", "colours for grey", "LAB for colours"],
)
def test_a_profile_that_is_srgb_damaged_or_of_other_pixels_changes_no_bit(
    tmp_path, picture, mode, profile
):
    picture.convert(mode).save(tmp_path / "a.png", icc_profile=profile)

    assert exactly(read_image(tmp_path / "a.png"), picture.convert(mode))


@pytest.mark.parametrize("ending", ["gif", "png", "webp", "tif", "mpo", "avif"])
def test_of_several_pictures_the_first_is_read(tmp_path, picture, ending):
    second = Image.new("RGB", picture.size, "black")
    path = tmp_path / f"a.{ending}"
    picture.save(path, save_all=True, append_images=[second], quality=95)

    assert close(read_image(path), picture, levels=6)
    assert read_header(path) == Header(WIDTH, HEIGHT, 2)


def test_threads_read_the_same_pixels(tmp_path, picture):
    for number, gamma in enumerate([1, 1.4, 1.8]):
        large = picture.resize((400, 300)).rotate(10 * number)
        large.save(
            tmp_path / f"{number}.png", icc_profile=matrix_profile(gamma=gamma, swapped=True)
        )
    paths = [tmp_path / f"{number % 3}.png" for number in range(60)]
    alone = [read_image(path).tobytes() for path in paths[:3]]

    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda path: read_image(path).tobytes(), paths))

    assert together == alone * 20


def test_an_unchanged_photograph_has_the_bits_that_pillow_decodes(tmp_path, picture):
    picture.save(tmp_path / "a.jpg", quality=70)

    with Image.open(tmp_path / "a.jpg") as image:
        assert exactly(read_image(tmp_path / "a.jpg"), image.convert("RGB"))


def test_a_mask_keeps_its_values_and_is_turned(tmp_path):
    values = np.uint16([[0, 1, 256]])
    Image.fromarray(values).save(tmp_path / "a.png", exif=tagged(6))

    assert np.asarray(read_values(tmp_path / "a.png")).tolist() == [[0], [1], [256]]


@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
@pytest.mark.parametrize("ending", ["jpg", "png", "bmp", "tif", "webp", "gif", "ppm", "jp2"])
def test_a_file_that_was_cut_off_is_refused(tmp_path, picture, ending, share):
    path = tmp_path / f"a.{ending}"
    noise = Image.effect_noise((WIDTH, HEIGHT), 90).convert("RGB")
    noise.save(path)
    os.truncate(path, int(share * path.stat().st_size))

    assert f"cannot be decoded as an image ({path.stat().st_size} bytes; " in complaint(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty (0 bytes); replace or remove it"),
        (
            b"<html>404</html>",
            "cannot be decoded as an image (16 bytes; its content is of no format that is read)",
        ),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "of no format that is read"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n",
            "is a pointer of Git LFS, not the file itself",
        ),
        (
            b"../.git/annex/objects/Kw/2/SHA256E-s1--1.jpg",
            "is a pointer of git-annex, not the file itself; fetch that",
        ),
    ],
    ids=["empty", "a web page", "a program", "Git LFS", "git-annex"],
)
@pytest.mark.parametrize("reads", [read_image, read_header, read_values])
def test_what_is_no_image_is_refused_with_what_to_do(tmp_path, content, words, reads):
    (tmp_path / "a.jpg").write_bytes(content)

    assert words.replace("an image", "a mask" if reads is read_values else "an image") in complaint(
        tmp_path / "a.jpg", reads
    )


@pytest.mark.parametrize("reads", [read_image, read_header])
def test_a_picture_of_too_many_pixels_is_refused(tmp_path, picture, reads):
    picture.save(tmp_path / "a.bmp")
    content = bytearray((tmp_path / "a.bmp").read_bytes())
    content[18:26] = struct.pack("<ii", 60_000, 60_000)
    (tmp_path / "a.bmp").write_bytes(content)

    message = complaint(tmp_path / "a.bmp", reads)

    assert "has too many pixels to be decoded" in message
    assert "3600000000 pixels" in message
    assert "scale it down" in message


@pytest.mark.parametrize("reads", [read_image, read_header])
def test_a_link_to_nothing_is_refused_with_what_it_points_to(tmp_path, reads):
    (tmp_path / "a.jpg").symlink_to(".git/annex/objects/b.jpg")

    message = complaint(tmp_path / "a.jpg", reads)

    assert "is a link to '.git/annex/objects/b.jpg', which is not there" in message
    assert "git annex get, dvc pull" in message


def test_missing_files_folders_and_rings_of_links_are_refused(tmp_path):
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "ring.jpg").symlink_to("ring.jpg")

    assert complaint(tmp_path / "a.jpg").startswith("is missing")
    assert complaint(tmp_path / "a.jpg" / "b.jpg").startswith("is missing")
    assert complaint(tmp_path / "folder.jpg").startswith(
        "is a folder, where a file with an image should be"
    )
    assert "ring.jpg" in complaint(tmp_path / "ring.jpg")


@pytest.mark.skipif(os.geteuid() == 0, reason="whoever is root may read every file")
def test_a_file_that_may_not_be_read_is_refused(tmp_path, picture):
    picture.save(tmp_path / "a.png")
    (tmp_path / "a.png").chmod(0)

    assert complaint(tmp_path / "a.png").startswith("may not be read; allow it")


def test_endings_are_those_of_pictures_that_pillow_decodes_itself():
    endings = readable_endings()

    assert {
        ".jpg",
        ".jpeg",
        ".jfif",
        ".png",
        ".gif",
        ".tif",
        ".tiff",
        ".bmp",
        ".webp",
        ".ppm",
        ".mpo",
    } <= endings
    assert not endings & {
        ".eps",
        ".ps",
        ".wmf",
        ".emf",
        ".mpg",
        ".mpeg",
        ".h5",
        ".hdf",
        ".grib",
        ".bufr",
        ".pdf",
    }


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "JPEG2000", "AVIF"])
@pytest.mark.parametrize("name", ["a", "a.data", "image.php?id=7", "a.jpg_large"])
def test_a_picture_of_another_ending_is_known_by_its_first_bytes(tmp_path, picture, kind, name):
    picture.save(tmp_path / name, format=kind)

    assert is_picture(tmp_path / name)
    assert close(read_image(tmp_path / name), picture, levels=12)


def test_what_is_no_picture_is_not_taken_for_one(tmp_path, picture):
    texts = {
        "a.txt": "BMW drivers, and others",
        "b": "P5 is a paragraph",
        "c.csv": "file,label\n",
        "d": "",
        "e": "GIF",
    }
    for name, content in texts.items():
        (tmp_path / name).write_text(content)
    picture.save(tmp_path / "a.pdf")
    picture.save(tmp_path / "raw.nef", format="TIFF")
    picture.save(tmp_path / "a.jpg~", format="JPEG")
    (tmp_path / "folder").mkdir()

    assert [path.name for path in tmp_path.iterdir() if is_picture(path)] == []
    assert not is_picture(tmp_path / "missing")


def test_the_content_decides_how_a_file_is_read_not_its_ending(tmp_path, picture):
    picture.save(tmp_path / "a.png")
    shutil.move(tmp_path / "a.png", tmp_path / "a.jpg")

    assert exactly(read_image(tmp_path / "a.jpg"), picture)
