"""Every format that is written gives a dataset back, or says what is lost. One suite for all of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segwright.core import Box, ClassSpec, ClassTable, ConfigError, DataError, InstanceSet, LabelMap, adopt
from segwright.data import FORMATS, Dataset, Frame, ImageFile, IndexMask, export_dataset, open_dataset, write_label_map
from segwright.data.archive import CACHE_VARIABLE
from segwright.data.exporting import features_of
from segwright.data.shapes import ObjectFacts, Outlines, Runs, Shape, ShapeMask, Stroke
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


def told(root: Path) -> Dataset:
    """Frames of which more is said: crowds, attributes, a void region and a background one that cover, lines."""
    said = {"occluded": "true", "inspector": "Zoë", "press <1> & 2": "3"}
    crowd = ObjectFacts(None, True, 1)
    drawn: dict[str, tuple[Shape, ...]] = {
        "a": (
            Runs(255, (2, 5, 3), Box(0, 3, 2, 8), by_column=False, facts=crowd),
            _square(1, 2.25, 2.5, 7.1, attributes=said),
            _square(2, 1, 1, 3, object_id="7"),
            _square(2, 12, 9, 3, object_id="7"),
            Runs(255, (0, 6), Box(6, 4, 8, 7), by_column=False),
            _square(0, 8, 8, 1),
        ),
        "line 2/b ü": (Stroke(5, np.array([[2, 3], [11.5, 9]], float), 2.5), _square(1, 20, 20, 5)),
        "line 2/c": (_square(5, 0, 0, 30, attributes={"note": ""}),),
    }
    frames = [Frame(stem, image, ShapeMask(drawn[stem], 0, None, stem)) for stem, image in _images(root).items()]
    return Dataset(root / "source", CLASSES, tuple(frames), "cvat_xml")


def drawn(root: Path) -> Dataset:
    """Polygons that lie inside their frames and cover each other as larger below smaller."""
    star = np.array([[3.25, 1.5], [9.75, 12.25], [15.5, 2], [2, 8.125], [17.3, 9.9]], float)
    shapes: dict[str, tuple[Shape, ...]] = {
        "a": (Outlines(1, (star,)), _square(2, 6.2, 4.3, 2.1)),
        "line 2/b ü": (),
        "line 2/c": (_square(1, 0, 0, 4), _square(2, 4, 0, 4)),
    }
    frames = [Frame(stem, image, ShapeMask(shapes[stem], 0, None, stem)) for stem, image in _images(root).items()]
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
def test_format__what_is_said_of_objects_comes_back_or_is_counted_as_lost(name: str, tmp_path: Path) -> None:
    dataset = told(tmp_path)
    again, losses = _again(dataset, tmp_path / "out", name)
    carries = FORMATS[name].carries
    for feature, words in (("crowd", "is a crowd"), ("attributes", "beyond their class"), ("strokes", "their brush")):
        assert any(words in text for text in losses) == (feature not in carries), feature
    for before, after in zip(dataset.frames, again.frames, strict=True):
        expected = dataset.read_labels(before).ids
        found = again.read_labels(after).ids
        assert np.array_equal(found, expected if "void" in carries else _without_void(expected)), before.stem
        if {"objects", "overlap", "crowd", "attributes"} <= carries:
            ours, theirs = (one.read_instances(frame) for one, frame in ((dataset, before), (again, after)))
            assert ours.sorted_set() == theirs.sorted_set()
        elif {"objects", "attributes"} <= carries:
            ours, theirs = (one.read_instances(frame) for one, frame in ((dataset, before), (again, after)))
            assert _attributes(ours) == _attributes(theirs)


def _attributes(objects: InstanceSet) -> list[dict[str, str]]:
    return sorted((dict(one.attributes) for one in objects if not one.crowd), key=repr)


@pytest.mark.parametrize("name", [name for name in WRITABLE if "outlines" in FORMATS[name].carries])
def test_format__outlines_come_back_as_they_were_drawn(name: str, tmp_path: Path) -> None:
    """To a ten-thousandth of a pixel: some formats write shares of the frame instead."""
    dataset = drawn(tmp_path)
    again, losses = _again(dataset, tmp_path / "out", name)
    assert not [text for text in losses if "outlines as they were drawn" in text]
    for before, after in zip(dataset.frames, again.frames, strict=True):
        assert np.array_equal(again.read_labels(after).ids, dataset.read_labels(before).ids)
        ours, theirs = (sorted(_rings(frame), key=repr) for frame in (before, after))
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert np.allclose(one, other, atol=1e-4)


def _rings(frame: Frame) -> list[list[list[float]]]:
    assert isinstance(frame.mask, ShapeMask)
    shapes = [shape for shape in frame.mask.shapes if isinstance(shape, Outlines)]
    return [np.round(ring, 3).tolist() for shape in shapes for ring in (*shape.outlines, *shape.holes)]


@pytest.mark.parametrize("name", [name for name in WRITABLE if "tolerance_px" in FORMATS[name].write_options])
def test_format__simplified_outlines_leave_no_gap(name: str, tmp_path: Path) -> None:
    source = tmp_path / "source" / "a.png"
    save(source, noise(40, 50))
    rows, columns = np.mgrid[:40, :50]
    ids = np.where(columns + 6 * np.sin(rows / 5) < 20, 1, np.where(rows + columns < 70, 2, 5)).astype(np.uint8)
    write_label_map(tmp_path / "mask.png", LabelMap(adopt(ids.copy()), CLASSES))
    frame = Frame("a", ImageFile(source), IndexMask(tmp_path / "mask.png"))
    dataset = Dataset(tmp_path / "source", CLASSES, (frame,), "index_png")
    written = export_dataset(dataset, tmp_path / "out", name, options={"tolerance_px": 1})
    assert any("borders to the pixel" in text for text in written.losses)
    again = open_dataset(tmp_path / "out", format=name)
    found = again.read_labels(again.frames[0]).ids
    assert not (found == 0).any()
    assert 0 < (found != ids).mean() < 0.1
    with pytest.raises(ConfigError, match="is no tolerance"):
        export_dataset(dataset, tmp_path / "other", name, options={"tolerance_px": -1})


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


@pytest.mark.parametrize("name", WRITABLE)
def test_format__a_zip_holds_what_the_folder_holds(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    dataset = labelled(tmp_path, void=False)
    folder = export_dataset(dataset, tmp_path / "out", name)
    packed = export_dataset(dataset, tmp_path / "out.zip", name)
    assert packed.losses == folder.losses
    again = open_dataset(tmp_path / "out.zip")
    assert again.format == name
    assert again.content_hash == open_dataset(tmp_path / "out").content_hash
    assert sorted(path.name for path in tmp_path.iterdir() if "out" in path.name) == ["out", "out.zip"]


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
