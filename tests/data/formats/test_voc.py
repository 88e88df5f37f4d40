"""PASCAL VOC folders as they are in the wild: palette or RGB masks, lists, CVAT's label map, LabelMe's exports."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from segwright.core import Box, ClassSpec, ClassTable, ConfigError, DataError
from segwright.data import Dataset, Frame, ImageFile, ShapeMask, check, export_dataset, open_dataset
from segwright.data.formats.colour_tables import colours_of, voc_colour
from segwright.data.shapes import Runs
from tests.data.pictures import noise, save

LABEL_MAP = "# label:color_rgb:parts:actions\nbackground:0,0,0::\nscratch:10,20,30::\nignored:224,224,192::\n"


def palette_png(path: Path, indices: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Pillow.fromarray(indices.astype(np.uint8))
    picture.putpalette([part for index in range(256) for part in voc_colour(index)])
    picture.save(path)
    return path


def voc_folder(root: Path, names: str | None = "__ignore__\n_background_\nscratch\n") -> Path:
    """Two frames of 4x5: a scratch of two objects with a void rim, and one frame without objects."""
    classes, objects = np.zeros((4, 5), int), np.zeros((4, 5), int)
    classes[1, 1], classes[1, 3], classes[0, 0] = 1, 1, 255
    objects[1, 1], objects[1, 3], objects[0, 0] = 1, 2, 255
    for name in ("a", "b"):
        save(root / "JPEGImages" / f"{name}.png", noise(4, 5))
        palette_png(root / "SegmentationClass" / f"{name}.png", classes)
    palette_png(root / "SegmentationObject" / "a.png", objects)
    if names:
        (root / "class_names.txt").write_text(names, encoding="utf-8")
    return root


def test_voc_colour__is_the_development_kits() -> None:
    # PASCAL VOC 2012, VOCcode/VOClabelcolormap.m: aeroplane, bicycle, bird, tvmonitor, void
    found = [voc_colour(index) for index in (0, 1, 2, 3, 20, 255)]
    assert found == [(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 64, 128), (224, 224, 192)]


def test_colours_of__gives_each_class_its_own() -> None:
    red = (255, 0, 0)
    table = ClassTable((ClassSpec(3, "a", colour=red), ClassSpec(4, "b", colour=red), ClassSpec(0, "background")))
    colours = colours_of(table)
    assert colours[3] == red
    assert len(set(colours.values())) == 4


def test_read__classes_objects_and_void(tmp_path: Path) -> None:
    dataset = open_dataset(voc_folder(tmp_path))
    assert dataset.format == "voc"
    assert dataset.classes.describe() == "0 _background_, 1 scratch, 255 void"
    a, b = dataset.frames
    assert dataset.read_labels(a).ids[:2].tolist() == [[255, 0, 0, 0, 0], [0, 1, 0, 1, 0]]
    objects = dataset.read_instances(a)
    assert [one.box for one in objects] == [Box(1, 1, 2, 2), Box(1, 3, 2, 4)]
    assert objects.void is not None
    assert objects.void.sum() == 1
    with pytest.raises(DataError, match="no objects"):
        dataset.read_instances(b)


def test_read__numbered_names_are_taken_as_they_are(tmp_path: Path) -> None:
    dataset = open_dataset(voc_folder(tmp_path, "0 background\n1 scratch\n255 void\n"))
    assert dataset.classes.describe() == "0 background, 1 scratch, 255 void"


def test_read__names_that_are_no_text(tmp_path: Path) -> None:
    root = voc_folder(tmp_path)
    (root / "class_names.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not a class table"):
        open_dataset(root)


def test_read__nobody_says_what_the_indices_mean(tmp_path: Path) -> None:
    root = voc_folder(tmp_path, None)
    with pytest.raises(ConfigError, match=r"(?s)has no class table.*voc_classes: true"):
        open_dataset(root)
    assert open_dataset(root, options={"voc_classes": True}).classes.names[1] == "aeroplane"


def test_read__colours_of_a_label_map_decide_for_palette_and_rgb(tmp_path: Path) -> None:
    root = voc_folder(tmp_path, None)
    (root / "labelmap.txt").write_text(LABEL_MAP, encoding="utf-8")
    colours = np.zeros((4, 5, 3), np.uint8)
    colours[2, 2], colours[0, 0] = (10, 20, 30), (224, 224, 192)
    save(root / "SegmentationClass" / "b.png", colours)
    dataset = open_dataset(root)
    assert dataset.read_labels(dataset.frame("b")).ids[2].tolist() == [0, 0, 1, 0, 0]
    assert dataset.read_labels(dataset.frame("b")).ids[0, 0] == 255
    problems = check(dataset)  # the palette of a.png has VOC's colours, which this list does not name
    assert "values that stand for no class" in problems[0].rule


def test_read__lists_give_a_column_and_choose_frames(tmp_path: Path) -> None:
    root = voc_folder(tmp_path)
    lists = root / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    for name, stems in (("train", "a\n"), ("trainval", "a\nb\n"), ("val", "b\ngone\n")):
        (lists / f"{name}.txt").write_text(stems, encoding="utf-8")
    dataset = open_dataset(root)
    assert [frame.columns["part"] for frame in dataset.frames] == ["train", "validation"]
    assert any("gone" in note for note in dataset.notes)
    assert [frame.stem for frame in open_dataset(root, options={"image_set": "val"}).frames] == ["b"]
    with pytest.raises(ConfigError, match=r"(?s)names no list.*train, trainval, val"):
        open_dataset(root, options={"image_set": "tset"})


def test_read__an_object_on_background_is_refused(tmp_path: Path) -> None:
    root = voc_folder(tmp_path)
    palette_png(root / "SegmentationObject" / "b.png", np.full((4, 5), 3))
    dataset = open_dataset(root)
    with pytest.raises(DataError, match=r"(?s)SegmentationObject.*contradict each other"):
        dataset.read_labels(dataset.frame("b"))


def test_read__what_has_no_partner_is_said(tmp_path: Path) -> None:
    root = voc_folder(tmp_path)
    save(root / "JPEGImages" / "c.jpg", noise(4, 5))
    palette_png(root / "SegmentationClass" / "d.png", np.zeros((4, 5)))
    notes = open_dataset(root).notes
    assert "1 images have no mask" in notes[0]
    assert "1 masks have no image" in notes[1]


def test_read__two_masks_of_one_name(tmp_path: Path) -> None:
    root = voc_folder(tmp_path)
    palette_png(root / "SegmentationClass" / "a.gif", np.zeros((4, 5)))
    palette_png(root / "SegmentationClass" / "b.gif", np.zeros((4, 5)))
    with pytest.raises(DataError, match="has the same name as another file") as caught:
        open_dataset(root)
    assert len(caught.value.problems) == 2


def test_read__no_images(tmp_path: Path) -> None:
    palette_png(tmp_path / "SegmentationClass" / "d.png", np.zeros((4, 5)))
    with pytest.raises(DataError, match=r"(?s)not in the layout of VOC.*Save images"):
        open_dataset(tmp_path, format="cvat_masks")


def test_write__a_zip_comes_back(tmp_path: Path) -> None:
    dataset = open_dataset(voc_folder(tmp_path / "in"))
    done = export_dataset(dataset, tmp_path / "out.zip", "cvat_masks")
    assert done.folder == tmp_path / "out.zip"
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        names = archive.namelist()
    assert {"labelmap.txt", "SegmentationClass/a.png", "SegmentationObject/a.png", "JPEGImages/a.png"} <= set(names)
    again = open_dataset(tmp_path / "out.zip")
    assert again.format == "cvat_masks"
    for frame in again.frames:
        assert np.array_equal(again.read_labels(frame).ids, dataset.read_labels(dataset.frame(frame.stem)).ids)
    assert again.read_instances(again.frame("a")).instances == dataset.read_instances(dataset.frame("a")).instances


def test_write__label_map_of_colours_is_enough_to_read(tmp_path: Path) -> None:
    dataset = open_dataset(voc_folder(tmp_path / "in"))
    for name in ("voc", "cvat_masks"):
        export_dataset(dataset, tmp_path / name, name)
        (tmp_path / name / "segwright-classes.json").unlink()
        again = open_dataset(tmp_path / name)
        assert again.classes.names == dataset.classes.names
        assert np.array_equal(again.read_labels(again.frame("a")).ids, dataset.read_labels(dataset.frame("a")).ids)


def test_write__more_objects_than_eight_bits_hold(tmp_path: Path) -> None:
    save(tmp_path / "a.png", noise(20, 30))
    dots = tuple(Runs(1, (0, 1), Box(at // 30, at % 30, at // 30 + 1, at % 30 + 1)) for at in range(300))
    table = ClassTable.of(["background", "dot"])
    frame = Frame("a", ImageFile(tmp_path / "a.png"), ShapeMask(dots, 0, None, "a"))
    with pytest.raises(DataError, match=r"(?s)more objects than VOC.*300.*instance_maps"):
        export_dataset(Dataset(tmp_path, table, (frame,), "x"), tmp_path / "out", "voc")


def test_write__class_ids_that_a_palette_does_not_hold(tmp_path: Path) -> None:
    table = ClassTable((ClassSpec(0, "a"), ClassSpec(300, "b")), 65535)
    with pytest.raises(DataError, match=r"(?s)ids that a VOC palette does not hold.*300"):
        export_dataset(Dataset(tmp_path, table, (), "x"), tmp_path / "out", "voc")


@pytest.mark.parametrize("part", ["semantic_segmentation", "instance_segmentation", "video_annotation"])
def test_read__what_labelme_exports(shared_data: Path, part: str, tmp_path: Path) -> None:
    dataset = open_dataset(shared_data / "formats_labelme" / part / "data_dataset_voc")
    assert dataset.format == "voc"
    assert check(dataset) == []
    for name in ("voc", "cvat_masks"):
        assert not export_dataset(dataset, tmp_path / name, name).losses
        again = open_dataset(tmp_path / name)
        for frame in dataset.frames:
            ours, theirs = dataset.read_labels(frame), again.read_labels(again.frame(frame.stem))
            assert np.array_equal(ours.ids, theirs.ids)
            if part == "instance_segmentation":
                expected = dataset.read_instances(frame).sorted_set().instances
                assert again.read_instances(again.frame(frame.stem)).sorted_set().instances == expected


def test_read__stubs_of_another_tool(shared_data: Path) -> None:
    dataset = open_dataset(shared_data / "formats_datumaro" / "voc_dataset" / "voc_dataset1")
    assert dataset.read_labels(dataset.frames[0]).area_px("bicycle") == 200  # its colour is (0, 128, 0)
    assert len(dataset.read_instances(dataset.frames[0])) == 1
    assert dataset.frames[0].columns == {"part": "train"} or dataset.frames[0].columns == {"part": "test"}
