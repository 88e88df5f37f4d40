"""A run on one fold of a split: its own frames, its own folder, and an evaluation of the same fold."""

from __future__ import annotations

from pathlib import Path

import pytest

from segwright.core import ConfigError, DataError
from segwright.data import Grouping, columns_from_pattern, make_folds, make_split, open_dataset, read_folds, write_split
from segwright.project import read_project
from segwright.train import open_run, plan_project, start_run
from tests.journeys.command import done, refused, segwright
from tests.train.tiny import CLASSES, PATTERN, write_frames, write_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The tiny project, its presses in three folds beside a test part."""
    path = write_project(tmp_path)
    dataset = columns_from_pattern(open_dataset(tmp_path / "frames", classes=CLASSES), PATTERN)
    folds = make_folds(dataset, by="press", folds=3, held_out={"test": ["d"]})
    write_split(tmp_path / "split.json", folds)
    return path


def test_plan_project__needs_a_fold_and_keeps_it(project: Path) -> None:
    with pytest.raises(ConfigError, match=r"(?s)holds 3 folds, and none is chosen.*segwright train split.fold=0"):
        plan_project(read_project(project), project.parent)
    plan, _, split = plan_project(read_project(project, ["split.fold=2"]), project.parent)
    assert split == read_folds(project.parent / "split.json")[2]
    run = start_run(plan, project.parent / "runs" / "tiny")
    assert (run.plan.data.fold, open_run(run.path).split) == (2, split)
    assert run.plan.data.split_hash == split.content_hash


def test_plan_project__a_project_that_asks_for_other_blocks_than_the_split_has(tmp_path: Path) -> None:
    path = write_project(tmp_path)
    asked = ["split.block=1", "split.gap=2"]
    with pytest.raises(DataError, match=r"(?s)another `split.block`.*--block 1, or correct `split.block`") as caught:
        plan_project(read_project(path, asked), tmp_path)
    assert len(caught.value.problems) == 2


def test_plan_project__says_what_a_split_by_blocks_goes_by(tmp_path: Path) -> None:
    path = write_project(tmp_path)
    pattern = r"(?P<press>.)_(?P<number>\d+)"
    dataset = open_dataset(tmp_path / "frames", classes=CLASSES, columns_from=pattern)
    split = make_split(dataset, by=Grouping("press,number", "1"), fractions={"train": 0.5, "validation": 0.5})
    write_split(tmp_path / "split.json", split)
    wanted = ["split.by='press, number'", f"data.columns_from='{pattern}'"]
    plan, _, _ = plan_project(read_project(path, wanted), tmp_path)
    assert plan.data.split_by == "press,number in blocks of 1"


def test_train_and_evaluate__the_same_fold(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.parent)
    small = ("training.steps=2", "training.validate_every=1")
    trained = done(segwright(capsys, "train", "split.fold=1", *small))
    assert Path(trained["run"]).name == "tiny-fold1"
    own = done(segwright(capsys, "evaluate", trained["run"]))
    fold = read_folds("split.json")[1]
    assert own["provenance"]["fold"] == 1
    assert own["images"] == trained["images"] == len(fold.parts["validation"])
    by_file = done(segwright(capsys, "evaluate", trained["run"], "--data", "segwright.yaml", "--split", "split.json"))
    assert by_file["provenance"]["split_hash"] == own["provenance"]["split_hash"] == fold.content_hash
    said = refused(segwright(capsys, "evaluate", trained["run"], "--fold", "0"))
    assert "is not the fold the model was trained with: it was trained on these frames" in said
    test = done(segwright(capsys, "evaluate", trained["run"], "--fold", "0", "--part", "test"))
    assert test["images"] == len(fold.parts["test"])


def test_fold__of_no_split_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames = write_frames(tmp_path / "frames")
    said = refused(segwright(capsys, "evaluate", "--predictions", frames, "--truth", frames, "--fold", "0"))
    assert "mix a model with stored predictions" in said
    assert "--fold" in said
