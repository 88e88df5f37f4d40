"""Objects and segments through the verbs that train more than once: --folds, budget, --search, distill."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.command import done, refused, segwright
from tests.train.objects.panoptic_frames import write_panoptic_set
from tests.train.objects.test_panoptic_journey import PROJECT, REGIONS

TINY = {**REGIONS, "anchors_to_train": 8, "regions_to_train": 8}
NETWORKS = {"panoptic": "panoptic_fpn", "instance": "maskrcnn"}
SCORES = {"panoptic": "pq", "instance": "mask_ap"}
ONE_STEP = ("training.steps=1", "training.validate_every=1")
SPLIT = ("--by", "line", "--hold-out", "validation=b", "--fractions", "train=1")


def project_of(folder: Path, task: str) -> None:
    """segwright.yaml of the task."""
    given = {"task": task, "network": NETWORKS[task], "encoder": "test_resnet", "options": json.dumps(TINY)}
    (folder / "segwright.yaml").write_text(PROJECT.format(**given, score=0.05), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_panoptic_set(tmp_path / "frames")
    return tmp_path


def content(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("task", ["panoptic", "instance"])
def test_folds__are_scored_as_one_and_not_averaged(folder: Path, capsys: pytest.CaptureFixture[str], task: str) -> None:
    project_of(folder, task)
    done(segwright(capsys, "split", "segwright.yaml", "--by", "line", "--folds", "2", "--fractions", "train=1"))
    found = done(segwright(capsys, "train", "--folds", *ONE_STEP))
    assert found["images"] == 4
    assert "cleanup" not in found
    whole = content(folder / "runs" / "parts-folds" / "evaluation.json")
    assert whole["scores"] == found["scores"]
    assert whole["provenance"]["part"].endswith("each frame by the network that had not seen it")
    own = [content(folder / "runs" / f"parts-fold{fold}" / "evaluation.json") for fold in (0, 1)]
    assert {line for each in own for line in each["by_domain"]["line"]} == set(whole["by_domain"]["line"]) == {"a", "b"}
    for each in own:
        (line,) = each["by_domain"]["line"]
        assert whole["by_domain"]["line"][line] == each["by_domain"]["line"][line]
    assert (folder / "runs" / "parts-folds" / "report.html").is_file()
    assert done(segwright(capsys, "train", "--folds", *ONE_STEP))["scores"] == found["scores"], "it goes on, and ends"

    said = refused(segwright(capsys, "export", "runs/parts-folds"))
    assert "cannot be averaged: nobody says which object of one network is which of another" in said
    assert "segwright export" in said
    assert "parts-fold0" in said

    read = done(segwright(capsys, "budget", "--from-runs", "runs/parts-fold0"))
    assert next(iter(read["curves"])) == SCORES[task]
    assert f"bolt.{SCORES[task]}" in read["curves"]
    apart = refused(segwright(capsys, "budget", "--from-runs", "runs/parts-fold0", "--from-runs", "runs/parts-fold1"))
    assert "were not scored on the same held-out frames and classes, by the same task" in apart
    said = refused(segwright(capsys, "distill", "runs/parts-fold0", *ONE_STEP, "split.fold=0"))
    assert "teaches a class for every pixel, and nothing of objects" in said
    assert "let the smaller network learn from the labels alone" in said


def test_panoptic__budget_and_search(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project_of(folder, "panoptic")
    done(segwright(capsys, "split", "segwright.yaml", *SPLIT))
    found = done(segwright(capsys, "budget", "--sizes", "all", "--seeds", "1", "--steps", "1", "--report", "b.html"))
    (run,) = found["runs"]
    assert run["frames"] == 2
    assert {"pq", "pq_things", "belt.pq", "bolt.pq"} <= run["scores"].keys()
    assert found["curves"]["pq"]["values"] == [[2, run["scores"]["pq"]]]
    assert "labelled frames" in (folder / "b.html").read_text(encoding="utf-8")
    said = refused(segwright(capsys, "budget", "--from-runs", "runs/parts-budget", "--score", "iou"))
    assert "leave --score out: it is pq then" in said

    tried = done(segwright(capsys, "train", *ONE_STEP, "--search", "1", "--run", "searched"))
    assert tried["score"] == "pq"
    assert tried["trials"][0]["state"] == "whole"
    assert set(tried["trials"][0]["values"]) == {
        "training.learning_rate",
        "training.augment.colour",
        "training.rare_crops",
    }
    space = 'search.space={"loss.dice": [0.1, 1.0], "inference.flips": [true]}'
    said = refused(segwright(capsys, "train", *ONE_STEP, space, "--search", "1", "--run", "other"))
    assert "names settings that change nothing for task: panoptic: the network learns from its paper's own" in said
    assert "found:   loss.dice, inference.flips" in said
    assert not (folder / "other").exists()
