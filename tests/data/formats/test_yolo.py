"""YOLO: polygons and masks, the dataset YAML with paths from elsewhere, parts, and everything a line can get wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segwright.core import ClassTable, ConfigError, DataError
from segwright.data import Dataset, Frame, ImageFile, check, export_dataset, open_dataset
from segwright.data.shapes import Outlines, ShapeMask
from tests.data.pictures import noise, save

SQUARE = "0 0.125 0 0.625 0 0.625 0.5 0.125 0.5"  # columns 1-4, rows 0-2 of 6x8


def _folder(root: Path, labels: dict[str, str], yaml: str = "path: .\ntrain: images\nnames: [scratch, dent]\n") -> Path:
    for name, text in labels.items():
        save(root / "images" / f"{name}.png", noise(6, 8))
        path = root / "labels" / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (root / "data.yaml").write_text(yaml, encoding="utf-8")
    return root


def _ids(root: Path, **options: object) -> np.ndarray:
    dataset = open_dataset(root, options=options)
    return dataset.read_labels(dataset.frames[0]).ids


def test_read__polygons_are_shares_of_the_frame(tmp_path: Path) -> None:
    dataset = open_dataset(_folder(tmp_path, {"a ü": SQUARE, "b": ""}))
    assert dataset.format == "yolo_seg"
    assert dataset.classes.describe() == "0 background, 1 scratch, 2 dent, 255 void"
    labels = dataset.read_labels(dataset.frame("a ü"))
    assert np.argwhere(labels.ids == 1).min(axis=0).tolist() == [0, 1]
    assert labels.area_px("scratch") == 12
    assert dataset.frames[0].columns == {"part": "train"}
    assert dataset.notes == ("data.yaml: 1 images have no shape and are read as unpainted all over",)


def test_read__smaller_polygons_lie_above_larger(tmp_path: Path) -> None:
    small, large = "1 0.25 0.2 0.5 0.2 0.5 0.5 0.25 0.5", "0 0 0 1 0 1 1 0 1"
    for at, lines in enumerate((f"{small}\n{large}\n", f"{large}\n{small}\n")):
        assert set(np.unique(_ids(_folder(tmp_path / str(at), {"a": lines})))) == {1, 2}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("0 0.1 0.1 0.4 0.1", "five numbers: a box"),
        ("0 0.1 0.1 0.4 0.1 0.5", "5 numbers after the index"),
        ("7 0.1 0.1 0.4 0.1 0.5 0.5", "class index '7', not one of 2 names"),
        ("0 12 30 40 12 50 50", "'12' is no share of the frame"),
        ("0 nan 0.1 0.4 0.1 0.5 0.5", "'nan' is no share"),
        ("0 0.1 0.1 0.4 0.1 0.5 x", "could not convert"),
        ("-1 0.1 0.1 0.4 0.1 0.5 0.5", "class index '-1'"),
        ("0.5 0.1 0.1 0.4 0.1 0.5 0.5", "class index '0.5'"),
        ("0", "0 numbers after the index"),
    ],
)
def test_read__lines_that_are_no_polygons(tmp_path: Path, line: str, found: str) -> None:
    with pytest.raises(DataError, match="is a line that cannot be read") as caught:
        open_dataset(_folder(tmp_path, {"a": f"{SQUARE}\n{line}\n", "b": line}))
    assert [problem.place for problem in caught.value.problems] == ["labels/a.txt:2", "labels/b.txt:1"]
    assert all(found in problem.found and problem.fix for problem in caught.value.problems)


def test_read__boxes_when_asked(tmp_path: Path) -> None:
    root = _folder(tmp_path, {"a": "1 0.5 0.5 0.5 1"})
    assert int((_ids(root, boxes="class") == 2).sum()) == 24
    assert int((_ids(root, boxes="void") == 255).sum()) == 24
    with pytest.raises(ConfigError, match="unknown value"):
        open_dataset(root, options={"boxes": "maybe"})


@pytest.mark.parametrize(
    "paths",
    [
        "path: C:\\\\data\\\\set\ntrain: images/train\nval: images/val\n",
        "train: ../train/images\nval: ../valid/images\n",
        "path: ../datasets/set\ntrain: /elsewhere/set/images/train\nval: [images/val]\n",
        "path: set\ntrain: train.txt\nval: val.txt\n",
    ],
)
def test_read__parts_follow_paths_from_elsewhere(tmp_path: Path, paths: str) -> None:
    roboflow = "valid" in paths
    for part in ("train", "val"):
        folder = {"train": "train", "val": "valid"}[part]
        image = f"{folder}/images" if roboflow else f"images/{part}"
        save(tmp_path / image / f"{part}1.png", noise(6, 8))
        label = tmp_path / image.replace("images", "labels") / f"{part}1.txt"
        label.parent.mkdir(parents=True)
        label.write_text(SQUARE)
        (tmp_path / f"{part}.txt").write_text(f"./{image}/{part}1.png\n../../{image}/gone.png\n")
    (tmp_path / "data.yaml").write_text(f"{paths}names: {{0: scratch, 1: dent}}\n")
    dataset = open_dataset(tmp_path)
    assert {frame.stem.rpartition("/")[2]: frame.columns["part"] for frame in dataset.frames} == {
        "train1": "train",
        "val1": "validation",
    }
    assert all(dataset.read_labels(frame).area_px("scratch") == 12 for frame in dataset.frames)


def test_read__what_belongs_to_nothing_is_counted(tmp_path: Path) -> None:
    root = _folder(tmp_path, {"train/a": SQUARE}, "train: images/train\nval: images/val\nnames: [scratch, dent]\n")
    save(root / "images" / "b.png", noise(6, 8))
    (root / "labels" / "train" / "gone.txt").write_text(SQUARE)
    dataset = open_dataset(root)
    assert dataset.notes == (
        "data.yaml: val: images/val is not there, or holds no image",
        "data.yaml: 1 image files are of no part and were left out: images/b.png",
        "data.yaml: 1 label files have no image and were left out: labels/train/gone.txt",
    )


def test_read__images_of_two_parts_are_told(tmp_path: Path) -> None:
    root = _folder(tmp_path, {"a": SQUARE}, "train: images\nval: images\nnames: [scratch]\n")
    dataset = open_dataset(root)
    assert dataset.notes == ("data.yaml: 1 images of val are of an earlier part too: images/a.png",)
    assert dataset.frames[0].columns == {"part": "train"}


@pytest.mark.parametrize(
    ("yaml", "rule"),
    [
        ("train: images\nnames: [a, a]\n", "is no list of classes"),
        ("train: images\nnames: {x: a}\n", "is no list of classes"),
        ("train: images\nnc: 3\nnames: [a, b]\n", "is not the number of names"),
        ("train: elsewhere\nnames: [a, b]\n", "names no image that is there"),
        ("train: ../../../../etc\nnames: [a, b]\n", "names no image that is there"),
    ],
)
def test_read__yaml_that_contradicts_itself(tmp_path: Path, yaml: str, rule: str) -> None:
    with pytest.raises(DataError, match=rule):
        open_dataset(_folder(tmp_path, {"a": SQUARE}, yaml), format="yolo_seg")


def test_read__without_a_yaml_a_class_file_names_the_indices(tmp_path: Path) -> None:
    root = _folder(tmp_path, {"a": SQUARE})
    (root / "data.yaml").unlink()
    with pytest.raises(ConfigError, match="nothing that names the classes"):
        open_dataset(root, format="yolo_seg")
    (root / "classes.txt").write_text("0 background\n1 scratch\n")
    dataset = open_dataset(root, format="yolo_seg")
    assert dataset.read_labels(dataset.frames[0]).area_px("scratch") == 12


def _drawn(root: Path, *shapes: Outlines, part: str | None = None) -> Dataset:
    source = save(root / "source" / "a.png", noise(20, 30))
    columns = {} if part is None else {"part": part}
    frame = Frame("a", ImageFile(source), ShapeMask(shapes, 0, None, "a"), columns)
    return Dataset(root, ClassTable.of(["background", "scratch", "dent"]), (frame,), "coco_json")


def _box(class_id: int, left: float, top: float, side: float) -> Outlines:
    corners = [[left, top], [left + side, top], [left + side, top + side], [left, top + side]]
    return Outlines(class_id, (np.array(corners, float),))


def test_write__order_of_areas_is_kept_or_the_cut_is_counted(tmp_path: Path) -> None:
    fits = export_dataset(_drawn(tmp_path / "1", _box(1, 2, 2, 12), _box(2, 4, 4, 4)), tmp_path / "fits", "yolo_seg")
    assert fits.losses == ()
    other = export_dataset(_drawn(tmp_path / "2", _box(2, 4, 4, 4), _box(1, 6, 2, 12)), tmp_path / "cut", "yolo_seg")
    assert [text.partition(":")[0] for text in other.losses] == ["what lies under another object"]
    again = open_dataset(tmp_path / "cut")
    assert again.read_labels(again.frames[0]).area_px("dent") == 8


def test_write__shares_never_leave_the_frame(tmp_path: Path) -> None:
    export_dataset(_drawn(tmp_path, _box(1, -4, -4, 12), _box(2, 25.5, 15.5, 9)), tmp_path / "out", "yolo_seg")
    numbers = [float(word) for word in (tmp_path / "out/labels/a.txt").read_text().split()]
    assert min(numbers) >= 0
    assert max(number for number in numbers if number not in (0.0, 1.0)) < 1
    again = open_dataset(tmp_path / "out")
    assert again.read_labels(again.frames[0]).area_px("scratch") == 64


@pytest.mark.parametrize("name", ["yolo_seg", "yolo_masks"])
def test_write__parts_are_lists_of_images(name: str, tmp_path: Path) -> None:
    export_dataset(_drawn(tmp_path, _box(1, 2, 2, 4), part="validation"), tmp_path / "out", name)
    assert (tmp_path / "out" / "val.txt").read_text() == "./images/a.png\n"
    assert open_dataset(tmp_path / "out").frames[0].columns == {"part": "validation"}
    export_dataset(_drawn(tmp_path, _box(1, 2, 2, 4)), tmp_path / "plain", name)
    assert "train: images\n" in (tmp_path / "plain" / "data.yaml").read_text()


def _masks(root: Path, more: str = "") -> Path:
    for part in ("train", "val"):
        save(root / "images" / part / f"{part}.png", noise(6, 8))
        mask = np.zeros((6, 8), np.uint8)
        mask[0, :3], mask[1, 0] = 7, 255
        save(root / "masks" / part / f"{part}.png", mask)
    names = "names: {0: road, 1: car}\n"
    (root / "data.yaml").write_text(f"train: images/train\nval: images/val\nmasks_dir: masks\n{names}{more}")
    return root


def test_read_masks__label_mapping_renames_values(tmp_path: Path) -> None:
    dataset = open_dataset(_masks(tmp_path, "label_mapping: {0: 0, 7: 1, 9: 255, -1: 255}\n"))
    assert dataset.format == "yolo_masks"
    assert dataset.classes.describe() == "0 road, 1 car, 255 void"
    labels = dataset.read_labels(dataset.frames[0])
    assert (labels.area_px("car"), labels.area_px("road"), int((~labels.valid).sum())) == (3, 44, 1)
    assert [frame.columns["part"] for frame in dataset.frames] == ["train", "validation"]


def test_read_masks__values_without_a_name_are_told(tmp_path: Path) -> None:
    assert "value 7" in check(open_dataset(_masks(tmp_path)))[0].rule


@pytest.mark.parametrize("mapping", ["[1, 2]", "{a: 1}", "{7: 5}", "{7: [1]}"])
def test_read_masks__mapping_that_is_none(tmp_path: Path, mapping: str) -> None:
    with pytest.raises(DataError, match="is no mapping from mask values"):
        open_dataset(_masks(tmp_path, f"label_mapping: {mapping}\n"))


def test_read_masks__images_without_a_mask_are_counted(tmp_path: Path) -> None:
    root = _masks(tmp_path, "label_mapping: {7: 1}\n")
    (root / "masks" / "val" / "val.png").unlink()
    dataset = open_dataset(root)
    assert dataset.notes == ("data.yaml: 1 images have no mask and were left out: images/val/val.png",)


def test_read__sample_of_datumaro(shared_data: Path) -> None:
    sets = shared_data / "formats_datumaro" / "yolo_dataset"
    dataset = open_dataset(sets / "yolov8_segmentation")
    assert (dataset.format, len(dataset.classes)) == ("yolo_seg", 11)
    assert sum(len(frame.mask.shapes) for frame in dataset.frames) == 2
    with pytest.raises(DataError, match="a box and no outline"):
        open_dataset(sets / "yolov8_detection")
    with pytest.raises(DataError, match="is not in a format that is recognised"):
        open_dataset(sets / "yolov8_pose")
