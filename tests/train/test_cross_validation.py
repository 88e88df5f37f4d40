"""Every fold by one plan, one report over all of them, a cleanup chosen on them, and one bundle of their mean."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from segwright.core import ArtefactError, ConfigError, Note
from segwright.data import columns_from_pattern, make_folds, open_dataset, write_split
from segwright.infer import load, read_bundle
from segwright.infer.card import model_card
from segwright.project import read_project
from segwright.train.folds import open_folds, plan_folds, train_folds
from segwright.train.out_of_fold import OutOfFold, finish_folds, fixed_settings
from tests.journeys.command import done, refused, segwright
from tests.train.tiny import CLASSES, PATTERN, write_project

SMALL = ("training.steps=8", "training.validate_every=4", "cleanup.crf=false")


def folded(folder: Path, folds: int = 2) -> Path:
    """The tiny project with its presses in folds, d kept aside as test."""
    path = write_project(folder)
    dataset = columns_from_pattern(open_dataset(folder / "frames", classes=CLASSES), PATTERN)
    write_split(folder / "split.json", make_folds(dataset, by="press", folds=folds, held_out={"test": ["d"]}))
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(the project file, its folds after training, the answer of the command)."""
    path = folded(tmp_path_factory.mktemp("folds"))
    project = read_project(path, SMALL)
    folds = train_folds(plan_folds(project, path.parent, (path.parent / "runs", "tiny")))
    return path, folds, finish_folds(folds, project.cleanup)


def test_plan_folds__is_one_plan_with_the_frames_of_each_fold(trained):
    _, folds, _ = trained
    first, second = (run.plan.to_json() for run in folds.runs)
    differing = {key for key in first if first[key] != second[key]}
    assert differing == {"name", "data"}
    assert [run.plan.data.fold for run in folds.runs] == [0, 1]
    assert "any fold trains on" in folds.plan.reasons["fingerprint"]
    assert [run.path.name for run in folds.runs] == ["tiny-fold0", "tiny-fold1"]


def test_finish_folds__scores_each_frame_by_the_network_that_had_not_seen_it(trained):
    _, folds, (evaluation, found) = trained
    validation = {stem for run in folds.runs for stem in run.split.stems("validation")}
    assert {row.stem for row in evaluation.frames} == validation
    pairs = OutOfFold(folds, folds.runs[0].dataset)
    for run in folds.runs:
        for stem in run.split.stems("validation"):
            assert stem not in run.split.stems("train")
            image = run.dataset.read_image(run.dataset.frame(stem))
            assert pairs.pair(stem).prediction == run.predictor().predict(image).label_map
    assert "2 folds" in evaluation.provenance["part"]
    assert (folds.path / "report.html").is_file()
    assert json.loads((folds.path / "cleanup.json").read_text(encoding="utf-8")) == json.loads(
        json.dumps(found.to_json())
    )


def test_train_folds__keeps_what_is_finished_and_goes_on_with_the_rest(trained):
    path, _, _ = trained
    said: list[str] = []
    again = plan_folds(read_project(path, SMALL), path.parent, (path.parent / "runs", "tiny"))
    train_folds(again, lambda event: said.append(event.text) if isinstance(event, Note) else None)
    assert [text for text in said if "is finished and kept" in text] == [
        "fold 0 (1 of 2): tiny-fold0 is finished and kept",
        "fold 1 (2 of 2): tiny-fold1 is finished and kept",
    ]


def test_plan_folds__refuses_runs_of_something_else(trained):
    path, _, _ = trained
    with pytest.raises(ArtefactError, match=r"(?s)made from something else.*the project file or its settings"):
        plan_folds(read_project(path, [*SMALL, "training.steps=9"]), path.parent, (path.parent / "runs", "tiny"))


def test_export_command__of_folds_is_the_mean_of_the_networks_with_a_proof(trained, tmp_path, capsys):
    _, folds, (_, found) = trained
    answer = done(segwright(capsys, "export", folds.path, "--out", tmp_path / "tiny.bundle", "--frames", "2"))
    assert answer["parity"]["passed"]
    bundle = read_bundle(answer["bundle"])
    dataset = folds.runs[0].dataset
    image = dataset.read_image(dataset.frame(folds.runs[0].split.parts["test"][0]))
    single = [run.predictor("cpu").probabilities(image).values for run in folds.runs]
    together = load(bundle.path).probabilities(image).values
    np.testing.assert_allclose(together, np.mean(single, axis=0), atol=1e-4)
    assert np.abs(single[0] - single[1]).max() > 1e-3
    assert bundle.cleanup == found.cleanup
    assert bundle.cleanup_choice["settings"][0]["reason"]
    assert set(bundle.lineage.train_frames.split()) == {
        frame for run in folds.runs for frame in run.plan.data.train_frames.split()
    }
    card = model_card(bundle.to_json())
    assert "How the cleanup was chosen" in card
    assert "2, one a fold" in card


def test_train_command__with_folds(tmp_path, capsys, monkeypatch):
    folded(tmp_path)
    monkeypatch.chdir(tmp_path)
    small = ("training.steps=2", "training.validate_every=2")
    planned = done(segwright(capsys, "train", "--folds", "--plan", *small))
    assert set(planned["plans"]) == {"tiny-fold0", "tiny-fold1"}
    assert not (tmp_path / "runs" / "tiny-fold0" / "checkpoints").exists()
    answer = done(segwright(capsys, "train", "--folds", *small))
    assert answer["images"] == 6
    assert {row["setting"] for row in answer["cleanup"]["settings"]} >= {"crf"}


def test_train_command__refuses_what_folds_cannot_go_with(tmp_path, capsys, monkeypatch):
    folded(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert "leave out --resume" in refused(segwright(capsys, "train", "--folds", "--resume"))
    assert "chooses one fold beside --folds" in refused(segwright(capsys, "train", "--folds", "split.fold=1"))
    write_project(tmp_path / "other")
    said = refused(segwright(capsys, "train", "--folds", "other/segwright.yaml"))
    assert "holds no folds" in said
    assert "--folds 5" in said


def test_open_folds__refuses_another_folder(tmp_path):
    with pytest.raises(ArtefactError, match="holds no cross-validation"):
        open_folds(tmp_path)


def test_plan_folds__wants_folds(tmp_path):
    path = write_project(tmp_path)
    with pytest.raises(ConfigError, match="holds no folds"):
        plan_folds(read_project(path), tmp_path, (tmp_path / "runs", "tiny"))


def test_fixed_settings__are_those_the_file_says(tmp_path):
    path = write_project(tmp_path)
    said = ("cleanup.opening_radius_px={blob: 1}", "cleanup.min_area_px=4", "cleanup.crf=true")
    assert fixed_settings(read_project(path, said).cleanup) == {"opening_radius_px.blob", "min_area_px", "crf"}
    assert fixed_settings(read_project(path).cleanup) == set()
