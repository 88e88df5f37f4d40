"""Write a set of frames to disk, several at a time."""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from segwright._version import __version__
from segwright.core import GREY, ArtefactError, Image, LabelMap, Listener, silent, tracked
from segwright.data.codecs import write_image, write_label_map
from segwright.demo.frames.frame import make_frame
from segwright.demo.frames.spec import CLASSES, FrameSpec

STAGE = "frames"
SCHEMA_VERSION = 1
FOLDERS = ("images", "masks", "parts")
# Noisy frames as PNG take 24 ms and 520 kB each at 640x480; as JPEG at this quality without chroma subsampling 2 ms and
# 195 kB, off by less than the sensor's noise. Masks are always PNG.
JPEG_QUALITY = 97
Task = tuple[str, int]


def generate(root: Path, spec: FrameSpec, *, workers: int = 1, listener: Listener = silent) -> Path:
    """Write the frames of `spec` under `root` and return `root`.

    images/STEM.jpg (RGB), masks/STEM.png (class ids, 255 void), parts/STEM.png (0 belt and holes, 255 bracket),
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
    _write_bytes(root / "manifest.json", (json.dumps(_manifest(spec), indent=2) + "\n").encode())
    return root


def write_frame(root: Path, spec: FrameSpec, task: Task) -> dict[str, str]:
    """Draw one frame, write its three files, and return its row of `frames.csv`."""
    frame = make_frame(spec, *task)
    write_image(root / "images" / f"{frame.stem}.jpg", Image(frame.image), jpeg_quality=JPEG_QUALITY)
    write_label_map(root / "masks" / f"{frame.stem}.png", LabelMap(frame.labels, CLASSES))
    part = frame.part.astype(np.uint8)[..., np.newaxis] * 255
    write_image(root / "parts" / f"{frame.stem}.png", Image(part, GREY))
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


def _write_table(path: Path, rows: Sequence[dict[str, str]]) -> None:
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    _write_bytes(path, text.getvalue().encode())


def _write_bytes(path: Path, data: bytes) -> None:
    """Write under a temporary name, then rename: a file that is there is whole."""
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_bytes(data)
    unfinished.replace(path)
