"""Miniatures of published data sets, written as their authors distribute them: JPEGs, JSON, .mat lists, pickles."""

import json
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.io import savemat

BREEDS = ("n02085620-Chihuahua", "n02085782-Japanese_spaniel", "n02116738-African_hunting_dog")
WNIDS = ("n01440764", "n01443537", "n15075141")
CATEGORIES = {90: "toothbrush", 1: "person", 3: "car"}
"""Of the miniature COCO, by id, in the order of its file."""

EDGES = ("xmin", "ymin", "xmax", "ymax")

PARAMS: dict[str, dict[str, Any]] = {
    "digits": {"image_size": 16},
    "coco": {"num_classes": len(CATEGORIES), "val_share": 0.25},
    "imagenet": {"num_classes": len(WNIDS), "image_size": 32, "val_share": 0.25},
    "stanford_dogs": {"num_classes": len(BREEDS), "image_size": 32, "val_share": 0.25},
    "image_folder": {"root": "photos", "image_size": 32},
    "torchvision": {"set": "DTD", "image_size": 32},
    "image_masks": {"root": "outlines", "image_size": 32},
    "voc": {"num_classes": 2},
    "salient_shapes": {"num_train": 120, "num_val": 60, "num_test": 60},
}
"""Parameters under which a data set reads its miniature, or is small; none for the others."""


def fabricate(root: Path) -> Path:
    """Every data set that lies in files, below one folder; returns the folder."""
    fabricate_cifar10(root)
    fabricate_cifar100(root)
    fabricate_coco(root)
    fabricate_dogs(root)
    fabricate_imagenet(root)
    fabricate_folder(root / "photos")
    fabricate_dtd(root)
    fabricate_masks(root / "outlines")
    fabricate_voc(root / "VOCdevkit")
    return root


def photograph(path: Path, *, number: int, size: tuple[int, int] = (48, 40)) -> Path:
    """A JPEG whose content depends on its number."""
    width, height = size
    coarse = np.random.default_rng(number).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(path, quality=90)
    return path


def fabricate_folder(folder: Path, *, classes: int = 3, images: int = 8, start: int = 0) -> Path:
    """`folder/<class>/*.jpg` of several sizes."""
    for label in range(classes):
        for number in range(images):
            size = (40 + 7 * (number % 6), 64 - 3 * (number % 6))
            photograph(
                folder / f"class {label}" / f"{number}.jpg",
                number=start + 1000 * label + number,
                size=size,
            )
    return folder


def fabricate_masks(folder: Path, *, images: int = 24) -> Path:
    """`folder/images/*.jpg` and `folder/masks/*.png` whose values are 0, 1, 2 and, at the border, 255."""
    (folder / "masks").mkdir(parents=True, exist_ok=True)
    for number in range(images):
        width, height = 40 + number % 3, 32
        photograph(
            folder / "images" / f"{number}.jpg", number=60_000 + number, size=(width, height)
        )
        values = np.zeros((height, width), np.uint8)
        values[:, :2], values[8:20, 6:18], values[12:28, 20:36] = 255, 1, 2
        Image.fromarray(values).save(folder / "masks" / f"{number}.png")
    return folder


def fabricate_imagenet(root: Path, *, train: int = 6, val: int = 2) -> Path:
    """`imagenet/train/<wnid>` and `imagenet/val/<wnid>` with the names of the official files."""
    for label, wnid in enumerate(WNIDS):
        for number in range(train):
            photograph(
                root / f"imagenet/train/{wnid}/{wnid}_{number}.JPEG",
                number=10_000 + 100 * label + number,
            )
        for number in range(val):
            name = f"ILSVRC2012_val_{label * val + number + 1:08d}.JPEG"
            photograph(root / "imagenet/val" / wnid / name, number=20_000 + 100 * label + number)
    return root / "imagenet"


def fabricate_coco(root: Path, *, train: int = 16, val: int = 5) -> Path:
    """`coco/train2017`, `coco/val2017` and their annotations, with the oddities of the official ones.

    Of every five images, one has a crowd beside an object, one a box without a height, one a box
    that ends a little outside of its image, and one no object; that has no annotation, or in every
    second five a crowd alone."""
    folder = root / "coco"
    (folder / "annotations").mkdir(parents=True, exist_ok=True)
    for name, start, count in (("train2017", 100, train), ("val2017", 500, val)):
        images = []
        for image in range(start, start + count):
            file = f"{7919 * image % 1000:012d}.jpg"
            width, height = 60 + image % 3, 50 - image % 4
            photograph(folder / name / file, number=40_000 + image, size=(width, height))
            images.append(
                {"license": 1, "id": image, "file_name": file, "width": width, "height": height}
            )
        annotations = [one for image in images for one in _annotations(image)]
        categories = [
            {"supercategory": "thing", "id": key, "name": value}
            for key, value in CATEGORIES.items()
        ]
        content = {
            "info": {"year": 2017},
            "licenses": [],
            "images": images[::-1],
            "annotations": annotations[::-1],
        }
        written = json.dumps({**content, "categories": categories})
        (folder / "annotations" / f"instances_{name}.json").write_text(written)
    return folder


def _annotations(image: dict) -> list[dict]:
    """What is annotated in an image, with polygons, or run lengths where it is a crowd."""
    width, height, oddity = image["width"], image["height"], image["id"] % 5
    boxes = (
        []
        if oddity == 4
        else [(1, [3.5, 4.25, 20.0, 30.5], 0), (90, [10.0, 2.0, width - 10.0, 12.0], 0)]
    )
    crowd = (3, [0.0, 0.0, 24.5, height - 1.0], 1)
    extra = {
        0: [crowd],
        1: [(3, [9.98, 8.5, 5.5, 0.0], 0)],
        2: [(3, [30.0, 20.0, width - 29.6, 5.0], 0)],
        4: [crowd] if image["id"] % 10 == 4 else [],
    }
    return [
        {
            "id": 1000 * image["id"] + number,
            "image_id": image["id"],
            "category_id": category,
            "bbox": box,
            "area": 0.75 * box[2] * box[3],
            "iscrowd": iscrowd,
            "segmentation": {"counts": [9, 2], "size": [height, width]}
            if iscrowd
            else [[box[0], box[1]] * 3],
        }
        for number, (category, box, iscrowd) in enumerate(boxes + extra.get(oddity, []), start=1)
    ]


def fabricate_voc(root: Path, *, counts: tuple[int, int, int] = (6, 4, 3)) -> Path:
    """`VOC2007` with its lists; the dog of every third image is difficult."""
    folder = root / "VOC2007"
    (folder / "ImageSets" / "Main").mkdir(parents=True, exist_ok=True)
    number = 0
    for part, count in zip(("train", "val", "test"), counts, strict=True):
        names = [f"{place:06d}" for place in range(number, number + count)]
        for place, name in enumerate(names, start=number):
            photograph(folder / "JPEGImages" / f"{name}.jpg", number=50_000 + place)
            objects = [
                ("cat", (3 + place % 9, 5, 30, 20), 0),
                ("dog", (1, 1, 48, 40), int(place % 3 == 0)),
            ]
            save_voc(folder / "Annotations" / f"{name}.xml", f"{name}.jpg", objects)
        (folder / "ImageSets" / "Main" / f"{part}.txt").write_text(
            "".join(f"{name}\n" for name in names)
        )
        number += count
    return folder


def save_voc(
    path: Path,
    file_name: str,
    objects: list[tuple[str, tuple, int]],
    *,
    size: tuple[int, int] = (48, 40),
) -> None:
    """An annotation of Pascal VOC: class, xmin, ymin, xmax, ymax and whether it is difficult, of each object."""
    content = ""
    for name, edges, difficult in objects:
        box = "".join(f"<{edge}>{value}</{edge}>" for edge, value in zip(EDGES, edges, strict=True))
        content += f"<object><name>{name}</name><difficult>{difficult}</difficult><bndbox>{box}</bndbox></object>"
    sides = f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<annotation><filename>{file_name}</filename>{sides}{content}</annotation>")


def fabricate_dogs(root: Path, *, train: int = 6, test: int = 3) -> Path:
    """`stanford_dogs/Images` and the official lists, labels from 1."""
    folder = root / "stanford_dogs"
    lists: dict[str, list[tuple[str, int]]] = {"train": [], "test": []}
    for label, breed in enumerate(BREEDS):
        for number in range(train + test):
            file = f"{breed}/{breed.partition('-')[0]}_{number}.jpg"
            photograph(folder / "Images" / file, number=30_000 + 100 * label + number)
            lists["train" if number < train else "test"].append((file, label + 1))
    for part, members in lists.items():
        save_list(folder / f"{part}_list.mat", members)
    return folder


def fabricate_dtd(root: Path, *, each: int = 3) -> Path:
    """`dtd` as torchvision keeps it: two textures, and the lists of the first of ten partitions."""
    folder = root / "dtd" / "dtd"
    for start, part in enumerate(("train", "val", "test")):
        names = [
            f"{kind}/{kind}_{part}_{number}.jpg"
            for kind in ("banded", "zigzagged")
            for number in range(each)
        ]
        for number, name in enumerate(names):
            photograph(folder / "images" / name, number=50_000 + 100 * start + number)
        (folder / "labels").mkdir(exist_ok=True)
        (folder / "labels" / f"{part}1.txt").write_text("".join(f"{name}\n" for name in names))
    return folder


def save_list(path: Path, members: list[tuple[str, int]]) -> None:
    """A list of files and labels in the layout of the official ones."""
    files = np.empty((len(members), 1), object)
    files[:, 0] = [file for file, _ in members]
    labels = np.array([[label] for _, label in members], np.uint8)
    savemat(path, {"file_list": files, "annotation_list": files, "labels": labels})


def fabricate_cifar10(root: Path, *, each: int = 20) -> Path:
    """`cifar-10-batches-py` with five training batches, each of two images of every class."""
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]
    for seed, name in enumerate(names):
        labels = [number % 10 for number in range(each)]
        (folder / name).write_bytes(python2_pickle(_pixels(seed, each), {"labels": labels}))
    words = [
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ]
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": words}, protocol=2))
    return folder


def fabricate_cifar100(root: Path, *, each: int = 6) -> Path:
    """`cifar-100-python` with six training images and one test image of every class."""
    folder = root / "cifar-100-python"
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (name, count) in enumerate({"train": 100 * each, "test": 100}.items()):
        fine = [number % 100 for number in range(count)]
        batch = {
            "data": _pixels(100 + seed, count),
            "fine_labels": fine,
            "coarse_labels": [n // 5 for n in fine],
        }
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    names = {
        "fine_label_names": [f"fine {n}" for n in range(100)],
        "coarse_label_names": [f"c {n}" for n in range(20)],
    }
    (folder / "meta").write_bytes(pickle.dumps(names, protocol=2))
    return folder


def python2_pickle(pixels: np.ndarray, labels: dict[str, list[int]]) -> bytes:
    """A batch as numpy under Python 2 pickled it: bytes as text, modules by their old names."""

    def text(value: bytes) -> bytes:
        return b"T" + struct.pack("<i", len(value)) + value

    def number(value: int) -> bytes:
        return b"J" + struct.pack("<i", value)

    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text(b"b") + b"\x87R"
    )
    kind = (
        b"cnumpy\ndtype\n"
        + text(b"u1")
        + b"K\x00K\x01\x87R(K\x03"
        + text(b"|")
        + b"NNN"
        + number(-1) * 2
        + b"K\x00tb"
    )
    shape = number(pixels.shape[0]) + number(pixels.shape[1]) + b"\x86"
    content = (
        text(b"data") + array + b"(K\x01" + shape + kind + b"\x89" + text(pixels.tobytes()) + b"tb"
    )
    for key, values in labels.items():
        content += text(key.encode()) + b"](" + b"".join(map(number, values)) + b"e"
    return b"\x80\x02}(" + content + b"u."


def _pixels(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 3072), dtype=np.uint8)
