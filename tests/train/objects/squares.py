"""The smallest project of objects: frames of bright squares, of two lines, and a segwright.yaml for them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from segwright.core import GREY, Image, adopt
from segwright.data import Dataset, Split, make_split, open_dataset, write_split
from segwright.data.codecs import write_image
from segwright.data.columns import columns_from_pattern
from segwright.project import read_project
from segwright.train import Plan, plan_project

PATTERN = "^(?P<line>[ab])"
NETWORKS = {
    "maskrcnn": "{width: 16, head_width: 32, proposals: 20, anchors_to_train: 8, regions_to_train: 8}",
    "yolact": "{width: 16, masks_to_train: 3}",
    "solov2": "{width: 32, head_width: 32, masks_to_train: 3}",
}
PROJECT = """
name: squares
task: instance
classes: {names: {background: 0, object: 1}, background: background, things: [object]}
data: {root: frames, format: object_files, columns_from: '^(?P<line>[ab])'}
split: {by: line}
model: {network: maskrcnn, encoder: test_resnet, weights: null, options: {width: 16, head_width: 32, proposals: 20}}
training: {steps: 4, crop: 64, batch: 2, validate_every: 2, precision: fp32, loggers: [], workers: 1}
inference: {objects: {score: 0.3}}
lint: {ignore: [SEG001]}
"""


class Planned(NamedTuple):
    """A project file with what its plan was made from."""

    project: Path
    plan: Plan
    dataset: Dataset
    split: Split


def write_frames(folder: Path, *, objects: bool = True) -> None:
    """Frames of 64x64 of two lines, three each, with two bright squares that differ by frame."""
    rng = np.random.default_rng(3)
    for number in range(6):
        stem = f"{'ab'[number % 2]}{number}"
        pixels = rng.integers(10, 40, (64, 64, 1)).astype(np.uint8)
        for at in range(2 * objects):
            mask = np.zeros((64, 64, 1), np.uint8)
            top, left = 4 + number * 3, 4 + 30 * at + number
            mask[top : top + 14, left : left + 12] = 255
            pixels[mask > 0] = 200
            (folder / stem / "masks").mkdir(parents=True, exist_ok=True)
            write_image(folder / stem / "masks" / f"{at}.png", Image(adopt(mask), GREY))
        (folder / stem / "images").mkdir(parents=True, exist_ok=True)
        write_image(folder / stem / "images" / f"{stem}.png", Image(adopt(pixels), GREY))


def write_project(folder: Path) -> Path:
    """`folder`/segwright.yaml with its frames and a split: line a to train on, b to validate on."""
    write_frames(folder / "frames")
    dataset = columns_from_pattern(open_dataset(folder / "frames", format="object_files"), PATTERN)
    held_out = {"validation": ["b"]}
    fractions = {"train": 1.0}
    write_split(folder / "split.json", make_split(dataset, by="line", fractions=fractions, held_out=held_out))
    path = folder / "segwright.yaml"
    path.write_text(PROJECT, encoding="utf-8")
    return path


def planned(project: Path, *settings: str) -> Planned:
    """The plan of a project with some settings."""
    return Planned(project, *plan_project(read_project(project, list(settings)), project.parent))
