"""VoTT JSON: polygons, rectangles, and what an export can get wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from segwright.core import DataError
from segwright.data import check, open_dataset
from tests.data.pictures import noise, save

SQUARE = [{"x": x, "y": y} for x, y in ((1, 0), (5, 0), (5, 3), (1, 3))]
BOX = {"left": 0, "top": 0, "width": 2, "height": 2}


def _region(kind: str = "POLYGON", tags: Any = ("dent",), **more: Any) -> dict[str, Any]:
    return {"id": "x", "type": kind, "tags": list(tags), "points": SQUARE, "boundingBox": BOX, **more}


def _folder(root: Path, *regions: Any, size: Any = None) -> Path:
    save(root / "a.png", noise(6, 8))
    asset = {"name": "a.png", "path": "file:/elsewhere/a.png", "size": size or {"width": 8, "height": 6}}
    tags = [{"name": "oil", "color": "#ff0000"}, {"name": "dent", "color": "#00ff00"}]
    data = {"name": "p", "tags": tags, "assets": {"1": {"asset": asset, "regions": list(regions)}}}
    (root / "export.json").write_text(json.dumps(data), encoding="utf-8")
    return root


def test_read__polygons_and_rectangles_in_their_order(tmp_path: Path) -> None:
    dataset = open_dataset(_folder(tmp_path, _region(), _region("RECTANGLE", ["oil"])))
    assert dataset.format == "vott_json"
    assert dataset.classes.describe() == "0 background, 1 oil, 2 dent, 255 void"
    assert dataset.read_labels(dataset.frames[0]).ids[1].tolist() == [1, 1, 2, 2, 2, 0, 0, 0]
    assert len(dataset.read_instances(dataset.frames[0])) == 2


@pytest.mark.parametrize(
    "region",
    [
        _region(tags=()),
        _region(tags=("dent", "oil")),
        _region("BLOB"),
        _region(points=SQUARE[:2]),
        _region(points=None),
        _region(points=[{"x": float("nan"), "y": 1}] * 3),
        _region("RECTANGLE", boundingBox={"left": 1}),
        _region("RECTANGLE", boundingBox=None),
    ],
)
def test_read__regions_that_cannot_be_read(tmp_path: Path, region: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"export.json: a.png: region 1: has a .* that cannot be read"):
        open_dataset(_folder(tmp_path, _region(), region))


def test_read__sizes(tmp_path: Path) -> None:
    other = open_dataset(_folder(tmp_path / "other", size={"width": 80, "height": 60}))
    assert check(other)[0].rule == "was annotated on an image of another size"
    with pytest.raises(DataError, match="has a size that is none"):
        open_dataset(_folder(tmp_path / "none", size={"width": "x", "height": 60}))


def test_read__sample_of_datumaro(shared_data: Path) -> None:
    """It has a region of two tags and one of none: which class is meant is not guessed."""
    with pytest.raises(DataError, match=r"(?s)2 tags: animal, dog.*0 tags: none"):
        open_dataset(shared_data / "formats_datumaro" / "vott_json_dataset" / "dataset")
