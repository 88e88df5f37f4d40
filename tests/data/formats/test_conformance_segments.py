"""Segments and crowds through every format: they come back, or are counted as lost."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from segwright.core import ClassTable, Instance, LabelMap, PanopticMap, Segment, adopt, label_map_from_panoptic
from segwright.data import FORMATS, Dataset, Frame, FrameShape, ImageFile, export_dataset, open_dataset
from tests.data.formats.test_conformance import CLASSES, HEIGHT, WIDTH, WRITABLE
from tests.data.pictures import noise, save


@dataclass(frozen=True)
class Drawn:
    """Segments held in memory."""

    panoptic: PanopticMap

    def read(self, shape: FrameShape, classes: ClassTable) -> LabelMap:
        return label_map_from_panoptic(self.panoptic)

    def read_panoptic(self, shape: FrameShape, classes: ClassTable) -> PanopticMap:
        return self.panoptic

    files: tuple[Path, ...] = ()
    digest: str = "drawn"


def segmented(root: Path, *, crowd: bool) -> Dataset:
    """Two things of one class, one of another, two kinds of stuff; void and a crowd where wanted."""
    ids = np.full((HEIGHT, WIDTH), 9, np.uint32)
    ids[1:4, 1:4], ids[2:6, 4:8], ids[8:12, 8:12], ids[:, 16:] = 3, 4, 70, 200
    segments = [Segment(9, 0), Segment(3, 1), Segment(4, 1), Segment(70, 2), Segment(200, 5)]
    if crowd:
        ids[12:, :5], ids[13, 15] = 11, 0
        segments.append(Segment(11, 2, crowd=True))
    save(root / "source" / "a.png", noise(HEIGHT, WIDTH))
    frame = Frame("a", ImageFile(root / "source" / "a.png"), Drawn(PanopticMap(adopt(ids), tuple(segments), CLASSES)))
    return Dataset(root / "source", CLASSES, (frame,), "coco_panoptic")


def partition(panoptic: PanopticMap) -> set[tuple[int, bool, bytes]]:
    """The segments as class, crowd and pixels: what a panoptic map says apart from the numbers it gives them."""
    return {(one.class_id, one.crowd, (panoptic.segment_ids == one.segment_id).tobytes()) for one in panoptic.segments}


def things_of(dataset: Dataset) -> list[Instance]:
    """The objects of countable classes, in an order of their own."""
    things = {spec.class_id for spec in CLASSES if spec.kind == "thing"}
    return [one for one in dataset.read_instances(dataset.frames[0]).sorted_set() if one.class_id in things]


@pytest.mark.parametrize("name", WRITABLE)
@pytest.mark.parametrize("crowd", [False, True])
def test_format__segments_come_back_or_are_counted_as_lost(name: str, crowd: bool, tmp_path: Path) -> None:
    dataset = segmented(tmp_path, crowd=crowd)
    losses = export_dataset(dataset, tmp_path / "out", name).losses
    again = open_dataset(tmp_path / "out", format=name)
    carries = FORMATS[name].carries
    assert any("the segments of a frame" in text for text in losses) == ("segments" not in carries)
    expected = dataset.read_labels(dataset.frames[0]).ids
    found = again.read_labels(again.frames[0]).ids
    assert np.array_equal(found, expected if "void" in carries else np.where(expected == 255, 0, expected))
    if "segments" in carries and (not crowd or "crowd" in carries):
        assert partition(again.read_panoptic(again.frames[0])) == partition(dataset.read_panoptic(dataset.frames[0]))
    if "objects" in carries and not crowd:
        assert things_of(dataset) == things_of(again)  # formats without segments give stuff back as an object


@pytest.mark.parametrize("name", WRITABLE)
def test_format__frames_go_to_other_processes(name: str, tmp_path: Path) -> None:
    export_dataset(segmented(tmp_path, crowd=False), tmp_path / "out", name)
    dataset = open_dataset(tmp_path / "out", format=name)
    again = pickle.loads(pickle.dumps(dataset))
    assert again.content_hash == dataset.content_hash
    assert np.array_equal(again.read_labels(again.frames[0]).ids, dataset.read_labels(dataset.frames[0]).ids)
