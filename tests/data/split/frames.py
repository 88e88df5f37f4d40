"""Datasets of tiny frames that differ in their columns and in how many pixels of each class they show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from segwright.data import Dataset, Frame, ImageFile
from segwright.data.shapes import Runs, ShapeMask
from tests.data.pictures import CLASSES, noise, save


def frames_with(
    folder: Path, columns: Mapping[str, Mapping[str, str]], pixels: Mapping[str, tuple[int, int]] | None = None
) -> Dataset:
    """One 10x10 frame for each stem, with its columns; `pixels` are those of scratch and dent, one each if not said."""
    image = folder / "one for all.png"
    if not image.exists():
        save(image, noise(10, 10))
    source, counts = ImageFile(image), pixels or {}
    frames = (Frame(stem, source, mask_of(stem, *counts.get(stem, (1, 1))), dict(row)) for stem, row in columns.items())
    return Dataset(folder, CLASSES, tuple(frames), "test")


def mask_of(stem: str, scratch: int, dent: int) -> ShapeMask:
    """Scratches from the top, dents from the bottom."""
    shapes = (Runs(1, (0, scratch, 100 - scratch)), Runs(2, (100 - dent, dent)))
    return ShapeMask(shapes, 0, None, stem)


def named(folder: Path, stems: Iterable[str]) -> Dataset:
    """Frames without columns."""
    return frames_with(folder, {stem: {} for stem in stems})
