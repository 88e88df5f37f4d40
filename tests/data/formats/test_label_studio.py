"""Label Studio: its run lengths byte for byte, percent, annotators, and what an export can get wrong."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from segwright.core import DataError, Size
from segwright.data import check, export_dataset, open_dataset
from segwright.data.formats.label_studio_rle import packed_mask, unpacked_alpha
from tests.data.pictures import noise, save

ROWS = [".........", ".........", ".###...#.", ".#.##.##.", ".##.##.#.", "..#.##.#.", "........."]
MASK = np.array([[sign == "#" for sign in row] for row in ROWS])
# What `label_studio_sdk.converter.brush.mask2rle` of label-studio-sdk 2.1.2 gave for that mask, 255 where painted.
THEIRS = [
    0, 0, 0, 252, 57, 27, 254, 75, 0, 183, 255, 108, 2, 63, 249, 192, 35, 255, 140, 2, 127, 248, 192, 39, 255, 156, 2,
    127, 248, 192, 39, 255, 140, 2, 63, 251, 96, 17, 255, 198, 1, 63, 252, 96, 17, 255, 226, 112, 0,
]  # fmt: skip


def test_packed_mask__equals_label_studio_byte_for_byte() -> None:
    assert packed_mask(MASK) == THEIRS
    large = np.zeros((300, 400), bool)
    large[10:250, 30:40] = True
    digest = hashlib.sha256(bytes(packed_mask(large))).hexdigest()
    assert digest == "bba090a0e702783624e7ecf724eefe3c0ba8fb884613152b89a81cb0bac1920b"
    empty = [0, 2, 113, 0, 57, 27, 255, 255, 255, 0, 255, 255, 224, 29, 195, 252, 0]
    assert packed_mask(np.zeros((200, 200), bool)) == empty
    assert packed_mask(np.ones((2, 2), bool)) == [0, 0, 0, 16, 57, 27, 253, 255, 240]


@given(arrays.arrays(np.bool_, st.tuples(st.integers(1, 30), st.integers(1, 30))))
def test_packed_mask__is_read_back(mask: np.ndarray) -> None:
    alpha = unpacked_alpha(bytes(packed_mask(mask)), Size(*mask.shape))
    assert np.array_equal(alpha, np.where(mask, 255, 0))


def test_unpacked_alpha__reads_values_that_do_not_repeat() -> None:
    """The other kind of run: its values one by one, as the page itself writes soft brush edges."""
    alphas = [0, 7, 130, 255]
    values = [band for alpha in alphas for band in (1, 2, 3, alpha)]
    bits = f"{16:032b}" + f"{7:05b}" + "0010" + "0011" + "0111" + "1111"
    bits += "0" + "01" + f"{15:04b}" + "".join(f"{value:08b}" for value in values)
    bits += "0" * (-len(bits) % 8)
    data = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))
    assert unpacked_alpha(data, Size(2, 2)).tolist() == [[0, 7], [130, 255]]


@pytest.mark.parametrize("data", [b"", b"\xff" * 4, bytes(THEIRS[:20]), bytes(THEIRS[:7]), b"\xff" * 60])
def test_unpacked_alpha__refuses_what_is_cut_off_or_a_bomb(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"cut off|values of"):
        unpacked_alpha(data, Size(7, 9))


def _result(kind: str, value: dict[str, Any], label: str = "dent", **more: Any) -> dict[str, Any]:
    labels = {f"{kind}labels": [label]}
    return {
        "id": f"r{label}", "type": f"{kind}labels", "from_name": "tag", "to_name": "image", "original_width": 9,
        "original_height": 7, "image_rotation": 0, "value": {**value, **labels}, **more,
    }  # fmt: skip


BRUSH = _result("brush", {"format": "rle", "rle": THEIRS})
SQUARE = _result("polygon", {"points": [[0, 0], [100 / 3, 0], [100 / 3, 200 / 7], [0, 200 / 7]], "closed": True}, "oil")


def _task(results: list[Any], image: str = "a.png", **more: Any) -> dict[str, Any]:
    return {
        "id": 1,
        "data": {"image": f"/data/upload/4/ab12cd34-{image}"},
        "annotations": [_annotation(results)],
        **more,
    }


def _annotation(results: list[Any], by: Any = 1, **more: Any) -> dict[str, Any]:
    return {"id": 5, "completed_by": by, "was_cancelled": False, "result": results, **more}


def _folder(root: Path, *tasks: dict[str, Any]) -> Path:
    save(root / "images" / "a.png", noise(7, 9))
    (root / "tasks.json").write_text(json.dumps(list(tasks)), encoding="utf-8")
    return root


def _ids(root: Path, **options: Any) -> np.ndarray:
    dataset = open_dataset(root, options=options)
    return dataset.read_labels(dataset.frames[0]).ids


def test_read__brush_and_polygon(tmp_path: Path) -> None:
    dataset = open_dataset(_folder(tmp_path, _task([BRUSH, SQUARE])))
    assert (dataset.format, dataset.frames[0].stem) == ("label_studio", "a")
    assert dataset.classes.describe() == "0 background, 1 dent, 2 oil, 255 void"
    expected = MASK.astype(np.uint8)
    expected[:2, :3] = 2
    assert np.array_equal(dataset.read_labels(dataset.frames[0]).ids, expected)


def test_read__rectangles_turn_about_their_first_corner(tmp_path: Path) -> None:
    value = {"x": 400 / 9, "y": 100 / 7, "width": 300 / 9, "height": 200 / 7, "rotation": 90}
    ids = _ids(_folder(tmp_path, _task([_result("rectangle", value)])))
    assert np.argwhere(ids == 1).min(axis=0).tolist() == [1, 2]
    assert np.argwhere(ids == 1).max(axis=0).tolist() == [3, 3]
    ellipse = {"x": 50, "y": 50, "radiusX": 300 / 9, "radiusY": 200 / 7, "rotation": 0}
    ids = _ids(_folder(tmp_path / "ellipse", _task([_result("ellipse", ellipse)])))
    assert int((ids == 1).sum()) == pytest.approx(6 * np.pi, abs=3)


def test_read__labels_and_what_is_said_may_be_results_of_their_own(tmp_path: Path) -> None:
    geometry = {**BRUSH, "id": "x", "type": "brush", "value": {"format": "rle", "rle": THEIRS}}
    label = {**BRUSH, "id": "x", "type": "labels", "value": {"labels": ["dent"]}}
    said = {**BRUSH, "id": "x", "type": "choices", "from_name": "depth", "value": {"choices": ["deep", "old"]}}
    note = {"id": "y", "type": "choices", "from_name": "ok", "value": {"choices": ["yes"]}}
    dataset = open_dataset(_folder(tmp_path, _task([geometry, label, said, note])))
    (one,) = dataset.read_instances(dataset.frames[0])
    assert (one.area_px, dict(one.attributes)) == (int(MASK.sum()), {"depth": "deep, old"})
    assert "1 shapes of kind what is said of the whole image" in dataset.notes[0]


def test_read__one_annotation_of_several_is_chosen(tmp_path: Path) -> None:
    rows = [_annotation([BRUSH], {"id": 3, "email": "zoe@x.org"}), _annotation([SQUARE], 7), _annotation([], 8)]
    rows[2]["was_cancelled"] = True
    task = {**_task([]), "annotations": rows, "predictions": [{"result": [BRUSH]}]}
    dataset = open_dataset(_folder(tmp_path, task))
    assert dataset.classes.names == ("background", "oil")
    assert dataset.notes == (
        "tasks.json: 1 further annotations were not read (option annotator)",
        "tasks.json: predictions of 1 tasks were not read",
    )
    assert open_dataset(tmp_path, options={"annotator": "zoe@x.org"}).classes.names == ("background", "dent")
    rows[0]["ground_truth"] = True
    assert open_dataset(_folder(tmp_path, task)).classes.names == ("background", "dent")
    older = {"id": 1, "data": {"image": "a.png"}, "completions": [_annotation([SQUARE])]}
    assert open_dataset(_folder(tmp_path, older)).classes.names == ("background", "oil")


@pytest.mark.parametrize(
    "named",
    [
        "/data/local-files/?d=set/images/a.png",
        "s3://bucket/x/a.png",
        "https://x.org/a.png?v=1",
        "C:\\x\\a.png",
        "a.png",
    ],
)
def test_read__images_named_by_address_bucket_or_upload(tmp_path: Path, named: str) -> None:
    assert len(open_dataset(_folder(tmp_path, {**_task([BRUSH]), "data": {"text": 3, "image": named}}))) == 1


def test_read__tasks_without_annotation_or_image_are_counted(tmp_path: Path) -> None:
    save(tmp_path / "images" / "b.png", noise(7, 9))
    bare = {**_task([], "b.png"), "annotations": []}
    dataset = open_dataset(_folder(tmp_path, _task([BRUSH]), bare, _task([BRUSH], "gone.png")))
    assert len(dataset) == 1
    assert "1 annotated images are not there" in dataset.notes[0]
    assert "1 tasks have no annotation and were left out" in dataset.notes[1]


def test_read__keypoints_paint_nothing_and_are_counted(tmp_path: Path) -> None:
    point = _result("keypoint", {"x": 1, "y": 1, "width": 0.5})
    dataset = open_dataset(_folder(tmp_path, _task([BRUSH, {**point, "id": "k"}])))
    assert "1 shapes of kind keypoint paint nothing" in dataset.notes[0]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"value": {"points": [[1, 1], [2, 2]], "polygonlabels": ["dent"]}}, "2 points"),
        ({"value": {"points": [[1, 1], [2, 2], [float("nan"), 1]], "polygonlabels": ["dent"]}}, "not a number"),
        ({"value": {"points": [[1, 1], [2, 2], [1e9, 1]], "polygonlabels": ["dent"]}}, "1000000000"),
        ({"value": {"points": [[1, 1], [2, 2], [3, 1]], "closed": False, "polygonlabels": ["dent"]}}, "not closed"),
        ({"value": {"rle": THEIRS, "brushlabels": ["dent", "oil"]}}, "2 labels: dent, oil"),
        ({"value": {"rle": THEIRS, "brushlabels": []}}, "0 labels: none"),
        ({"value": {"rle": [1, 2, 300], "brushlabels": ["dent"]}}, "numbers 0-255"),
        ({"value": {"rle": "x", "brushlabels": ["dent"]}}, "not a list"),
        ({"original_width": 90}, "values of 8 bits"),
        ({"original_width": None, "original_height": None}, "no original size"),
        ({"image_rotation": 90}, "turned by hand"),
    ],
)
def test_read__regions_that_cannot_be_read(tmp_path: Path, change: dict[str, Any], found: str) -> None:
    with pytest.raises(DataError, match="that cannot be read") as caught:
        open_dataset(_folder(tmp_path, _task([{**BRUSH, **change}])))
    assert found in caught.value.problems[0].found


def test_read__two_tasks_of_one_image(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a second task of one image"):
        open_dataset(_folder(tmp_path, _task([BRUSH]), _task([SQUARE])))


def test_read__image_of_another_size_is_told_by_check(tmp_path: Path) -> None:
    root = _folder(tmp_path, _task([SQUARE]))
    save(root / "images" / "a.png", noise(14, 18))
    assert check(open_dataset(root))[0].rule == "was annotated on an image of another size"


def test_read__min_export_is_told(tmp_path: Path) -> None:
    root = _folder(tmp_path, _task([BRUSH]))
    (root / "tasks.json").write_text(json.dumps([{"image": "a.png", "tag": [BRUSH["value"]]}]))
    with pytest.raises(DataError, match=r"(?s)not a Label Studio export.*not as JSON-MIN"):
        open_dataset(root, format="label_studio", options={"annotations": "tasks.json"})


def test_write__is_read_by_label_studio_as_it_was(tmp_path: Path) -> None:
    dataset = open_dataset(_folder(tmp_path / "in", _task([BRUSH, SQUARE])))
    assert export_dataset(dataset, tmp_path / "out", "label_studio").losses == ()
    (task,) = json.loads((tmp_path / "out" / "tasks.json").read_text())
    brush, polygon = task["annotations"][0]["result"]
    assert brush["value"] == {"format": "rle", "rle": THEIRS, "brushlabels": ["dent"]}
    assert np.allclose(polygon["value"]["points"], SQUARE["value"]["points"])
    assert '<Label value="oil"' in (tmp_path / "out" / "config.xml").read_text()
