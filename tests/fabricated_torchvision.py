"""Miniatures of torchvision's data sets, each in the layout that torchvision's own class reads."""

import bz2
import csv
import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
from fabricated_data import fabricate_dtd, photograph
from scipy.io import savemat

NUM_CLASSES = 3


def small_images(seed: int, count: int, *shape: int) -> np.ndarray:
    """Grey or coloured images of noise."""
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def labels_of(count: int, first: int = 0) -> np.ndarray:
    """Labels in turn."""
    return np.arange(count) % NUM_CLASSES + first


def write_idx(path: Path, array: np.ndarray, *, kind: int = 8) -> None:
    """An array as MNIST's files hold it: kind 8 is bytes, 12 is whole numbers of four bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(">BBBB", 0, 0, kind, array.ndim) + struct.pack(
        f">{array.ndim}i", *array.shape
    )
    path.write_bytes(header + array.astype({8: ">u1", 12: ">i4"}[kind]).tobytes())


def mnist(root: Path, *, folder: str = "MNIST", train: int = 40, test: int = 12) -> None:
    """`MNIST/raw` with its four files."""
    for seed, (part, count) in enumerate({"train": train, "t10k": test}.items()):
        write_idx(
            root / folder / "raw" / f"{part}-images-idx3-ubyte", small_images(seed, count, 28, 28)
        )
        write_idx(root / folder / "raw" / f"{part}-labels-idx1-ubyte", labels_of(count))


def qmnist(root: Path) -> None:
    """`QMNIST/raw`, whose labels are rows of eight numbers."""
    for seed, (part, count) in enumerate({"train": 40, "test": 12}.items()):
        rows = np.stack([labels_of(count), *[np.full(count, 7)] * 7], axis=1)
        write_idx(
            root / "QMNIST/raw" / f"qmnist-{part}-images-idx3-ubyte",
            small_images(seed, count, 28, 28),
        )
        write_idx(root / "QMNIST/raw" / f"qmnist-{part}-labels-idx2-int", rows, kind=12)


def emnist_letters(root: Path) -> None:
    """`EMNIST/raw` with its letters, which are numbered from 1."""
    for seed, (part, count) in enumerate({"train": 40, "test": 12}.items()):
        stem = f"emnist-letters-{part}"
        write_idx(
            root / "EMNIST/raw" / f"{stem}-images-idx3-ubyte", small_images(seed, count, 28, 28)
        )
        write_idx(root / "EMNIST/raw" / f"{stem}-labels-idx1-ubyte", labels_of(count, first=1))


def usps(root: Path) -> None:
    """Two compressed lists of numbers from -1 to 1, digits from 1."""
    for seed, (name, count) in enumerate({"usps.bz2": 40, "usps.t.bz2": 12}.items()):
        images = small_images(seed, count, 256) / 127.5 - 1
        rows = zip(labels_of(count, first=1), images, strict=True)
        lines = [
            f"{label} " + " ".join(f"{k + 1}:{v:.6f}" for k, v in enumerate(image))
            for label, image in rows
        ]
        (root / name).write_bytes(bz2.compress("\n".join(lines).encode()))


def food(root: Path) -> None:
    """`food-101` with its lists of names without endings."""
    for start, (part, count) in enumerate({"train": 6, "test": 2}.items()):
        lists = {
            kind: [f"{kind}/{part}{number}" for number in range(count)]
            for kind in ("apple_pie", "sushi")
        }
        for label, names in enumerate(lists.values()):
            for number, name in enumerate(names):
                photograph(
                    root / f"food-101/images/{name}.jpg", number=100 * start + 10 * label + number
                )
        (root / "food-101/meta").mkdir(exist_ok=True)
        (root / f"food-101/meta/{part}.json").write_text(json.dumps(lists))


def pets(root: Path) -> None:
    """`oxford-iiit-pet` with its lists of name, label from 1, kind and breed."""
    folder = root / "oxford-iiit-pet"
    (folder / "annotations").mkdir(parents=True)
    for start, (part, count) in enumerate({"trainval": 6, "test": 2}.items()):
        lines = []
        for label, breed in enumerate(("Abyssinian", "great_pyrenees")):
            for number in range(count):
                name = f"{breed}_{10 * start + number}"
                photograph(folder / f"images/{name}.jpg", number=100 * start + 10 * label + number)
                lines.append(f"{name} {label + 1} {label + 1} 1\n")
        (folder / f"annotations/{part}.txt").write_text("".join(lines))


def class_folders(
    folder: Path, names: tuple[str, ...], count: int, *, start: int = 0, pattern: str = "{}.jpg"
) -> None:
    """`folder/<class>/<image>`; in the pattern stand the class's place from 1 and the image's."""
    for label, name in enumerate(names):
        for number in range(1, count + 1):
            file = folder / name / pattern.format(number, label=label + 1)
            photograph(file, number=start + 1000 * label + number)


def eurosat(root: Path) -> None:
    """`eurosat/2750`, which has no parts."""
    class_folders(root / "eurosat/2750", ("Forest", "River", "SeaLake"), 8)


def country(root: Path) -> None:
    """`country211` with its three parts."""
    for start, (part, count) in enumerate({"train": 4, "valid": 2, "test": 2}.items()):
        class_folders(root / "country211" / part, ("AD", "ZW"), count, start=100 * start)


def sentences(root: Path) -> None:
    """`rendered-sst2` with its three parts."""
    for start, (part, count) in enumerate({"train": 4, "valid": 2, "test": 2}.items()):
        names = ("negative", "positive")
        class_folders(
            root / "rendered-sst2" / part, names, count, start=100 * start, pattern="{}.png"
        )


def imagenette(root: Path) -> None:
    """`imagenette2-160` with its two parts."""
    for start, (part, count) in enumerate({"train": 6, "val": 2}.items()):
        names = ("n01440764", "n02102040")
        class_folders(
            root / "imagenette2-160" / part, names, count, start=100 * start, pattern="{}.JPEG"
        )


def caltech(root: Path) -> None:
    """`caltech101`, which has no parts, and a class of clutter."""
    folder = root / "caltech101/101_ObjectCategories"
    class_folders(
        folder, ("BACKGROUND_Google", "Faces", "accordion"), 8, pattern="image_{:04d}.jpg"
    )


def caltech256(root: Path) -> None:
    """`caltech256`, which has no parts."""
    folder = root / "caltech256/256_ObjectCategories"
    class_folders(folder, ("001.ak47", "002.american-flag"), 8, pattern="{label:03d}_{:04d}.jpg")


def scenes(root: Path) -> None:
    """`SUN397`, which has no parts, with classes of two levels."""
    class_folders(root / "SUN397/a", ("abbey", "alley/narrow"), 8, pattern="sun_{label}{:04d}.jpg")
    (root / "SUN397/ClassName.txt").write_text("/a/abbey\n/a/alley/narrow\n")


def species(root: Path) -> None:
    """`2021_train_mini` and `2021_valid`, with classes of eight words."""
    names = tuple(
        f"{number:05d}_Animalia_Chordata_Aves_Order_Family_Genus_kind{number}"
        for number in range(2)
    )
    class_folders(root / "2021_train_mini", names, 6)
    class_folders(root / "2021_valid", names, 2, start=100)


def signs(root: Path) -> None:
    """`gtsrb` with three tracks of four frames for each class to train on, and a list of those to test."""
    folder = root / "gtsrb"
    for label in range(2):
        for number in range(12):
            name = f"{number // 4:05d}_{number % 4:05d}.ppm"
            photograph_as_ppm(
                folder / f"GTSRB/Training/{label:05d}/{name}", number=1000 * label + number
            )
    with (folder / "GT-final_test.csv").open("w", newline="") as lines:
        table = csv.writer(lines, delimiter=";")
        table.writerow(["Filename", "Width", "ClassId"])
        for number in range(4):
            photograph_as_ppm(
                folder / f"GTSRB/Final_Test/Images/{number:05d}.ppm", number=5000 + number
            )
            table.writerow([f"{number:05d}.ppm", 48, number % 2])


def photograph_as_ppm(path: Path, *, number: int) -> None:
    """A picture that is brighter on its left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((40, 48, 3), np.uint8)
    pixels[:, :24] = 255
    pixels[::2, 24:, 0] = number % 251
    pixels[1::2, 24:, 1] = number // 251
    path.write_bytes(b"P6 48 40 255\n" + pixels.tobytes())


def aircraft(root: Path) -> None:
    """`fgvc-aircraft-2013b` with its lists for the level of families."""
    folder = root / "fgvc-aircraft-2013b/data"
    for start, (part, count) in enumerate({"train": 4, "val": 2, "test": 2}.items()):
        lines = []
        for label, family in enumerate(("Airbus A320", "Boeing 737")):
            for number in range(count):
                name = f"{1000000 + 1000 * start + 100 * label + number}"
                photograph(folder / f"images/{name}.jpg", number=int(name))
                lines.append(f"{name} {family}\n")
        (folder / f"images_family_{part}.txt").write_text("".join(lines))
    (folder / "families.txt").write_text("Airbus A320\nBoeing 737\n")


def cars(root: Path) -> None:
    """`stanford_cars` with its .mat lists, labels from 1."""
    folder = root / "stanford_cars"
    (folder / "devkit").mkdir(parents=True)
    lists = {
        "train": ("devkit/cars_train_annos.mat", 12),
        "test": ("cars_test_annos_withlabels.mat", 4),
    }
    for start, (part, (place, count)) in enumerate(lists.items()):
        rows = [(f"{number:05d}.jpg", number % 2 + 1) for number in range(count)]
        for number, (name, _) in enumerate(rows):
            photograph(folder / f"cars_{part}" / name, number=100 * start + number)
        annotations = np.array(rows, dtype=[("fname", object), ("class", object)])
        savemat(folder / place, {"annotations": annotations})
    names = np.array(["AM General Hummer", "Acura RL"], object)
    savemat(folder / "devkit/cars_meta.mat", {"class_names": names})


def counted(root: Path) -> None:
    """`clevr`, whose classes are numbers of objects, from 3."""
    folder = root / "clevr/CLEVR_v1.0"
    (folder / "scenes").mkdir(parents=True)
    for start, (part, count) in enumerate({"train": 12, "val": 4}.items()):
        scenes = []
        for number in range(count):
            name = f"CLEVR_{part}_{number:06d}.png"
            photograph(folder / "images" / part / name, number=100 * start + number)
            scenes.append({"image_filename": name, "objects": [{}] * (3 + number % 2)})
        (folder / f"scenes/CLEVR_{part}_scenes.json").write_text(json.dumps({"scenes": scenes}))


def house_numbers(root: Path) -> None:
    """Two .mat files of SVHN, in which ten stands for zero."""
    for seed, (part, count) in enumerate({"train": 40, "test": 12}.items()):
        labels = np.where(labels_of(count) == 0, 10, labels_of(count))
        images = small_images(seed, count, 32, 32, 3).transpose(1, 2, 3, 0)
        savemat(root / f"{part}_32x32.mat", {"X": images, "y": labels[:, None].astype(np.uint8)})


def stl(root: Path) -> None:
    """`stl10_binary`, columns before rows, labels from 1."""
    folder = root / "stl10_binary"
    folder.mkdir()
    for seed, (part, count) in enumerate({"train": 40, "test": 12}.items()):
        (folder / f"{part}_X.bin").write_bytes(small_images(seed, count, 3, 96, 96).tobytes())
        (folder / f"{part}_y.bin").write_bytes(labels_of(count, first=1).astype(np.uint8).tobytes())
    (folder / "class_names.txt").write_text("airplane\nbird\ncar\n")


def semeion(root: Path) -> None:
    """A table of pixels that are 0 or 1, and of digits, without parts."""
    digits = np.eye(10)[labels_of(40)]
    pixels = small_images(0, 40, 256) % 2
    np.savetxt(root / "semeion.data", np.concatenate([pixels, digits], axis=1), fmt="%.4f")


def faces(root: Path) -> None:
    """`fer2013/fer2013.csv`."""
    usage = ["Training"] * 30 + ["PublicTest"] * 6 + ["PrivateTest"] * 6
    images = small_images(0, len(usage), 48 * 48)
    rows = zip(labels_of(len(usage)), images, usage, strict=True)
    lines = [f"{label},{' '.join(map(str, image))},{name}" for label, image, name in rows]
    (root / "fer2013").mkdir()
    (root / "fer2013/fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *lines]))


def flowers(root: Path) -> None:
    """`flowers-102` with the .mat lists of labels and parts, both from 1."""
    folder = root / "flowers-102"
    for number in range(1, 17):
        photograph(folder / f"jpg/image_{number:05d}.jpg", number=number)
    savemat(folder / "imagelabels.mat", {"labels": np.arange(16) % 2 + 1})
    parts = {"trnid": np.arange(1, 9), "valid": np.arange(9, 13), "tstid": np.arange(13, 17)}
    savemat(folder / "setid.mat", parts)


def places(root: Path) -> None:
    """Places365 at 256 pixels with its three lists."""
    (root / "categories_places365.txt").write_text("/a/airfield 0\n/a/alcove 1\n")
    lines: dict[str, list[str]] = {"train_standard": [], "val": []}
    for number in range(12):
        label, name = number % 2, ("/a/airfield", "/a/alcove")[number % 2]
        photograph(root / f"data_256_standard{name}/{number:08d}.jpg", number=number)
        photograph(root / f"val_256/Places365_val_{number:08d}.jpg", number=100 + number)
        lines["train_standard"].append(f"{name}/{number:08d}.jpg {label}\n")
        lines["val"].append(f"Places365_val_{number:08d}.jpg {label}\n")
    for part, own in lines.items():
        (root / f"places365_{part}.txt").write_text("".join(own))


MINIATURES: dict[str, Callable[[Path], object]] = {
    "MNIST": mnist,
    "FashionMNIST": lambda root: mnist(root, folder="FashionMNIST"),
    "KMNIST": lambda root: mnist(root, folder="KMNIST"),
    "QMNIST": qmnist,
    "EMNIST": emnist_letters,
    "USPS": usps,
    "Food101": food,
    "OxfordIIITPet": pets,
    "DTD": fabricate_dtd,
    "EuroSAT": eurosat,
    "GTSRB": signs,
    "FGVCAircraft": aircraft,
    "StanfordCars": cars,
    "Country211": country,
    "RenderedSST2": sentences,
    "Caltech101": caltech,
    "Caltech256": caltech256,
    "SUN397": scenes,
    "Imagenette": imagenette,
    "INaturalist": species,
    "CLEVRClassification": counted,
}
"""How each is fabricated."""

CHECKED: dict[str, Callable[[Path], object]] = {
    "SVHN": house_numbers,
    "STL10": stl,
    "SEMEION": semeion,
    "FER2013": faces,
    "Flowers102": flowers,
    "Places365": places,
}
"""Those whose files torchvision compares with the check sums of the official ones, which has to be left out."""

VARIANTS = {
    "EMNIST": "letters",
    "FGVCAircraft": "family",
    "Imagenette": "160px",
    "INaturalist": "2021_train_mini",
}
"""The variant that is fabricated, where it is not the first."""
