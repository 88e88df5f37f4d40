"""Every format that is written gives a dataset back, or says what is lost. One suite for all of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segwright.core import Box, ClassSpec, ClassTable, ConfigError, DataError, adopt
from segwright.data import FORMATS, Dataset, Frame, ImageFile, IndexMask, export_dataset, open_dataset, write_label_map
from segwright.data.exporting import features_of
from segwright.data.shapes import ObjectFacts, Outlines, Runs, Shape, ShapeMask
from tests.data.pictures import noise, save

# formats that refuse most class tables or frames, by their nature: their own tests write and read them
NARROW = {"binary_masks", "class_folders", "geotiff", "object_files", "open_images"}
WRITABLE = sorted(name for name, form in FORMATS.items() if form.write is not None and name not in NARROW)
CLASSES = ClassTable(
    (ClassSpec(0, "background"), ClassSpec(1, "scratch", "thing"), ClassSpec(2, "dent", "thing"), ClassSpec(5, "oil")),
    background="background",
)
HEIGHT, WIDTH = 14, 19
STEMS = ("a", "line 2/b ü", "line 2/c")


def _images(root: Path) -> dict[str, ImageFile]:
    for at, stem in enumerate(STEMS):
        save(root / "source" / f"{stem}.png", noise(HEIGHT, WIDTH, seed=at))
    return {stem: ImageFile(root / "source" / f"{stem}.png") for stem in STEMS}


def labelled(root: Path, *, void: bool) -> Dataset:
    """Three frames of class ids: one with everything, one of background alone, one of one class."""
    from segwright.core import LabelMap

    full = np.zeros((HEIGHT, WIDTH), np.uint8)
    full[2:6, 3:9], full[3, 4], full[8:, 12:], full[0, 0], full[6, 9] = 1, 0, 2, 5, 1
    if void:
        full[10:12, 1:4] = 255
    maps = {"a": full, "line 2/b ü": full * 0, "line 2/c": np.full_like(full, 2)}
    frames = []
    for stem, image in _images(root).items():
        path = root / "source masks" / f"{stem}.png"
        write_label_map(path, LabelMap(adopt(maps[stem]), CLASSES))
        columns = {} if stem == "a" else {"line": "two", "folder": "line 2"}
        frames.append(Frame(stem, image, IndexMask(path), columns))
    return Dataset(root / "source", CLASSES, tuple(frames), "index_png")


def _square(class_id: int, left: float, top: float, side: float, **facts) -> Outlines:
    corners = np.array([[left, top], [left + side, top], [left + side, top + side], [left, top + side]], float)
    return Outlines(class_id, (corners,), facts=ObjectFacts(**facts))


def objects(root: Path) -> Dataset:
    """Frames of objects: overlapping, of two parts, with a hole, one pixel wide; two touching ones of one class."""
    hole = np.array([[4, 4], [6, 4], [6, 6], [4, 6]], float)
    ring = replace(_square(2, 2, 2, 7), holes=(hole,))
    parts = Outlines(1, (_square(1, 0, 10, 2).outlines[0], _square(1, 5, 10, 2).outlines[0]))
    dots = Runs(5, (0, 1, 3), Box(12, 16, 13, 20), by_column=False)
    drawn: dict[str, tuple[Shape, ...]] = {
        "a": (ring, _square(1, 5, 3, 6), parts, dots),
        "line 2/b ü": (),
        "line 2/c": (_square(1, 0, 0, 4), _square(1, 4, 0, 4)),
    }
    frames = [Frame(stem, image, ShapeMask(drawn[stem], 0, None, stem)) for stem, image in _images(root).items()]
    return Dataset(root / "source", CLASSES, tuple(frames), "coco_json")


def _again(dataset: Dataset, folder: Path, name: str) -> tuple[Dataset, tuple[str, ...]]:
    written = export_dataset(dataset, folder, name)
    return open_dataset(folder, format=name), written.losses


def _without_void(ids: np.ndarray) -> np.ndarray:
    return np.where(ids == CLASSES.void_id, 0, ids)


@pytest.mark.parametrize("name", WRITABLE)
@pytest.mark.parametrize("void", [False, True])
def test_format__class_ids_come_back(name: str, void: bool, tmp_path: Path) -> None:
    dataset = labelled(tmp_path, void=void)
    again, losses = _again(dataset, tmp_path / "out", name)
    assert again.classes == CLASSES
    assert [frame.stem for frame in again.frames] == list(STEMS)
    kept = "void" in FORMATS[name].carries
    assert losses == (("void pixels become background: 1 frames have some",) if void and not kept else ())
    for before, after in zip(dataset.frames, again.frames, strict=True):
        expected = dataset.read_labels(before).ids
        found = again.read_labels(after).ids
        assert np.array_equal(found, expected if kept else _without_void(expected)), before.stem
        assert again.read_image(after) == dataset.read_image(before)
        assert after.columns["line"] == "two" if before.stem != "a" else "line" not in after.columns


@pytest.mark.parametrize("name", WRITABLE)
def test_format__objects_come_back_or_are_counted_as_lost(name: str, tmp_path: Path) -> None:
    dataset = objects(tmp_path)
    again, losses = _again(dataset, tmp_path / "out", name)
    carries = FORMATS[name].carries
    assert any("which object" in text for text in losses) == ("objects" not in carries)
    assert any("under another" in text for text in losses) == ("overlap" not in carries)
    for before, after in zip(dataset.frames, again.frames, strict=True):
        assert np.array_equal(again.read_labels(after).ids, dataset.read_labels(before).ids), before.stem
        if {"objects", "overlap"} <= carries:
            ours, theirs = (one.read_instances(frame) for one, frame in ((dataset, before), (again, after)))
            assert ours.sorted_set() == theirs.sorted_set()
        elif "objects" in carries:
            assert len(again.read_instances(after)) == len(dataset.read_instances(before))


@pytest.mark.parametrize("name", WRITABLE)
def test_format__is_recognised_when_nobody_says_it(name: str, tmp_path: Path) -> None:
    export_dataset(labelled(tmp_path, void=False), tmp_path / "out", name)
    assert open_dataset(tmp_path / "out").format == name


@pytest.mark.parametrize("name", WRITABLE)
def test_format__writing_again_changes_nothing(name: str, tmp_path: Path) -> None:
    first, _ = _again(labelled(tmp_path, void=False), tmp_path / "one", name)
    second, _ = _again(first, tmp_path / "two", name)
    assert first.content_hash[32:] == second.content_hash[32:]
    assert features_of(first) == features_of(second)


def test_export_dataset__never_writes_over_a_folder(tmp_path: Path) -> None:
    dataset = labelled(tmp_path, void=False)
    with pytest.raises(DataError, match="exists already"):
        export_dataset(dataset, tmp_path, "index_png")


def test_export_dataset__leaves_nothing_where_a_frame_cannot_be_read(tmp_path: Path) -> None:
    dataset = labelled(tmp_path, void=False)
    (tmp_path / "source" / "a.png").write_bytes(b"")
    with pytest.raises(DataError, match="is empty"):
        export_dataset(dataset, tmp_path / "out", "index_png")
    assert not list(tmp_path.glob("*out*"))


@pytest.mark.parametrize("stem", ["../a", "/a", "b/../../a", "b\\a"])
def test_export_dataset__names_that_lead_out_of_the_folder(tmp_path: Path, stem: str) -> None:
    dataset = labelled(tmp_path, void=False)
    stray = replace(dataset, frames=(replace(dataset.frames[0], stem=stem),))
    with pytest.raises(DataError, match="has a name that leads out of the folder"):
        export_dataset(stray, tmp_path / "out" / "in", "index_png")
    assert not (tmp_path / "out").exists()


def test_export_dataset__unknown_format_and_option(tmp_path: Path) -> None:
    dataset = labelled(tmp_path, void=False)
    with pytest.raises(ConfigError, match="did you mean 'index_png'"):
        export_dataset(dataset, tmp_path / "out", "index_pngs")
    with pytest.raises(ConfigError, match="unknown option for writing"):
        export_dataset(dataset, tmp_path / "out", "index_png", options={"colour": 3})
