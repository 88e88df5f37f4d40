"""Where panoptic frames come from: COCO panoptic JSON with its PNG folder, or a folder of BDD100K bitmasks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from segwright.core import ClassTable, DataError
from segwright.evaluate.panoptic.bdd100k import open_bitmasks
from segwright.evaluate.panoptic.coco import open_coco
from segwright.evaluate.panoptic.frame import PanopticFrame

# what `segwright predict` calls its file, looked for first
PREDICTION_FILE = "panoptic.json"


class PanopticSource(Protocol):
    """Panoptic frames by stem, from one place."""

    @property
    def place(self) -> str:
        """Where they are, for messages."""
        ...

    @property
    def stems(self) -> tuple[str, ...]: ...

    @property
    def classes(self) -> ClassTable: ...

    @property
    def image_ids(self) -> Mapping[str, int | str]:
        """Stem -> image id; empty where the format has none."""
        ...

    def read(self, stem: str) -> PanopticFrame:
        """Raises DataError where the frame is not what the format promises."""
        ...

    def stale_areas(self, frame: PanopticFrame) -> int:
        """How many segments have a stored area that is not their number of pixels."""
        ...


def open_panoptic(path: Path, classes: ClassTable | None) -> PanopticSource:
    """The panoptic frames at `path`.

    A `.json` file is COCO panoptic JSON, its maps in the folder of the same name beside it. A folder with a
    `panoptic.json`, or with one JSON file that has such a folder, is the same; any other folder of PNG files holds
    BDD100K bitmasks. With `classes` None the table is the file's own, else BDD100K's.

    Raises:
        DataError: nothing there, several JSON files, or a file that is not COCO panoptic JSON.
        ConfigError: categories that make no class table, or another one than `classes`.
    """
    if path.is_file() and path.suffix.lower() == ".json":
        return open_coco(path, classes)
    if not path.exists():
        allowed = "panoptic.json with its folder panoptic/, or a folder of BDD100K bitmasks"
        raise DataError.of(str(path), "does not exist", allowed=allowed, fix="check the path")
    if not path.is_dir():
        raise DataError.of(
            str(path), "is neither COCO panoptic JSON nor a folder",
            allowed="panoptic.json with its folder panoptic/, or a folder of BDD100K bitmasks",
            found="another file", fix="check the path",
        )  # fmt: skip
    if (path / PREDICTION_FILE).is_file():
        return open_coco(path / PREDICTION_FILE, classes)
    files = [each for each in sorted(path.glob("*.json")) if each.with_suffix("").is_dir()]
    if len(files) > 1:
        raise DataError.of(
            str(path), "holds several panoptic files", allowed="one JSON file with a folder of its name",
            found=", ".join(each.name for each in files), fix="name the JSON file itself",
        )  # fmt: skip
    return open_coco(files[0], classes) if files else open_bitmasks(path, classes)
