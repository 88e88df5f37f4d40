"""The worked example end to end at toy length: every stage, its files, and going on after an interruption."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from segwright.core import Size
from segwright.demo.frames import FrameSpec
from segwright.demo.settings import DemoSettings
from segwright.demo.story import Story
from segwright.project import read_project
from segwright.project.model import Model

SETTINGS = DemoSettings(
    FrameSpec(frames_per_line=20, size=Size(240, 320), seed=3),
    "test_resnet",
    (16, 16, 8, 8, 8),
    None,
    {
        "steps": 4,
        "batch": 2,
        "crop": 64,
        "validate_every": 2,
        "precision": "fp32",
        "loggers": [],
        "augment": {"colour": 0.5},
    },
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    Story(folder, SETTINGS).tell()
    return folder


def test_story__leaves_a_whole_project(told: Path) -> None:
    for name in ("segwright.yaml", "split.json", "report.html", "outcome.json", "runs/brackets/plan.yaml"):
        assert (told / name).is_file(), name
    assert (told / "brackets.bundle" / "bundle.json").is_file()
    assert len(list((told / "inspection" / "overlays").iterdir())) == 20


def test_story__measures_on_the_held_out_line_only(told: Path) -> None:
    evaluation = json.loads((told / "evaluation-test.json").read_text())
    assert evaluation["images"] == 20
    assert all(row["columns"]["line"] == "press-3" for row in evaluation["frames"])
    split = json.loads((told / "split.json").read_text())
    trained = {stem for part in ("train", "validation", "calibration") for stem in split["parts"][part]}
    assert not any(stem.startswith("press-3") for stem in trained)


def test_story__outcome_holds_the_guides_four_figures_and_every_method(told: Path) -> None:
    outcome = json.loads((told / "outcome.json").read_text())
    assert [(goal["name"], goal["guide"]) for goal in outcome["goals"]] == [
        ("mIoU", 0.81),
        ("scratch IoU", 0.74),
        ("boundary F at 3 px", 0.79),
        ("false rejects below blob detection", 0.34),
    ]
    assert outcome["parity"]["passed"]
    assert [row["method"] for row in outcome["verdicts"]][:2] == ["segwright", "blob detection"]
    assert all(row["acceptable"] + row["defective"] == 20 for row in outcome["verdicts"])


def test_story__goes_on_after_an_interruption(told: Path) -> None:
    before = (told / "runs" / "brackets" / "checkpoints" / "best.safetensors").read_bytes()
    (told / "outcome.json").unlink()
    Story(told, SETTINGS).tell()
    assert (told / "outcome.json").is_file()
    assert (told / "runs" / "brackets" / "checkpoints" / "best.safetensors").read_bytes() == before


def test_full__its_project_is_read_and_decodes_as_wide_as_usual(tmp_path: Path) -> None:
    project = read_project(DemoSettings.full().write_project(tmp_path))
    assert project.model.encoder == "resnet34"
    assert project.model.decoder_widths == Model().decoder_widths
