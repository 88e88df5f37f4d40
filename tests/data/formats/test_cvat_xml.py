"""CVAT for images 1.1: each shape kind, the painting order, labels, and hostile XML."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from segwright.core import ClassTable, ConfigError, DataError
from segwright.data import check, open_dataset
from segwright.data.archive import CACHE_VARIABLE
from tests.data.codecs.test_orientation import exif
from tests.data.pictures import noise, save

LABELS = ("scratch", "dent", "glare void")


def _shape(kind: str, label: str, z: int = 0, text: str = "") -> str:
    return f'<{kind} label="{label}" source="manual" occluded="0" {text} z_order="{z}"></{kind}>'


def _polygon(label: str, z: int = 0) -> str:
    return _shape("polygon", label, z, 'points="1.00,1.00;5.00,1.00;5.00,4.00;1.00,4.00"')


def _xml(images: dict[str, str], labels: tuple[str, ...] = LABELS, size: tuple[int, int] = (6, 8)) -> str:
    listed = "".join(f"<label><name>{name}</name><type>any</type></label>" for name in labels)
    frames = "".join(
        f'<image id="{at}" name="{name}" width="{size[1]}" height="{size[0]}">{shapes}</image>'
        for at, (name, shapes) in enumerate(images.items())
    )
    meta = f"<meta><task><labels>{listed}</labels></task></meta>"
    return f'<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version>{meta}{frames}</annotations>'


def _folder(root: Path, images: dict[str, str], **more: object) -> Path:
    for name in images:
        save(root / "images" / name, noise(6, 8))
    (root / "annotations.xml").write_text(_xml(images, **more), encoding="utf-8")  # type: ignore[arg-type]
    return root


def _ids(root: Path, **options: object) -> np.ndarray:
    dataset = open_dataset(root, options=options)
    return dataset.read_labels(dataset.frames[0]).ids


def test_read__labels_void_and_background(tmp_path: Path) -> None:
    dataset = open_dataset(_folder(tmp_path, {"a b ü.png": _polygon("dent")}))
    assert dataset.format == "cvat_xml"
    assert dataset.classes.describe() == "0 background, 1 scratch, 2 dent, 255 void"
    assert dataset.classes.background == "background"
    assert dataset.frames[0].stem == "a b ü"
    assert dataset.read(dataset.frames[0]).labels.area_px("dent") == 12


def test_read__void_label_covers(tmp_path: Path) -> None:
    ids = _ids(_folder(tmp_path, {"a.png": _polygon("dent") + _polygon("glare void", z=1)}))
    assert (ids == 255).sum() == 12


def test_read__polyline_has_the_stated_brush(tmp_path: Path) -> None:
    line = _shape("polyline", "scratch", 0, 'points="1.0,2.5;7.0,2.5"')
    root = _folder(tmp_path, {"a.png": line})
    assert _ids(root)[:, 4].tolist() == [0, 1, 1, 1, 0, 0]
    assert _ids(root, brush_px=1)[:, 4].tolist() == [0, 0, 1, 0, 0, 0]
    with pytest.raises(ConfigError, match="is no brush width"):
        open_dataset(root, options={"brush_px": 0})


def test_read__mask_runs_go_by_row_inside_their_box(tmp_path: Path) -> None:
    runs = _shape("mask", "dent", 0, 'rle="1, 2, 1, 2" left="2" top="1" width="3" height="2"')
    ids = _ids(_folder(tmp_path, {"a.png": runs}))
    assert ids[1:3, 2:5].tolist() == [[0, 2, 2], [0, 2, 2]]
    assert (ids > 0).sum() == 4


def test_read__mask_that_starts_painted(tmp_path: Path) -> None:
    runs = _shape("mask", "dent", 0, 'rle="0, 1, 3" left="7" top="5" width="2" height="2"')
    ids = _ids(_folder(tmp_path, {"a.png": runs}))  # the box reaches one pixel beyond the frame
    assert np.argwhere(ids == 2).tolist() == [[5, 7]]


def test_read__box_and_ellipse(tmp_path: Path) -> None:
    box = _shape("box", "dent", 0, 'xtl="1.0" ytl="1.0" xbr="5.0" ybr="3.0"')
    assert (_ids(_folder(tmp_path / "box", {"a.png": box})) == 2).sum() == 8
    turned = _shape("box", "dent", 0, 'xtl="2.0" ytl="2.0" xbr="6.0" ybr="4.0" rotation="90.0"')
    ids = _ids(_folder(tmp_path / "turned", {"a.png": turned}))
    assert np.argwhere(ids == 2).min(axis=0).tolist() == [1, 3]
    assert np.argwhere(ids == 2).max(axis=0).tolist() == [4, 4]
    ellipse = _shape("ellipse", "dent", 0, 'cx="4.0" cy="3.0" rx="3.0" ry="2.0"')
    assert (_ids(_folder(tmp_path / "ellipse", {"a.png": ellipse})) == 2).sum() == pytest.approx(6 * np.pi, abs=3)


def test_read__z_order_then_file_order(tmp_path: Path) -> None:
    over = _polygon("dent", z=2) + _polygon("scratch", z=1)
    assert set(np.unique(_ids(_folder(tmp_path / "z", {"a.png": over})))) == {0, 2}
    later = _polygon("dent") + _polygon("scratch")
    assert set(np.unique(_ids(_folder(tmp_path / "file", {"a.png": later})))) == {0, 1}


def test_read__what_paints_nothing_is_counted(tmp_path: Path) -> None:
    points = _shape("points", "dent", 0, 'points="1.0,1.0"') + '<tag label="dent" source="manual"></tag>'
    dataset = open_dataset(_folder(tmp_path, {"a.png": points, "b.png": _polygon("dent")}))
    assert dataset.notes == (
        "annotations.xml: 1 images have no shape and are read as unpainted all over",
        "annotations.xml: 1 shapes of kind points paint nothing and were left out",
        "annotations.xml: 1 shapes of kind tag paint nothing and were left out",
    )


def test_read__table_without_background_leaves_the_rest_void(tmp_path: Path) -> None:
    root = _folder(tmp_path, {"a.png": _polygon("dent")})
    dataset = open_dataset(root, classes=ClassTable.of(["scratch", "dent"]))
    ids = dataset.read_labels(dataset.frames[0]).ids
    assert (ids == 255).sum() == 36


def test_read__labels_outside_the_table(tmp_path: Path) -> None:
    root = _folder(tmp_path, {"a.png": _polygon("dent")})
    with pytest.raises(ConfigError, match=r"(?s)1 labels that are not in the class table.*map: \[scratch=void\]"):
        open_dataset(root, classes=ClassTable.of(["background", "dent"]))
    mapped = open_dataset(root, classes=ClassTable.of(["background", "dent"]), options={"map": ["scratch=dent"]})
    assert mapped.read_labels(mapped.frames[0]).area_px("dent") == 12


def test_read__every_bad_shape_is_told_in_one_run(tmp_path: Path) -> None:
    shapes = (
        _shape("polygon", "dent", 0, 'points="1,2;3"')
        + _shape("mask", "dent", 0, 'rle="1,2" left="0" top="0" width="2" height="2"')
        + _shape("box", "dent", 0, 'xtl="1"')
        + _shape("polygon", "dent", 0, 'points="nan,1;2,2;3,3"')
        + '<polygon points="1,1;2,2;3,1" z_order="0"></polygon>'
    )
    with pytest.raises(DataError, match="has a polygon that cannot be read") as caught:
        open_dataset(_folder(tmp_path, {"a.png": shapes}))
    assert len(caught.value.problems) == 5
    assert all(problem.place == "annotations.xml: a.png" for problem in caught.value.problems)


def test_read__image_without_size(tmp_path: Path) -> None:
    root = _folder(tmp_path, {"a.png": _polygon("dent")})
    text = (root / "annotations.xml").read_text().replace('width="8"', "")
    (root / "annotations.xml").write_text(text)
    with pytest.raises(DataError, match="has no size"):
        open_dataset(root)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_read__turned_images_are_annotated_upright(tmp_path: Path, orientation: int) -> None:
    size = (6, 8) if orientation == 3 else (8, 6)
    save(tmp_path / "images" / "a.jpg", noise(6, 8), exif=exif(orientation))
    shape = _shape("box", "dent", 0, 'xtl="0" ytl="0" xbr="2" ybr="1"')
    (tmp_path / "annotations.xml").write_text(_xml({"a.jpg": shape}, size=size))
    dataset = open_dataset(tmp_path)
    labelled = dataset.read(dataset.frames[0])
    assert np.argwhere(labelled.labels.ids == 2).tolist() == [[0, 0], [0, 1]]
    assert labelled.image.size == labelled.labels.size


def test_read__image_of_another_size_is_told_by_check(tmp_path: Path) -> None:
    root = _folder(tmp_path, {"a.png": _polygon("dent")}, size=(60, 80))
    assert check(open_dataset(root))[0].rule == "was annotated on an image of another size"


BOMB = """<?xml version="1.0"?><!DOCTYPE annotations [<!ENTITY a "aaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>
<annotations><meta>&c;</meta></annotations>"""
OUTSIDE = """<?xml version="1.0"?><!DOCTYPE annotations [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<annotations><meta>&x;</meta></annotations>"""


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (BOMB, "defines XML entities"),
        (OUTSIDE, "defines XML entities"),
        ("<annotations><image", "is not whole XML"),
        ("<annotation><object/></annotation>", "is not from CVAT"),
        ("<annotations><track/></annotations>", "is CVAT for video"),
        ("<annotations><image name='x.png'/></annotations>", "has no size|names no image|has no classes"),
    ],
)
def test_read__hostile_and_foreign_xml(tmp_path: Path, text: str, rule: str) -> None:
    save(tmp_path / "images" / "a.png", noise(6, 8))
    (tmp_path / "annotations.xml").write_text(text)
    with pytest.raises((DataError, ConfigError), match=rule):
        open_dataset(tmp_path / "annotations.xml")


def test_read__export_as_a_zip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    root = _folder(tmp_path / "export", {"sub/a.png": _polygon("dent")})
    with zipfile.ZipFile(tmp_path / "task.zip", "w") as file:
        for path in root.rglob("*"):
            file.write(path, path.relative_to(root))
    dataset = open_dataset(tmp_path / "task.zip")
    assert dataset.content_hash == open_dataset(root).content_hash
    assert dataset.frames[0].stem == "sub/a"


def test_read__groups_attributes_and_crowds_are_facts(tmp_path: Path) -> None:
    said = '<attribute name="side">left</attribute><attribute name="is_crowd">true</attribute>'
    box = 'xtl="0" ytl="0" xbr="2" ybr="2"'
    shapes = (
        f'<box label="dent" occluded="1" z_order="0" group_id="4" {box}></box>'
        '<box label="dent" occluded="0" z_order="0" group_id="4" xtl="4" ytl="0" xbr="5" ybr="1"></box>'
        f'<box label="scratch" occluded="0" z_order="0" xtl="5" ytl="3" xbr="7" ybr="5">{said}</box>'
    )
    dataset = open_dataset(_folder(tmp_path, {"a.png": shapes}))
    dent, crowd = dataset.read_instances(dataset.frames[0])
    assert (dent.area_px, dict(dent.attributes)) == (5, {"occluded": "true"})
    assert (crowd.crowd, crowd.class_id, dict(crowd.attributes)) == (True, 1, {"side": "left"})
    assert dataset.read_labels(dataset.frames[0]).ids[4, 6] == 255
    assert dataset.notes == ("annotations.xml: 1 crowd regions are void (attribute is_crowd)",)


def test_read__shapes_beside_their_image_are_counted(tmp_path: Path) -> None:
    outside = _shape("polygon", "dent", 0, 'points="20,20;30,20;30,30"')
    dataset = open_dataset(_folder(tmp_path, {"a.png": outside + _polygon("dent")}))
    assert dataset.notes == ("annotations.xml: 1 shapes lie outside their image and paint nothing",)


@pytest.mark.parametrize("points", ["1,1;2,2", "1e9,1;2,2;3,3", "1,1,1;2,2;3,3", "inf,1;2,2;3,3", ""])
def test_read__points_that_are_no_polygon(tmp_path: Path, points: str) -> None:
    with pytest.raises(DataError, match="has a polygon that cannot be read"):
        open_dataset(_folder(tmp_path, {"a.png": _shape("polygon", "dent", 0, f'points="{points}"')}))
