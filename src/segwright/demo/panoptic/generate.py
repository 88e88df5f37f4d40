"""Write a set of scenes to disk as COCO panoptic, several at a time."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from segwright._version import __version__
from segwright.core import Image, Listener, silent, tracked
from segwright.data.codecs import write_image
from segwright.data.formats.coco_panoptic_writing import NAME, PanopticRow, write_document
from segwright.data.segments import segments_info, write_segment_ids
from segwright.demo.panoptic.scene import make_scene
from segwright.demo.panoptic.spec import CLASSES, SceneSpec
from segwright.demo.writing import Task, is_complete, on_workers, write_manifest, write_table

STAGE = "frames"
TABLE = "columns.csv"
SCHEMA_VERSION = 1
JPEG_QUALITY = 97
THINGS = [spec.class_id for spec in CLASSES if spec.kind == "thing"]


def generate_scenes(root: Path, spec: SceneSpec, *, workers: int = 1, listener: Listener = silent) -> Path:
    """Write the scenes of `spec` under `root` and return `root`.

    images/STEM.jpg (RGB), panoptic/STEM.png and panoptic.json (COCO panoptic), columns.csv (one row a frame) and
    manifest.json, which is written last: a folder that has one is complete. With more than one worker, fresh processes
    draw the frames; their pixels are the same.

    Raises:
        ArtefactError: `root` already holds scenes of another spec.
    """
    root = Path(root)
    manifest = _manifest(spec)
    if is_complete(root, manifest, "holds other scenes", "name another folder with --out, or start again: --fresh"):
        return root
    for folder in ("images", NAME):
        (root / folder).mkdir(parents=True, exist_ok=True)
    tasks = [(line, index) for line in spec.camera.lines for index in range(spec.frames_per_line)]
    written = list(tracked(on_workers(partial(write_scene, root, spec), tasks, workers), listener, STAGE, len(tasks)))
    write_document(root, (row for row, _ in written), CLASSES, THINGS)
    write_table(root / TABLE, [columns for _, columns in written])
    write_manifest(root, manifest)
    return root


def write_scene(root: Path, spec: SceneSpec, task: Task) -> tuple[PanopticRow, dict[str, str]]:
    """Draw one frame, write its two files, and return what panoptic.json and columns.csv say of it."""
    scene = make_scene(spec, *task)
    image, mask = f"{scene.stem}.jpg", f"{scene.stem}.png"
    write_image(root / "images" / image, Image(scene.image), jpeg_quality=JPEG_QUALITY)
    write_segment_ids(root / NAME / mask, scene.panoptic)
    size = scene.panoptic.size
    row = PanopticRow(image, size.height, size.width, mask, segments_info(scene.panoptic), ())
    return row, {"image": scene.stem, **scene.columns}


def _manifest(spec: SceneSpec) -> dict[str, object]:
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "generated panoptic scenes",
        "segwright": __version__,
        "spec": spec.to_json(),
        "classes": CLASSES.to_json(),
    }
