"""Both formats are read as they are written, and refused with everything that is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segwright.core import ConfigError, DataError
from segwright.data.codecs.segment_ids import read_bitmask, read_segment_ids
from segwright.evaluate.panoptic import BDD100K_CLASSES, PanopticFrame, Segment, open_panoptic
from tests.evaluate.panoptic.files import annotation, categories, rgb_of, write_bitmask, write_coco, write_png
from tests.evaluate.panoptic.frames import CLASSES, frame

STREET = frame([[70000, 70000, 3], [70000, 0, 2**24 - 1]], {70000: 1, 2**24 - 1: 5, 3: Segment(5, is_crowd=True)}, "a")
BITMASK = PanopticFrame(
    "a", np.array([[7, 7, 300], [7, 0, 31]], np.uint32),
    {7: Segment(7), 31: Segment(35), 300: Segment(35, is_crowd=True)}, BDD100K_CLASSES,
)  # fmt: skip


def rewritten(path: Path, change) -> Path:
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def read_all(path: Path, classes) -> None:
    source = open_panoptic(path, classes)
    for stem in source.stems:
        source.read(stem)


def problems_of(path: Path, classes=None) -> list[tuple[str, str, str]]:
    with pytest.raises((DataError, ConfigError)) as error:
        read_all(path, classes)
    return [(problem.place, problem.rule, problem.found) for problem in error.value.problems]


def test_coco__is_read_as_written(tmp_path: Path) -> None:
    source = open_panoptic(write_coco(tmp_path / "val.json", [STREET]), None)
    assert source.classes == CLASSES
    assert source.image_ids == {"a": 1}
    assert source.read("a") == STREET
    assert source.stale_areas(source.read("a")) == 0


@pytest.mark.parametrize("name", ["panoptic.json", "panoptic_val2017.json"])
def test_coco__is_found_in_its_folder(tmp_path: Path, name: str) -> None:
    write_coco(tmp_path / name, [STREET])
    (tmp_path / "notes.json").write_text("[]", encoding="utf-8")
    assert open_panoptic(tmp_path, None).read("a") == STREET


def test_coco__takes_kinds_and_wide_ids_from_its_categories(tmp_path: Path) -> None:
    def widen(data) -> None:
        data["categories"][0]["id"] = data["annotations"][0]["segments_info"][0]["category_id"] = 300

    table = open_panoptic(rewritten(write_coco(tmp_path / "p.json", [STREET]), widen), None).classes
    assert table.ids == (2, 5, 9, 300)
    assert table.void_id == 65535
    assert [spec.kind for spec in table] == ["stuff", "thing", "thing", "stuff"]


def test_coco__without_categories_takes_a_table(tmp_path: Path) -> None:
    path = write_coco(tmp_path / "p.json", [STREET], named=False)
    assert open_panoptic(path, CLASSES).read("a") == STREET
    assert problems_of(path) == [(str(path), "has no categories that make a class table", "none")]


def test_coco__whose_categories_are_others_is_refused(tmp_path: Path) -> None:
    def rename(data) -> None:
        data["categories"] = [{"id": 5, "name": "car", "isthing": 0}, {"id": 9, "name": "cat", "isthing": 1}]

    path = rewritten(write_coco(tmp_path / "p.json", [STREET]), rename)
    assert [(place, found) for place, _, found in problems_of(path, CLASSES)] == [
        (f"{path}: category 5", "car, stuff"),
        (f"{path}: category 9", "cat, thing"),
    ]


def test_coco__json_and_map_that_disagree_name_the_map(tmp_path: Path) -> None:
    def change(data) -> None:
        data["annotations"][0]["segments_info"][0]["id"] = 4

    path = rewritten(write_coco(tmp_path / "p.json", [STREET]), change)
    assert problems_of(path) == [
        (str(tmp_path / "p" / "a.png"), "3 pixels have segment ids that no segment names", "70000"),
        (str(tmp_path / "p" / "a.png"), "names segments that have no pixel", "4"),
    ]


def test_coco__stale_areas_are_counted(tmp_path: Path) -> None:
    def change(data) -> None:
        data["annotations"][0]["segments_info"][0]["area"] = 99
        del data["annotations"][0]["segments_info"][1]["area"]

    source = open_panoptic(rewritten(write_coco(tmp_path / "p.json", [STREET]), change), None)
    assert source.stale_areas(source.read("a")) == 1


def test_coco__annotations_are_checked_at_once(tmp_path: Path) -> None:
    def change(data) -> None:
        good = data["annotations"][0]
        data["annotations"] += [
            {**good, "segments_info": [{"id": "1"}], "file_name": "b.png"},
            {**good, "segments_info": good["segments_info"] * 2, "file_name": "c.png"},
            {"image_id": 4, "file_name": "d.png"},
            "e",
            {**good},
        ]

    path = rewritten(write_coco(tmp_path / "p.json", [STREET]), change)
    assert [(place, rule) for place, rule, _ in problems_of(path)] == [
        (f"{path}: b.png", "has segments_info that is not COCO panoptic"),
        (f"{path}: c.png", "names a segment twice"),
        (f"{path}: annotations", "has one that is not COCO panoptic"),
        (f"{path}: annotations", "has one that is not COCO panoptic"),
        (str(path), "gives one file_name to two annotations"),
        (str(path), "gives one image_id to two annotations"),
    ]


@pytest.mark.parametrize(
    ("text", "rule"),
    [("[1", "is not readable JSON"), ("[]", "is not COCO panoptic JSON"), ("{}", "is not COCO panoptic JSON")],
)
def test_coco__of_other_json(tmp_path: Path, text: str, rule: str) -> None:
    path = tmp_path / "p.json"
    path.write_text(text, encoding="utf-8")
    assert problems_of(path)[0][:2] == (str(path), rule)


def test_coco__categories_that_are_no_table_name_the_file(tmp_path: Path) -> None:
    def change(data) -> None:
        data["categories"][1]["name"] = "road"

    path = rewritten(write_coco(tmp_path / "p.json", [STREET]), change)
    assert problems_of(path)[0][:2] == (f"{path}: categories", "uses one name for two classes")


def test_place__that_holds_nothing(tmp_path: Path) -> None:
    assert problems_of(tmp_path / "no")[0][1:] == ("does not exist", "")
    assert problems_of(tmp_path)[0][1] == "holds no panoptic map"
    for name in ("one.json", "two.json"):
        write_coco(tmp_path / name, [STREET])
    assert problems_of(tmp_path)[0][1:] == ("holds several panoptic files", "one.json, two.json")


def test_bitmasks__are_read_as_written(tmp_path: Path) -> None:
    write_bitmask(tmp_path, BITMASK)
    source = open_panoptic(tmp_path, None)
    assert source.read("a") == BITMASK
    assert source.stale_areas(BITMASK) == 0
    assert (source.stems, source.image_ids) == (("a",), {})


def test_bitmasks__attributes_and_void(tmp_path: Path) -> None:
    rows = [[7, 1, 0, 7], [8, 12, 0, 8], [0, 3, 0, 1], [0, 0, 0, 0]]
    write_png(tmp_path / "a.png", np.array([rows], np.uint8))
    found = open_panoptic(tmp_path, None).read("a")
    assert found.ids.tolist() == [[7, 8, 0, 0]]
    assert dict(found.segments) == {7: Segment(7, is_crowd=True), 8: Segment(8)}


def test_bitmasks__class_file_beside_them(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("0 void\n1 road\n", encoding="utf-8")
    write_png(tmp_path / "a.png", np.array([[[1, 0, 0, 1]]], np.uint8))
    assert open_panoptic(tmp_path, None).classes.names == ("road",)
    assert open_panoptic(tmp_path, CLASSES).classes is CLASSES


def test_bitmasks__segments_of_two_kinds_and_classes_without_id(tmp_path: Path) -> None:
    rows = [[7, 0, 0, 7], [8, 0, 0, 7], [9, 1, 0, 9], [9, 0, 0, 9], [10, 0, 0, 0]]
    write_png(tmp_path / "a.png", np.array([rows], np.uint8))
    place = str(tmp_path / "a.png")
    assert problems_of(tmp_path) == [
        (place, "1 pixels have a class and no instance id", "256 B + A = 0"),
        (f"{place}: instance 7", "is of two kinds", "class 7; class 8"),
        (f"{place}: instance 9", "is of two kinds", "class 9; class 9, crowd or ignored"),
    ]


def test_bitmasks__of_unknown_classes(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", np.array([[[41, 0, 0, 1]]], np.uint8))
    assert problems_of(tmp_path)[0][1:] == ("has segments of classes that are not in the class table", "41")


def test_bdd100k_classes__are_those_published() -> None:
    assert len(BDD100K_CLASSES) == 40
    assert [BDD100K_CLASSES[name].class_id for name in ("dynamic", "road", "sky", "person", "truck")] == [
        1,
        7,
        30,
        31,
        40,
    ]
    assert {spec.name for spec in BDD100K_CLASSES if spec.kind == "thing"} == {
        "person", "rider", "bicycle", "bus", "car", "caravan", "motorcycle", "trailer", "train", "truck",
    }  # fmt: skip


def test_maps__keep_colours_under_a_clear_alpha(tmp_path: Path) -> None:
    rgba = np.concatenate([rgb_of(STREET.ids), np.zeros((2, 3, 1), np.uint8)], axis=-1)
    write_png(tmp_path / "a.png", rgba)
    assert read_segment_ids(tmp_path / "a.png").tolist() == STREET.ids.tolist()


def test_maps__keep_a_colour_that_is_marked_clear(tmp_path: Path) -> None:
    colours = rgb_of(STREET.ids)
    Image.fromarray(colours).save(tmp_path / "a.png", transparency=tuple(colours[0, 0].tolist()))
    assert read_segment_ids(tmp_path / "a.png").tolist() == STREET.ids.tolist()


def test_maps__of_other_pictures_are_refused(tmp_path: Path) -> None:
    grey, rgb, broken = (tmp_path / name for name in ("grey.png", "rgb.png", "broken.png"))
    write_png(rgb, rgb_of(STREET.ids))
    grey.write_bytes(_grey_png())
    broken.write_bytes(_damaged(rgb.read_bytes()))
    with pytest.raises(DataError, match=r"grey\.png: is no panoptic map\n.*8-bit RGB,.*\n.*PNG, grey, 8 bits a band"):
        read_segment_ids(grey)
    with pytest.raises(DataError, match=r"rgb\.png: is no panoptic map\n.*8-bit RGBA"):
        read_bitmask(rgb)
    with pytest.raises(DataError, match=r"broken\.png: cannot be decoded"):
        read_segment_ids(broken)
    with pytest.raises(DataError, match="does not exist"):
        read_bitmask(tmp_path / "none.png")


def test_annotation__of_a_frame_is_what_coco_has() -> None:
    assert annotation(STREET, 3)["segments_info"][0] == {"id": 70000, "category_id": 1, "iscrowd": 0, "area": 3}
    assert categories(CLASSES)[2] == {"id": 5, "name": "car", "isthing": 1}


def _grey_png() -> bytes:
    import cv2

    return cv2.imencode(".png", np.zeros((2, 2), np.uint8))[1].tobytes()


def _damaged(png: bytes) -> bytes:
    """The same PNG with the bytes of its pixels overwritten."""
    at = png.index(b"IDAT") + 4
    return png[:at] + b"\xff" * 12 + png[at + 12 :]
