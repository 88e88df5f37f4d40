"""Write a set of frames to disk, several at a time."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from segwright._version import __version__
from segwright.core import ArtefactError, Listener, silent, tracked
from segwright.demo.frames.frame import make_frame
from segwright.demo.frames.spec import CLASSES, FrameSpec, GeneratedFrame

STAGE = "frames"
SCHEMA_VERSION = 1
FOLDERS = ("images", "masks", "parts")
PNG_SPEED = (cv2.IMWRITE_PNG_COMPRESSION, 1)
Task = tuple[str, int]


def generate(root: Path, spec: FrameSpec, *, workers: int = 1, listener: Listener = silent) -> Path:
    """Write the frames of `spec` under `root` and return `root`.

    images/STEM.png (RGB), masks/STEM.png (class ids, 255 void), parts/STEM.png (0 belt and holes, 255 bracket),
    frames.csv (one row a frame) and manifest.json, which is written last: a folder that has one is complete. With
    more than one worker, fresh processes draw the frames; their pixels are the same.

    Raises:
        ArtefactError: `root` already holds frames of another spec.
    """
    root = Path(root)
    if _is_complete(root, spec):
        return root
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    tasks = [(line, index) for line in spec.lines for index in range(spec.frames_per_line)]
    rows = list(tracked(_written(root, spec, tasks, workers), listener, STAGE, len(tasks)))
    _write_table(root / "frames.csv", rows)
    _write_text(root / "manifest.json", json.dumps(_manifest(spec), indent=2) + "\n")
    return root


def write_frame(root: Path, spec: FrameSpec, task: Task) -> dict[str, str]:
    """Draw one frame, write its three files, and return its row of `frames.csv`."""
    frame = make_frame(spec, *task)
    _write_image(root / "images" / f"{frame.stem}.png", frame.image[:, :, ::-1])
    _write_image(root / "masks" / f"{frame.stem}.png", frame.labels)
    _write_image(root / "parts" / f"{frame.stem}.png", frame.part.astype(np.uint8) * 255)
    return frame.columns


def _written(root: Path, spec: FrameSpec, tasks: list[Task], workers: int) -> Iterator[dict[str, str]]:
    write = partial(write_frame, root, spec)
    if workers <= 1 or len(tasks) < 8:
        yield from map(write, tasks)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(min(workers, len(tasks)), initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        yield from pool.imap(write, tasks, chunksize=4)


def _is_complete(root: Path, spec: FrameSpec) -> bool:
    path = root / "manifest.json"
    if not path.exists():
        return False
    found = json.loads(path.read_text(encoding="utf-8"))
    if found == _manifest(spec):
        return True
    raise ArtefactError.of(
        str(root),
        "holds frames of another spec",
        allowed=json.dumps(spec.to_json()),
        found=json.dumps(found.get("spec")),
        fix="generate into an empty folder, or delete this one",
    )


def _manifest(spec: FrameSpec) -> dict[str, object]:
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "generated bracket frames",
        "segwright": __version__,
        "spec": spec.to_json(),
        "classes": CLASSES.to_json(),
    }


def _write_image(path: Path, pixels: np.ndarray) -> None:
    """Write a PNG under a temporary name, then rename it. OpenCV takes BGR: the caller has turned the bands."""
    encoded, data = cv2.imencode(".png", pixels, PNG_SPEED)
    if not encoded:
        raise ArtefactError.of(str(path), "could not be encoded as PNG", found=f"{pixels.dtype} {pixels.shape}")
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_bytes(data.tobytes())
    os.replace(unfinished, path)


def _write_table(path: Path, rows: Iterable[dict[str, str]]) -> None:
    rows = list(rows)
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, fieldnames=list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    os.replace(unfinished, path)


def _write_text(path: Path, text: str) -> None:
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)


__all__ = ["GeneratedFrame", "generate", "write_frame"]
