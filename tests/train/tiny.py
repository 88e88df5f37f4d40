"""A labelled set that a tiny network learns in seconds, and the smallest project for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from segwright.core import ClassTable, Image, LabelMap
from segwright.data import make_split, open_dataset, write_image, write_label_map, write_split
from segwright.data.columns import columns_from_pattern

CLASSES = ClassTable.of(["background", "blob", "line"])
LINES = ("a", "b", "c", "d")
PATTERN = "(?P<press>[^_]+)_"

PROJECT = """\
name: tiny
classes:
  names: {{background: 0, blob: 1, line: 2}}
  background: background
data:
  root: frames
  columns_from: '{pattern}'
split: {{file: split.json, by: press}}
model: {{encoder: test_resnet, weights: null, decoder_widths: [16, 12, 8, 8, 8]}}
training:
  steps: 24
  batch: 2
  crop: 64
  validate_every: 6
  learning_rate: 0.01
  warmup_steps: 2
  ema_decay: 0.8
  precision: fp32
  workers: 1
  loggers: []
"""


def write_frames(folder: Path, *, lines: Sequence[str] = LINES, per_line: int = 2, side: int = 72) -> Path:
    """`folder`/images and masks: noise with a bright square (blob) and a dark stroke (line); a void corner."""
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    (folder / "classes.txt").write_text("0 background\n1 blob\n2 line\n", encoding="utf-8")
    for number, line in enumerate(lines):
        for index in range(per_line):
            image, labels = frame(np.random.default_rng((number, index)), side)
            write_image(folder / "images" / f"{line}_{index:02}.png", image)
            write_label_map(folder / "masks" / f"{line}_{index:02}.png", labels)
    return folder


def frame(rng: np.random.Generator, side: int) -> tuple[Image, LabelMap]:
    pixels = rng.integers(90, 130, (side, side, 3), dtype=np.uint8)
    ids = np.zeros((side, side), np.uint8)
    top, left = rng.integers(4, side - 24, 2)
    pixels[top : top + 16, left : left + 18], ids[top : top + 16, left : left + 18] = 230, 1
    row = int(rng.integers(2, side - 4))
    pixels[row : row + 2, 6:-6], ids[row : row + 2, 6:-6] = 15, 2
    ids[-4:, -4:] = 255
    return Image(pixels), LabelMap(ids, CLASSES)


def write_project(folder: Path, *, per_line: int = 2) -> Path:
    """`folder`/segwright.yaml with its frames and a split by press: a, b train; c validation; d calibration."""
    write_frames(folder / "frames", per_line=per_line)
    dataset = columns_from_pattern(open_dataset(folder / "frames", classes=CLASSES), PATTERN)
    fractions = {"train": 0.5, "validation": 0.25, "calibration": 0.25}
    held_out = {"validation": ["c"], "calibration": ["d"]}
    write_split(folder / "split.json", make_split(dataset, by="press", fractions=fractions, held_out=held_out))
    path = folder / "segwright.yaml"
    path.write_text(PROJECT.format(pattern=PATTERN), encoding="utf-8")
    return path
