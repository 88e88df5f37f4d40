"""Real annotations through every format of shapes, one after the other, by the command line: nothing moves."""

from __future__ import annotations

from pathlib import Path

import pytest

from segwright.data import open_dataset
from segwright.data.archive import CACHE_VARIABLE
from tests.journeys.command import done, segwright

CHAIN = ("cvat_xml", "label_studio", "supervisely", "via", "geojson", "datumaro_json", "coco_json", "labelme_json")


def test_photographs_of_labelme_pass_through_every_format(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Photographs with void regions, groups and objects that cover each other."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    first = shared_data / "formats_labelme" / "instance_segmentation" / "data_annotated"
    source = first
    for at, name in enumerate(CHAIN):
        target = tmp_path / (f"{name}.zip" if at % 2 else name)
        done(segwright(capsys, "data", "export", source, "--to", target, "--format", name))
        source = target
    before, after = open_dataset(first), open_dataset(source)
    assert after.format == CHAIN[-1]
    for one, other in zip(before.frames, after.frames, strict=True):
        assert after.read_labels(other) == before.read_labels(one)
        assert after.read_instances(other).sorted_set() == before.read_instances(one).sorted_set()


def test_yolo_says_what_it_loses(shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = shared_data / "formats_labelme" / "instance_segmentation" / "data_annotated"
    answer = done(segwright(capsys, "data", "export", source, "--to", tmp_path / "out", "--format", "yolo_seg"))
    assert any("void pixels become background" in text for text in answer["losses"])
    dataset = open_dataset(tmp_path / "out")
    assert (dataset.format, len(dataset)) == ("yolo_seg", 3)
