"""A search tries what its space says, forgets nothing when it is killed, and ends in a project file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from segwright.core import ArtefactError, ConfigError, Event, Measured
from segwright.project import read_project
from segwright.project.schema import Project
from segwright.train import plan_project
from segwright.train.search import SearchResult, TrialRow, search
from segwright.train.search_settings import given_settings, require_searchable, with_values, write_best
from tests.journeys.command import done, refused, segwright
from tests.train.conftest import Tiny
from tests.train.test_resume import Killed

SPACE = {
    "training.learning_rate": {"low": 1e-3, "high": 1e-2, "log": True},
    "training.batch": {"low": 2, "high": 3},
    "loss.dice": [0.2, 1.0],
}


def project_with(tiny: Tiny, **settings: object) -> Project:
    words = [
        f"{key.replace('__', '.')}={yaml.safe_dump(value, default_flow_style=True)}" for key, value in settings.items()
    ]
    return read_project(tiny.project, ["training.steps=4", "training.validate_every=2", *words])


def test_search__killed_and_gone_on_ends_with_the_table_of_one_left_alone(tiny: Tiny, tmp_path: Path) -> None:
    project = project_with(tiny, search__space=SPACE)
    whole = search(project, tiny.project.parent, tmp_path / "whole", 3)
    rounds = []

    def killed(event: Event) -> None:
        if isinstance(event, Measured) and event.stage == "validation":
            rounds.append(event.step)
            if len(rounds) == 3:  # the first round of the second trial, which Optuna has not been told
                raise Killed("gone")

    with pytest.raises(Killed, match="gone"):
        search(project, tiny.project.parent, tmp_path / "cut", 3, killed)
    cut = search(project, tiny.project.parent, tmp_path / "cut", 3)
    assert cut == whole
    assert [row.number for row in whole.rows] == [0, 1, 2]
    assert {row.state for row in whole.rows} == {"whole"}
    assert len({row.values["training.learning_rate"] for row in whole.rows}) == 3
    assert all(row.values["training.batch"] in (2, 3) and row.values["loss.dice"] in (0.2, 1.0) for row in whole.rows)
    again = search(project, tiny.project.parent, tmp_path / "cut", 2)
    assert again.rows == whole.rows[:2]
    other = project_with(tiny, search__space=SPACE, training__weight_decay=0.5)
    with pytest.raises(ArtefactError, match=r"(?s)made from something else.*another --run"):
        search(other, tiny.project.parent, tmp_path / "cut", 3)


def test_search__a_trial_below_the_median_stops_early_and_never_wins(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter(
        [0.5, 0.6, 0.1, 0.9, 0.7, 0.8]
    )  # two rounds of trial 0; the second stops at its first, so 0.9 is of the third

    def scored(*_: object) -> object:
        return lambda network: {"scores": {"pooled_miou_foreground": next(scores)}, "class_iou": {"blob": 0.5}}

    monkeypatch.setattr("segwright.train.tasks.validator", scored)
    project = project_with(tiny, search={"space": SPACE, "prune_after": 1})
    found = search(project, tiny.project.parent, tmp_path / "search", 3)
    assert [(row.state, row.score, row.step) for row in found.rows] == [
        ("whole", 0.6, 4),
        ("pruned", 0.1, 2),
        ("whole", 0.9, 4),
    ]
    assert found.best is not None
    assert found.best.number == 2


def test_search__a_full_disk_fails_no_trial(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    project = project_with(tiny, search__space=SPACE)
    with monkeypatch.context() as disk:
        disk.setattr("segwright.train.checkpoint.torch.save", full)
        with pytest.raises(ArtefactError, match=r"(?s)could not be written.*No space left.*--search.*same command"):
            search(project, tiny.project.parent, tmp_path / "search", 1)
    assert search(project, tiny.project.parent, tmp_path / "search", 1).rows[0].state == "whole"


def test_best__of_no_whole_trial_is_none() -> None:
    assert SearchResult("x", (TrialRow(0, "failed", None, 0, {}), TrialRow(1, "pruned", 0.9, 2, {}))).best is None


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"training.seed": [1, 2]}, r"(?s)must be the same in every trial.*training.seed"),
        ({"data.root": ["a", "b"]}, "must be the same in every trial"),
        ({"training.learning_rat": [1.0]}, r"(?s)training.learning_rat.*not a known key"),
        ({"training.augment.colour": {"low": 0.5, "high": 9.0}}, "training.augment.colour"),
    ],
)
def test_space__what_cannot_be_searched_is_refused(tiny: Tiny, space: dict[str, object], message: str) -> None:
    project = project_with(tiny, search__space=space)
    with pytest.raises(ConfigError, match=message):
        require_searchable(project, project.search.space)


@pytest.mark.parametrize(
    ("choice", "message"),
    [({"low": 2, "high": 1}, "low is below high"), ({"low": 0, "high": 1, "log": True}, "log needs a low above 0")],
)
def test_space__ends_that_make_no_range_are_refused(tiny: Tiny, choice: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        project_with(tiny, search__space={"loss.dice": choice})


def test_with_values__a_block_of_a_loss_term_keeps_its_options(tiny: Tiny) -> None:
    project = project_with(tiny, loss__dice={"weight": 0.5, "per": "image"})
    changed = with_values(project, {"loss.dice": 0.9})
    assert changed.loss.options("dice") == {"per": "image"}
    assert changed.loss.weights()["dice"] == 0.9
    assert with_values(project_with(tiny), {}) == project_with(tiny)


def test_best_file__plans_from_any_folder(tiny: Tiny, tmp_path: Path) -> None:
    path = tmp_path / "elsewhere" / "segwright.yaml"
    write_best(path, given_settings(project_with(tiny), tiny.project.parent), {"training.batch": 3}, "a\ttable")
    assert path.read_text(encoding="utf-8").startswith("# a\ttable\n")
    plan, _, _ = plan_project(read_project(path), path.parent)
    assert plan.sampling.batch == 3
    assert plan.data == tiny.plan.data


def test_train__search_writes_the_best_project_and_its_table(
    tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    space = tmp_path / "space.yaml"
    space.write_text("training.batch: [2, 3]\n", encoding="utf-8")
    words = ["training.steps=2", "training.validate_every=1", "--search", "1", "--search-space", space]
    answer = done(segwright(capsys, "train", tiny.project, *words, "--run", tmp_path / "search"))
    assert [row["state"] for row in answer["trials"]] == ["whole"]
    text = Path(answer["project"]).read_text(encoding="utf-8")
    assert "# Trial 0 of a search over 1: pooled_miou_foreground" in text
    assert yaml.safe_load(text)["training"]["batch"] == answer["best"]["values"]["training.batch"]
    assert not (tmp_path / "search" / "trial-000" / "evaluation.json").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--search", "2", "--resume"], "is a command of its own"),
        (["--search-space", "x.yaml"], "is how many trials a search has"),
        (["--search", "2", "--search-space", "nowhere.yaml"], "nowhere.yaml: is not a space"),
    ],
)
def test_train__a_search_that_cannot_be_is_refused(
    tiny: Tiny, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert message in refused(segwright(capsys, "train", tiny.project, *words))


def test_train__a_value_that_fits_no_plan_fails_its_trial_and_not_the_search(
    tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only the first value of each setting is planned before there are trials."""
    space = tmp_path / "space.yaml"
    space.write_text("training.crop: [64, 65]\n", encoding="utf-8")
    words = ["training.steps=2", "training.validate_every=1", "--search", "3", "--search-space", space]
    answer = done(segwright(capsys, "train", tiny.project, *words, "--run", tmp_path / "search"))
    ended = {(row["values"]["training.crop"], row["state"], row.get("why")) for row in answer["trials"]}
    assert ended == {(64, "whole", None), (65, "failed", "training.crop: does not fit the network")}


def test_search__weights_that_cannot_be_read_leave_no_folder(tiny: Tiny, tmp_path: Path) -> None:
    """It would hold a search made from something else once they are mended."""
    (tmp_path / "weights.safetensors").write_bytes(b"half a downlo")
    project = project_with(tiny, search__space=SPACE, model__weights=str(tmp_path / "weights.safetensors"))
    with pytest.raises(ArtefactError, match=r"weights\.safetensors"):
        search(project, tiny.project.parent, tmp_path / "search", 1)
    assert not (tmp_path / "search").exists()


def test_train__a_search_in_which_no_trial_comes_through_fails_and_says_why(
    tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    space = tmp_path / "space.yaml"
    space.write_text("training.learning_rate: [1.0e+30]\n", encoding="utf-8")
    words = ["training.steps=4", "training.validate_every=4", "--search", "2", "--search-space", space]
    answer = segwright(capsys, "train", tiny.project, *words, "--run", tmp_path / "search")
    assert answer.code == 1
    (problem,) = answer.payload["problems"]
    assert problem["rule"] == "no trial came through"
    assert problem["found"] == "2 failed: the loss is not a finite number"
    kept = json.loads((tmp_path / "search" / "search.json").read_text(encoding="utf-8"))
    assert (kept["best"], [row["why"] for row in kept["trials"]]) == (None, ["the loss is not a finite number"] * 2)
    assert not (tmp_path / "search" / "segwright.yaml").exists()


@pytest.mark.parametrize("weights", ["timm:resnet18.a1_in1k", "hf-hub:timm/resnet18.a1_in1k", "imagenet"])
def test_given_settings__a_published_name_of_weights_is_no_path(tiny: Tiny, weights: str) -> None:
    project = project_with(tiny, model__weights=weights)
    assert given_settings(project, tiny.project.parent)["model"]["weights"] == weights
