"""`segwright budget`: a few steps on drawn frames, read again from its runs, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.command import done, refused, segwright
from tests.train.tiny import write_project


def test_budget__measures_a_curve_that_can_be_read_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = write_project(tmp_path)
    page = tmp_path / "budget.html"
    words = ("--sizes", "2,all", "--seeds", "1", "--steps", "2", "training.validate_every=2", "--report", page)
    answer = done(segwright(capsys, "budget", project, *words))
    assert [(run["frames"], run["groups"]) for run in answer["runs"]] == [(2, 1), (4, 2)]
    forecast = answer["curves"]["pooled_miou_foreground"]["forecast"]
    assert forecast["identified"] is False
    assert "too few points" in forecast["reason"]
    assert "No forecast" in page.read_text(encoding="utf-8")

    runs = tmp_path / "runs" / "tiny-budget"
    again = done(segwright(capsys, "budget", "--from-runs", runs, "--score", "blob.iou", "--by-groups"))
    assert again["runs"] == answer["runs"]
    assert next(iter(again["curves"])) == "blob.iou"
    assert again["curves"]["blob.iou"]["unit"] == "groups"


def test_budget__refuses_what_it_cannot_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "cannot be read" in refused(segwright(capsys, "budget", "--sizes", "25;50"))
    assert "does not exist" in refused(segwright(capsys, "budget", tmp_path / "segwright.yaml"))
    assert "is not a run" in refused(segwright(capsys, "budget", "--from-runs", tmp_path))
    said = refused(segwright(capsys, "budget", "segwright.yaml", "--from-runs", tmp_path))
    assert "takes no project file" in said
