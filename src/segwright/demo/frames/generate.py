"""Write a set of frames to disk, several at a time."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from segwright._version import __version__
from segwright.core import GREY, Image, LabelMap, Listener, silent, tracked
from segwright.data.codecs import write_image, write_label_map
from segwright.demo.frames.frame import make_frame
from segwright.demo.frames.spec import CLASSES, FrameSpec
from segwright.demo.writing import Task, is_complete, on_workers, write_manifest, write_table

STAGE = "frames"
SCHEMA_VERSION = 1
FOLDERS = ("images", "masks", "parts")
# Noisy frames as PNG take 24 ms and 520 kB each at 640x480; as JPEG at this quality without chroma subsampling 2 ms and
# 195 kB, off by less than the sensor's noise. Masks are always PNG.
JPEG_QUALITY = 97


def generate(root: Path, spec: FrameSpec, *, workers: int = 1, listener: Listener = silent) -> Path:
    """Write the frames of `spec` under `root` and return `root`.

    images/STEM.jpg (RGB), masks/STEM.png (class ids, 255 void), parts/STEM.png (0 belt and holes, 255 bracket),
    frames.csv (one row a frame) and manifest.json, which is written last: a folder that has one is complete. With
    more than one worker, fresh processes draw the frames; their pixels are the same.

    Raises:
        ArtefactError: `root` already holds frames of another spec.
    """
    root = Path(root)
    manifest = _manifest(spec)
    if is_complete(root, manifest, "holds frames of another spec", "generate into an empty folder, or delete this one"):
        return root
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    tasks = [(line, index) for line in spec.lines for index in range(spec.frames_per_line)]
    rows = list(tracked(on_workers(partial(write_frame, root, spec), tasks, workers), listener, STAGE, len(tasks)))
    write_table(root / "frames.csv", rows)
    write_manifest(root, manifest)
    return root


def write_frame(root: Path, spec: FrameSpec, task: Task) -> dict[str, str]:
    """Draw one frame, write its three files, and return its row of `frames.csv`."""
    frame = make_frame(spec, *task)
    write_image(root / "images" / f"{frame.stem}.jpg", Image(frame.image), jpeg_quality=JPEG_QUALITY)
    write_label_map(root / "masks" / f"{frame.stem}.png", LabelMap(frame.labels, CLASSES))
    part = frame.part.astype(np.uint8)[..., np.newaxis] * 255
    write_image(root / "parts" / f"{frame.stem}.png", Image(part, GREY))
    return frame.columns


def _manifest(spec: FrameSpec) -> dict[str, object]:
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "generated bracket frames",
        "segwright": __version__,
        "spec": spec.to_json(),
        "classes": CLASSES.to_json(),
    }
