"""Objects from semantic masks: connected regions and regions cut at their necks, against the true nuclei.

    python benchmarks/seeds.py FOLDER        # a part of the Data Science Bowl 2018, with groups.csv

The semantic mask is the union of the true nuclei. AP50 is the set's own: true / (true + false + missed) at mask IoU
0.5, mean over images. The error of the count is |found - true| / true, mean over images; the bias keeps its sign.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from segwright.core import ClassTable, Instance, InstanceSet, LabelMap, label_map_from_instances
from segwright.data import instances_from_label_map, open_dataset
from segwright.data.splitting import split_touching
from segwright.line.association import associated

DEPTHS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)


def main() -> None:
    """Print a table a way of telling objects apart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    frames, kinds = read(given.folder)
    print(f"{'':<20}" + "".join(f"{kind:>34}" for kind in ("all", *sorted(set(kinds)))))
    ways = {"components": None} | {f"depth {depth} px": depth for depth in DEPTHS}
    for name, depth in ways.items():
        start = time.perf_counter()
        found = [seeds(labels, depth) for labels, _ in frames]
        seconds = time.perf_counter() - start
        cells = []
        for kind in ("all", *sorted(set(kinds))):
            chosen = [at for at in range(len(frames)) if kind in ("all", kinds[at])]
            cells.append(row([found[at] for at in chosen], [frames[at][1] for at in chosen]))
        print(f"{name:<20}" + "".join(f"{cell:>34}" for cell in cells) + f"   {1000 * seconds / len(frames):.1f} ms")


def read(folder: Path) -> tuple[list[tuple[LabelMap, InstanceSet]], list[str]]:
    """The union of each image's nuclei and the nuclei, and each image's kind."""
    dataset = open_dataset(folder / "stage1_train")
    with (folder / "groups.csv").open(encoding="utf-8") as file:
        kinds = {one["image_id"]: one["imaging_type_inferred"] for one in csv.DictReader(file)}
    table = _things(dataset.classes)
    frames, names = [], []
    for frame in dataset.frames:
        true = replace(dataset.read_instances(frame), classes=table)
        frames.append((label_map_from_instances(true), true))
        names.append(next(kinds[part] for part in (frame.stem, *frame.stem.split("/")) if part in kinds))
    return frames, names


def seeds(labels: LabelMap, depth_px: float | None) -> Sequence[Instance]:
    return tuple(instances_from_label_map(labels) if depth_px is None else split_touching(labels, depth_px).objects)


def row(found: Sequence[Sequence[Instance]], true: Sequence[InstanceSet]) -> str:
    precision, errors, biases = [], [], []
    for some, objects in zip(found, true, strict=True):
        right = len(associated(list(objects), some, 0.5))
        precision.append(right / (len(some) + len(objects) - right))
        errors.append(abs(len(some) - len(objects)) / len(objects))
        biases.append((len(some) - len(objects)) / len(objects))
    return f"AP50 {np.mean(precision):.3f} count {np.mean(errors):.3f} ({np.mean(biases):+.3f})"


def _things(classes: ClassTable) -> ClassTable:
    kinds = (spec if spec.name == classes.background else replace(spec, kind="thing") for spec in classes)
    return replace(classes, classes=tuple(kinds))


if __name__ == "__main__":
    main()
