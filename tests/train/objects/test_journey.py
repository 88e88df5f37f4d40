"""Objects from labelled frames to a calibrated bundle, by the commands a user types."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from segwright.train.checkpoint import BEST, load_weights
from tests.journeys.command import done, refused, segwright
from tests.train.objects.squares import PROJECT, write_frames


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder with frames, segwright.yaml and its split, and the current one."""
    monkeypatch.chdir(tmp_path)
    write_frames(tmp_path / "frames")
    (tmp_path / "segwright.yaml").write_text(PROJECT)
    words = ("--hold-out", "train=a", "--hold-out", "validation=b", "--fractions", "train=1")
    done(segwright(capsys, "split", "segwright.yaml", "--by", "line", *words[2:]))
    return tmp_path


def content(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_objects__trained_and_scored_with_pictures(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done(segwright(capsys, "train", "--run", "run"))
    own = content(project / "run" / "evaluation.json")
    assert own["task"] == "instance"
    assert own["provenance"]["part"] == "validation"
    assert "data:image" in (project / "run" / "report.html").read_text()
    of_run = done(segwright(capsys, "evaluate", "run", "--report", "run.html"))
    assert of_run["scores"]["mask_ap"] == own["scores"]["mask_ap"]
    assert "data:image" in (project / "run.html").read_text()


def test_objects__exported_predicted_and_calibrated(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done(segwright(capsys, "train", "training.steps=2", "--run", "run"))
    own = content(project / "run" / "evaluation.json")
    done(segwright(capsys, "export", "run", "--out", "one.bundle", "--frames", "1"))
    of_bundle = done(segwright(capsys, "evaluate", "one.bundle", "--data", "segwright.yaml", "--split", "split.json"))
    assert of_bundle["scores"]["mask_ap50"] == pytest.approx(own["scores"]["mask_ap50"], abs=0.05)
    done(segwright(capsys, "predict", "one.bundle", "frames", "--out", "found"))
    assert content(project / "found" / "manifest.json")["task"] == "instance"
    assert isinstance(content(project / "found" / "instances.json"), list)
    words = ("one.bundle", "--data", "segwright.yaml", "--split", "split.json", "--part", "validation", "--allow")
    calibrated = done(segwright(capsys, "calibrate", *words, "--to", "two.bundle"))
    assert calibrated["iou"] == 0.5
    assert (content(project / "two.bundle" / "bundle.json")["objects"]["thresholds"] == {}) is not calibrated["kept"]
    assert "Finds objects in a frame" in (project / "two.bundle" / "card.md").read_text()


def test_objects__from_its_written_plan_a_run_gives_the_same_weights(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done(segwright(capsys, "train", "--run", "whole"))
    done(segwright(capsys, "train", "--run", "again", "--plan"))
    done(segwright(capsys, "train", "--resume", "--run", "again"))
    one, other = (load_weights(project / name / "checkpoints" / BEST) for name in ("whole", "again"))
    assert one.keys() == other.keys()
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_objects__a_plan_has_reasons_and_mistakes_are_said(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done(segwright(capsys, "train", "--plan", "--run", "planned"))
    text = (project / "planned" / "plan.yaml").read_text()
    assert "objects are" in text
    assert "loss.weights: 'not used: maskrcnn learns from its paper''s own losses" in text
    assert "half cross-entropy" not in text
    for word, text in (
        ("model.network=maskrcn", "model.network: is not an instance network"),
        ("model.options.head_widht=8", "did you mean 'head_width'"),
        ("model.options.anchor_sizes_px=[8,16]", "5 values, one a pyramid level"),
    ):
        assert text in refused(segwright(capsys, "train", word, "--run", "wrong"))
    assert not (project / "wrong").exists()
