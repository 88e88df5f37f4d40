"""Small datasets, each with one thing wrong with it, and the same without."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, Image, LabelMap, Probabilities, Size, adopt
from segwright.data import Dataset, Frame, ImageFile, ShapeMask, Split, open_dataset
from segwright.data.checks import Evidence, ProjectFacts, gather
from segwright.data.shapes import Outlines
from tests.data.pictures import save

CLASSES = ClassTable.of(["background", "scratch", "dent"])
SIDE = 96
Pixels = npt.NDArray[np.uint8]


def picture(seed: int, side: int = SIDE) -> Pixels:
    """A texture with detail of all sizes, another one for each seed."""
    rng = np.random.default_rng(seed)
    layers = [
        cv2.resize(rng.random((size, size, 3)), (side, side), interpolation=cv2.INTER_CUBIC) for size in (5, 16, 48)
    ]
    return np.clip(255 * sum(layers) / 3, 0, 255).astype(np.uint8)


def painted(seed: int = 0, class_id: int = 1, side: int = SIDE) -> Pixels:
    """A mask with one round blob of a class, elsewhere for each seed."""
    rng = np.random.default_rng(seed)
    ids = np.zeros((side, side), np.uint8)
    cv2.circle(ids, [int(value) for value in rng.integers(20, side - 20, 2)], 9, class_id, -1)
    return ids


Frames = Sequence[tuple[str, Pixels, Pixels]]


def folder(root: Path, frames: Frames, *, suffix: str = ".png", names: str = "background scratch dent") -> Path:
    """images/, masks/ and classes.txt."""
    for name, pixels, ids in frames:
        save(root / "images" / f"{name}.png", pixels)
        save(root / "masks" / f"{name}{suffix}", ids)
    (root / "classes.txt").write_text("\n".join(names.split()) + "\n", encoding="utf-8")
    return root


def plain(count: int = 2) -> list[tuple[str, Pixels, Pixels]]:
    """Frames with nothing wrong with them, of both classes in turn."""
    return [(f"frame{'abcdefghijklmnopqrstuvwxyz'[at]}", picture(at), painted(at, 1 + at % 2)) for at in range(count)]


def split_of(dataset: Dataset, by: str | None = None, **parts: Sequence[str]) -> Split:
    """A split by hand; its names may be of other frames than the dataset's."""
    return Split({part: tuple(stems) for part, stems in parts.items()}, by, 0, "", dataset.classes.content_hash)


def evidence(
    dataset: Dataset,
    split: Split | None = None,
    project: ProjectFacts | None = None,
    predict: Callable[[Image], Probabilities] | None = None,
) -> Evidence:
    """What rules judge by."""
    return Evidence(dataset, gather(dataset), split, project, predict)


def opened(root: Path, frames: Frames, *, options: Mapping[str, Any] | None = None, **how: Any) -> Dataset:
    """The folder of `frames`, opened."""
    return open_dataset(folder(root, frames, **how), options=options)


def shaped(root: Path, *points: Sequence[tuple[float, float]]) -> Dataset:
    """One frame labelled by outlines of x, y."""
    path = save(root / "a.png", picture(0))
    outlines = tuple(Outlines(1, (np.array(row, float),)) for row in points)
    mask = ShapeMask(outlines, 0, Size(SIDE, SIDE), "shapes.json: a.png")
    return Dataset(root, CLASSES, (Frame("a", ImageFile(path), mask),), "shapes")


def confident(truth: LabelMap, wrong: tuple[slice, slice] | None = None) -> Callable[[Image], Probabilities]:
    """A model that is sure of `truth`, but for a window where it is sure of a dent."""

    def predict(image: Image) -> Probabilities:
        ids = np.array(truth.ids)
        if wrong is not None:
            ids[wrong] = 2
        values = np.full((3, *ids.shape), 0.05, np.float32)
        np.put_along_axis(values, ids[None].astype(np.int64), 0.9, axis=0)
        return Probabilities(adopt(values), truth.classes)

    return predict
