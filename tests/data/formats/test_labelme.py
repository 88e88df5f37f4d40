"""LabelMe, JSON and XML: every kind of shape, pictures beside and inside, and what a file can get wrong."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from segwright.core import ClassTable, ConfigError, DataError
from segwright.data import check, export_dataset, open_dataset, read_label_map
from tests.data.pictures import noise, save

SQUARE = [[1, 0], [5, 0], [5, 3], [1, 3]]


def _shape(label: str, points: Any = SQUARE, kind: str = "polygon", **more: Any) -> dict[str, Any]:
    return {"label": label, "points": points, "group_id": None, "shape_type": kind, "flags": {}, **more}


def _file(root: Path, shapes: list[Any], name: str = "a", **more: Any) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    data = {
        "version": "5.0.0", "flags": {}, "shapes": shapes, "imagePath": f"{name}.png", "imageData": None,
        "imageHeight": 6, "imageWidth": 8, **more,
    }  # fmt: skip
    (root / f"{name}.json").write_text(json.dumps(data), encoding="utf-8")
    if not (root / f"{name}.png").exists() and data["imageData"] is None:
        save(root / f"{name}.png", noise(6, 8))
    return root


def _ids(root: Path, **options: Any) -> np.ndarray:
    dataset = open_dataset(root, options=options)
    return dataset.read_labels(dataset.frames[0]).ids


def test_read__shapes_are_painted_in_their_order(tmp_path: Path) -> None:
    boxes = _shape("scratch", [[0, 0], [2, 2]], "rectangle"), _shape("__ignore__", [[4, 0], [8, 6]], "rectangle")
    root = _file(tmp_path, [_shape("dent"), *boxes])
    dataset = open_dataset(root)
    assert dataset.format == "labelme_json"
    assert dataset.classes.describe() == "0 background, 1 dent, 2 scratch, 255 void"
    assert dataset.read_labels(dataset.frames[0]).ids[1].tolist() == [2, 2, 1, 1, 255, 255, 255, 255]


def test_read__circles_lines_and_points(tmp_path: Path) -> None:
    shapes = [_shape("dent", [[4, 3], [4, 1]], "circle"), _shape("dent", [[2, 2]], "point")]
    root = _file(tmp_path, shapes)
    assert int((_ids(root) == 1).sum()) == pytest.approx(4 * np.pi, abs=3)
    assert "1 shapes of kind point paint nothing" in open_dataset(root).notes[0]
    line = _file(tmp_path / "line", [_shape("dent", [[0, 2.5], [8, 2.5]], "line")])
    assert (_ids(line, brush_px=1) == 1)[:, 4].tolist() == [False, False, True, False, False, False]
    assert (_ids(line) == 1).all()  # ten pixels wide, as LabelMe paints it
    with pytest.raises(ConfigError, match="is no brush width"):
        open_dataset(line, options={"brush_px": float("nan")})


def test_read__groups_flags_and_descriptions_are_facts(tmp_path: Path) -> None:
    far = [[6, 4], [8, 4], [8, 6], [6, 6]]
    shapes = [
        _shape("dent", group_id=3, flags={"deep": True, "old": False}, description="by Zoë"),
        _shape("dent", far, group_id=3),
        _shape("scratch", far, group_id=3),
    ]
    dataset = open_dataset(_file(tmp_path, shapes, flags={"blurred": True}))
    dent, scratch = dataset.read_instances(dataset.frames[0])
    assert (dent.area_px, dict(dent.attributes)) == (16, {"deep": "true", "old": "false", "description": "by Zoë"})
    assert scratch.area_px == 4
    assert dataset.frames[0].columns == {"blurred": "true"}


def test_read__masks_lie_in_the_box_between_two_pixels(tmp_path: Path) -> None:
    mask = save(tmp_path / "mask" / "m.png", np.array([[255, 0, 255], [255, 255, 0]], np.uint8)).read_bytes()
    text = base64.b64encode(mask).decode()
    ids = _ids(_file(tmp_path / "set", [_shape("dent", [[2, 1], [4, 2]], "mask", mask=text)]))
    assert ids[1:3, 2:5].tolist() == [[1, 0, 1], [1, 1, 0]]
    with pytest.raises(DataError, match="has a mask that cannot be read"):
        open_dataset(_file(tmp_path / "other", [_shape("dent", [[2, 1], [5, 2]], "mask", mask=text)]))
    with pytest.raises(DataError, match="is not base64"):
        open_dataset(_file(tmp_path / "text", [_shape("dent", [[2, 1], [4, 2]], "mask", mask="§")]))


def test_read__picture_inside_the_file(tmp_path: Path) -> None:
    picture = save(tmp_path / "x" / "p.png", noise(6, 8)).read_bytes()
    root = _file(tmp_path / "set", [_shape("dent")], imageData=base64.b64encode(picture).decode())
    dataset = open_dataset(root)
    assert np.array_equal(dataset.read(dataset.frames[0]).image.pixels, noise(6, 8))
    written = export_dataset(dataset, tmp_path / "out", "labelme_json")
    assert written.losses == ()
    assert np.array_equal(open_dataset(tmp_path / "out").read_image(dataset.frames[0]).pixels, noise(6, 8))
    damaged = open_dataset(_file(tmp_path / "bad", [_shape("dent")], imageData="AAAA"))
    assert "a.json: imageData" in check(damaged)[0].place


@pytest.mark.parametrize("named", ["..\\images\\a.png", "/elsewhere/a.png", "C:\\a.png", "images/a.png"])
def test_read__paths_from_other_machines(tmp_path: Path, named: str) -> None:
    root = _file(tmp_path, [_shape("dent")], imagePath=named)
    save(root / "images" / "a.png", noise(6, 8))
    (root / "a.png").unlink()
    assert len(open_dataset(root)) == 1


def test_read__pictures_never_come_from_outside(tmp_path: Path) -> None:
    save(tmp_path / "secret.png", noise(6, 8))
    root = _file(tmp_path / "set", [_shape("dent")])
    _file(root, [_shape("dent")], "b", imagePath="../secret.png")
    (root / "b.png").unlink()
    dataset = open_dataset(root)
    assert [frame.stem for frame in dataset.frames] == ["a"]
    assert "1 annotated images are not there" in dataset.notes[0]


@pytest.mark.parametrize(
    "shape",
    [
        _shape("dent", [[1, 1], [2, 2]]),
        _shape("dent", [[1, 1], [2, 2], [float("nan"), 1]]),
        _shape("dent", [[1, 1], [2, 2], [10**400, 1]]),
        _shape("dent", [[1, 1], [2, 2], ["3", 1]]),
        _shape("dent", [[1, 1, 1], [2, 2], [3, 1]]),
        _shape("dent", None),
        _shape("dent", [[1, 1]], "circle"),
        _shape("dent", [[1, 1], [2, 2], [3, 3]], "rectangle"),
        _shape("dent", kind="blob"),
        {"points": SQUARE},
        "not a shape",
    ],
)
def test_read__shapes_that_cannot_be_read(tmp_path: Path, shape: Any) -> None:
    root = _file(tmp_path, [_shape("dent"), shape])
    _file(root, [shape], "b")
    with pytest.raises(
        DataError, match=r"a.json: shape 1: (has a .* that cannot be read|is of an unknown kind)"
    ) as caught:
        open_dataset(root)
    assert [problem.place for problem in caught.value.problems] == ["a.json: shape 1", "b.json: shape 0"]


@pytest.mark.parametrize("size", [("6", 8), (-1, 8), (0, 8), (float("nan"), 8)])
def test_read__sizes_that_are_none(tmp_path: Path, size: tuple[Any, Any]) -> None:
    with pytest.raises(DataError, match="has a size that is none"):
        open_dataset(_file(tmp_path, [], imageHeight=size[0], imageWidth=size[1]))


def test_read__image_of_another_size_is_told_by_check(tmp_path: Path) -> None:
    assert (
        check(open_dataset(_file(tmp_path, [], imageHeight=60)))[0].rule == "was annotated on an image of another size"
    )


def test_read__labels_outside_the_table(tmp_path: Path) -> None:
    root = _file(tmp_path, [_shape("dent"), _shape("_background_")])
    with pytest.raises(ConfigError, match="labels that are not in the class table"):
        open_dataset(root, classes=ClassTable.of(["background", "scratch"]))
    assert (_ids(root) == 0).all()


def test_read__real_photographs_equal_the_tools_own_export_up_to_the_outline(shared_data: Path) -> None:
    """LabelMe paints the outline itself too, so its regions are half a pixel larger; the insides agree."""
    folder = shared_data / "formats_labelme" / "semantic_segmentation"
    names = (folder / "data_dataset_voc" / "class_names.txt").read_text().splitlines()
    table = ClassTable.of(["background", *names[1:]])
    dataset = open_dataset(folder / "data_annotated", classes=table)
    assert len(dataset) == 3
    for frame in dataset.frames:
        ours = dataset.read_labels(frame).ids
        theirs = read_label_map(folder / "data_dataset_voc" / "SegmentationClass" / f"{frame.stem}.png", table).ids
        border = np.zeros(ours.shape, bool)
        beside, below = ours[:, 1:] != ours[:, :-1], ours[1:] != ours[:-1]
        border[:, 1:] |= beside
        border[:, :-1] |= beside
        border[1:] |= below
        border[:-1] |= below
        distance = distance_transform_edt(~border)[ours != theirs]
        assert (distance > 1.5).sum() <= 2  # in sharp corners
        assert distance.max() < 3
        assert (ours != theirs).mean() < 0.01


@pytest.mark.parametrize(
    "name", ["instance_segmentation/data_annotated", "primitives", "video_annotation/data_annotated"]
)
def test_read__real_files_come_back(shared_data: Path, tmp_path: Path, name: str) -> None:
    dataset = open_dataset(shared_data / "formats_labelme" / name)
    assert dataset.format == "labelme_json"
    assert check(dataset) == []
    written = export_dataset(dataset, tmp_path / "out", "labelme_json")
    assert written.losses == ()
    again = open_dataset(tmp_path / "out")
    for before, after in zip(dataset.frames, again.frames, strict=True):
        assert again.read_labels(after) == dataset.read_labels(before)
        assert again.read_instances(after).sorted_set() == dataset.read_instances(before).sorted_set()


def test_read__the_reserved_flag_is_no_column_unless_it_is_set(shared_data: Path) -> None:
    dataset = open_dataset(shared_data / "formats_labelme" / "classification" / "data_annotated")
    assert dataset.column_names == ("cat", "dog")


XML = """<annotation><filename>a.png</filename><object><name>{name}</name><deleted>{deleted}</deleted><id>0</id>
<occluded>yes</occluded><attributes>rusty</attributes><polygon><username>x</username>{points}</polygon></object>
<imagesize><nrows>6</nrows><ncols>8</ncols></imagesize></annotation>"""
POINTS = "".join(f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in SQUARE)


def _xml(root: Path, **more: str) -> Path:
    save(root / "a.png", noise(6, 8))
    text = XML.format(**{"name": "dent", "deleted": "0", "points": POINTS, **more})
    (root / "a.xml").write_text(text)
    return root


def test_read_xml__polygons_and_what_is_said(tmp_path: Path) -> None:
    dataset = open_dataset(_xml(tmp_path))
    assert dataset.format == "labelme_xml"
    (one,) = dataset.read_instances(dataset.frames[0])
    assert (one.area_px, dict(one.attributes)) == (12, {"attributes": "rusty", "occluded": "true"})


def test_read_xml__deleted_objects_are_counted(tmp_path: Path) -> None:
    dataset = open_dataset(_xml(tmp_path, deleted="1"))
    assert "1 shapes of kind deleted paint nothing" in dataset.notes[1]


@pytest.mark.parametrize("points", ["", POINTS[:40] + "</x></pt>", "<pt><x>nan</x><y>1</y></pt>" * 3])
def test_read_xml__shapes_that_cannot_be_read(tmp_path: Path, points: str) -> None:
    with pytest.raises(DataError, match=r"cannot be read|is not whole XML"):
        open_dataset(_xml(tmp_path, points=points))


def test_read_xml__bomb(tmp_path: Path) -> None:
    root = _xml(tmp_path)
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]>'
    (root / "a.xml").write_text(f"{bomb}{XML.format(name='&a;', deleted='0', points=POINTS)}")
    with pytest.raises(DataError, match="defines XML entities"):
        open_dataset(root)


def test_read_xml__sample_with_masks(shared_data: Path) -> None:
    dataset = open_dataset(shared_data / "formats_datumaro" / "labelme_dataset")
    assert dataset.format == "labelme_xml"
    labels = dataset.read_labels(dataset.frames[0])
    assert labels.classes.names == ("background", "b1", "hg", "license plate", "m1", "o1", "q1", "window")
    assert 0 < labels.area_px("license plate") <= 15
    assert labels.area_px("window") == 6
    assert not dataset.notes
