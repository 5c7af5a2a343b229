"""Regions found by models, as in the paper: Grounding DINO boxes a class, SAM cuts it out."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dasbench.datasets.dataset import Split
from dasbench.errors import DataError, UsageError
from dasbench.saliency.regions import FindRegions, refuse_empty_masks

DETECTOR, SEGMENTER = "grounding_dino", "sam"
"""Folders of the two models' weights, as `save_pretrained` of transformers writes them."""

NAMES = "class_names.txt"
"""File beside them that says what classes are called, `n01440764 tench` a line.

It is needed where the data set has but numbers.
"""

_WORDNET = re.compile(r"n\d{8}-?")


def grounded_sam(split: Split, classes: tuple[str, ...], *, weights: Path | None) -> FindRegions:
    """Find in each image the object that its label names. Nothing is downloaded.

    Args:
        split: the part whose images are meant.
        classes: names of the classes, in the order of the labels; they are what Grounding DINO is
            asked for.
        weights: a folder that holds the folders `grounding_dino` and `sam` and, where classes are
            called by numbers of WordNet, `class_names.txt`.

    Raises:
        UsageError: if the extra is not installed, no weights are given, or a class has no name that
            could be asked for.
        DataError: if a model's folder is missing; and when regions are asked for, if an object is
            not found.

    Source:
        Liu et al. 2023, Grounding DINO, arXiv 2303.05499; Kirillov et al. 2023, Segment Anything,
        arXiv 2304.02643.
    """
    if find_spec("transformers") is None:
        raise UsageError(
            "`regions` grounded_sam needs transformers: pip install 'dasbench[grounded-sam]'"
        )
    if weights is None:
        raise UsageError(
            "`regions` grounded_sam needs `region_weights` DIR, "
            f"with the folders {DETECTOR} and {SEGMENTER} in it"
        )
    for name in (DETECTOR, SEGMENTER):
        if not (weights / name / "config.json").is_file():
            raise DataError(
                f"{weights / name}: holds no model (no config.json); put there what "
                "`save_pretrained` of transformers writes, as nothing is downloaded"
            )
    words = _words_for(classes, weights / NAMES)
    models = _Models(weights)

    def find(indices: NDArray[np.int64]) -> Tensor:
        images = split.batch(indices)
        masks, names = [], []
        for index, image in zip(indices, images, strict=True):
            word = words[int(split.labels[index])]
            masks.append(models.find(image, word))
            names.append(f"image {index} ('{word}')")
        if not masks:
            return torch.empty(0, *images.shape[2:]).bool()
        return refuse_empty_masks(torch.stack(masks), names)

    return find


def _words_for(classes: tuple[str, ...], names: Path) -> list[str]:
    """What classes are called in words: without numbers of WordNet, or as a file says."""
    written: dict[str, str] = {}
    if names.is_file():
        for line in names.read_text("utf-8").splitlines():
            key, _, text = line.partition(" ")
            written[key] = text.partition(",")[0].strip()
    words = []
    for name in classes:
        word = written.get(name) or _WORDNET.sub("", name).replace("_", " ").lower()
        if not word:
            raise UsageError(
                f"class '{name}' has no name to ask for; write a line '{name} NAME' into {names}"
            )
        words.append(word)
    return words


class _Models:
    """The two models, read from local files."""

    def __init__(self, weights: Path) -> None:
        from transformers import (
            AutoModelForZeroShotObjectDetection,
            AutoProcessor,
            SamModel,
            SamProcessor,
        )

        self.read_text = AutoProcessor.from_pretrained(weights / DETECTOR, local_files_only=True)
        self.detector = AutoModelForZeroShotObjectDetection.from_pretrained(
            weights / DETECTOR, local_files_only=True
        )
        self.read_boxes = SamProcessor.from_pretrained(weights / SEGMENTER, local_files_only=True)
        self.segmenter = SamModel.from_pretrained(weights / SEGMENTER, local_files_only=True)

    @torch.inference_mode()
    def find(self, image: Tensor, name: str) -> Tensor:
        """The mask of everything in an image that a name describes; empty if there is nothing.

        Shape:
            uint8, [3, H, W] -> bool, [H, W]
        """
        pixels, size = image.permute(1, 2, 0).numpy(), tuple(image.shape[1:])
        asked = self.read_text(images=pixels, text=f"{name}.", return_tensors="pt")
        answer = self.detector(**asked)
        found: Any = self.read_text.post_process_grounded_object_detection(
            answer, asked["input_ids"], target_sizes=[size]
        )
        boxes = found[0]["boxes"]
        if not len(boxes):
            return torch.zeros(size, dtype=torch.bool)
        asked = self.read_boxes(pixels, input_boxes=[boxes.tolist()], return_tensors="pt")
        answer = self.segmenter(**asked, multimask_output=False)
        masks: Any = self.read_boxes.image_processor.post_process_masks(
            answer.pred_masks, asked["original_sizes"], asked["reshaped_input_sizes"]
        )
        mask: Tensor = masks[0].flatten(0, 1).any(0)
        return mask
