"""nnU-Net v2 as a rival in benchmarks/accuracy.py: frames out in its raw layout, predictions back as index PNGs."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from accuracy_recipes import VOID, channel_table, write_prediction
from kept_runs import Task

from segwright.core import Image, LabelMap, Listener, adopt
from segwright.data import Dataset, Frame, read_label_map, write_image

DRIVER = Path(__file__).with_name("accuracy_nnunet.py")
INSTALL = """nnU-Net is not installed. It pins other versions of what segwright uses, so it gets a Python of its own:
    python -m venv .venv-nnunet
    .venv-nnunet/bin/pip install nnunetv2
and is found there, or where --nnunet says (a Python that can `import nnunetv2`)."""


def missing(python: Path) -> str | None:
    """Why nnU-Net cannot run under `python`, and how it is installed; None where it can."""
    if not python.is_file():
        return f"no Python at {python}. {INSTALL}"
    asked = subprocess.run([python, "-c", "import nnunetv2"], capture_output=True, text=True, check=False)
    last = asked.stderr.strip().splitlines()[-1:] or ["no reason given"]
    return None if asked.returncode == 0 else f"{python} cannot import nnunetv2 ({last[0]}). {INSTALL}"


def train_nnunet(task: Task, python: Path, work: Path, masks: Path, listener: Listener) -> dict[str, Any]:
    """Train and predict in nnU-Net's own Python; what it prints lies in work/nnunet/log.txt.

    Raises:
        RuntimeError: it failed, with the last line that it printed.
    """
    del listener  # it prints by itself
    folder = work / "nnunet"
    shutil.rmtree(folder, ignore_errors=True)
    cases = _prepare(task, folder)
    with (folder / "log.txt").open("w", encoding="utf-8") as log:
        ended = subprocess.run([python, DRIVER, folder], stdout=log, stderr=subprocess.STDOUT, check=False)
    if ended.returncode != 0:
        lines = (folder / "log.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise RuntimeError(f"nnU-Net failed: {lines[-1] if lines else 'without a word'} ({folder / 'log.txt'})")
    ids = np.array(task.dataset.classes.ids, task.dataset.classes.id_type)
    for case, stem in cases.items():
        channels = _channels_at(folder / "predicted" / f"{case}.png", len(ids))
        write_prediction(masks, stem, LabelMap(ids[channels], task.dataset.classes))
    return {"precision": "fp32", "validate_every": None}


def _channels_at(path: Path, classes: int) -> np.ndarray:
    from segwright.core import ClassTable

    return read_label_map(path, ClassTable.of([str(channel) for channel in range(classes)])).ids


def _prepare(task: Task, folder: Path) -> dict[str, str]:
    """Write settings.json and the frames; case -> stem of the test frames."""
    raw = folder / "raw" / "Dataset001_Benchmark"
    for place in (raw / "imagesTr", raw / "labelsTr", folder / "test"):
        place.mkdir(parents=True)
    names: dict[str, dict[str, str]] = {}
    for part in ("train", "validation", "test"):
        frames = task.part(part)
        names[part] = {f"{part}{number:04d}": frame.stem for number, frame in enumerate(frames.frames)}
        for case, frame in zip(names[part], frames.frames, strict=True):
            _write_image(frames, frame, (folder / "test" if part == "test" else raw / "imagesTr") / f"{case}_0000.png")
            if part != "test":
                _write_channels(frames, frame, raw / "labelsTr" / f"{case}.png")
    settings = {"steps": task.steps, "batch": task.batch, "crop": task.crop, "seed": task.seed}
    parts = {key: list(names[part]) for key, part in (("train", "train"), ("val", "validation"), ("test", "test"))}
    (folder / "settings.json").write_text(json.dumps({**settings, **parts}), encoding="utf-8")
    trained = len(names["train"]) + len(names["validation"])
    (raw / "dataset.json").write_text(json.dumps(_dataset(task.dataset, trained)), encoding="utf-8")
    return names["test"]


def _dataset(dataset: Dataset, frames: int) -> dict[str, Any]:
    """dataset.json: nnU-Net wants a `background` at 0 and calls void `ignore`, the highest label."""
    labels = {spec.name: channel for channel, spec in enumerate(dataset.classes)}
    first = dataset.classes.names[0]
    labels = {"background": 0, **{name: channel for name, channel in labels.items() if name != first}}
    return {
        "channel_names": {str(band): name for band, name in enumerate(("red", "green", "blue"))},
        "labels": {**labels, "ignore": len(labels)},
        "numTraining": frames,
        "file_ending": ".png",
    }


def _write_image(frames: Dataset, frame: Frame, path: Path) -> None:
    image = frames.read_image(frame)
    pixels = np.repeat(image.pixels, 3, axis=2) if image.pixels.shape[2] == 1 else image.pixels
    write_image(path, Image(adopt(np.ascontiguousarray(pixels)), ("red", "green", "blue")))


def _write_channels(frames: Dataset, frame: Frame, path: Path) -> None:
    channels = channel_table(frames)[frames.read_labels(frame).ids]
    channels[channels == VOID] = len(frames.classes)
    write_image(path, Image(adopt(channels[..., None]), ("grey",)))
