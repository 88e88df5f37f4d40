"""The nuclei of benchmarks/instance_accuracy.py: how they are opened, and which frames are held out.

Frames of two imaging types are drawn into train, validation and test, each type by itself, so that every part has both.
The third type is in no training: it is the part `calibration` of the split file, which nothing is calibrated on here.
It is the type with the fewest frames; no score chose it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

from kept_runs import Task

from segwright.data import Dataset, Split, make_split, open_dataset, read_split, write_split

FOLDER = "instance_dsb2018"
DATA = {"format": "object_files", "options": {"class_name": "nucleus"}}
TYPE, HELD_OUT_TYPE = "imaging_type_inferred", "gray_bright"
THIRDS = {"train": 0.55, "validation": 0.15, "test": 0.3}
OTHER_TYPE = "calibration"
# part of the split -> the scores' name in the results
SCORED = {"test": "same", OTHER_TYPE: "other"}
SAID = {
    "same": "held-out frames of the types trained on (fluorescence, purple tissue)",
    "other": "frames of a type in no training (bright-field grey)",
}
ALL_FLIPS = ["horizontal", "vertical", "quarter_turns"]


def project_of(
    task: Task, kind: str, model: dict[str, Any], training: dict[str, Any], augment: dict[str, Any]
) -> dict[str, Any]:
    """The content of a segwright.yaml for this run; `kind` is the project's task."""
    things = [spec.name for spec in task.dataset.classes.foreground]
    return {
        "name": f"nuclei-{kind}-{task.seed}",
        "task": kind,
        "classes": {**task.classes, "things": things},
        "data": {"root": str(task.dataset.root), **DATA},
        "split": {"file": str(task.split_file)},
        "model": {"encoder": "mobilenetv2_100", "weights": str(task.weights), **model},
        # one round, at the end: every recipe answers with its last weights
        "training": {
            **task.training,
            "validate_every": task.steps,
            **training,
            "augment": {"valid_flips": ALL_FLIPS, **augment},
        },
    }


def open_nuclei(root: Path, work: Path) -> tuple[Dataset, Split, Path]:
    """The frames, their split (seed 0), and the file that the split is kept in."""
    dataset = open_dataset(root / FOLDER, **DATA)
    path = (work / "nuclei-split.json").resolve()
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_split(path, _split(dataset))
    return dataset, read_split(path), path


def _split(dataset: Dataset) -> Split:
    """Each imaging type divided by itself; the held-out one in a part of its own."""
    parts: dict[str, list[str]] = defaultdict(list)
    for kind in sorted({frame.columns[TYPE] for frame in dataset.frames}):
        frames = dataset.only([frame.stem for frame in dataset.frames if frame.columns[TYPE] == kind])
        if kind == HELD_OUT_TYPE:
            parts[OTHER_TYPE] += [frame.stem for frame in frames.frames]
            continue
        made = make_split(frames, by=None, fractions=THIRDS, frames_are_independent=True)
        for name, stems in made.parts.items():
            parts[name] += stems
    whole = make_split(
        dataset,
        by=None,
        fractions={**THIRDS, OTHER_TYPE: 0.0},
        held_out={OTHER_TYPE: [f"{TYPE}:{HELD_OUT_TYPE}"]},
        frames_are_independent=True,
    )
    return replace(whole, parts={name: tuple(sorted(stems)) for name, stems in parts.items()}, counts={}, notes=())
