"""From a folder of frames to an inspected line, verb by verb, each reading what the last one wrote."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from segwright.data import read_image, read_label_map
from segwright.infer import load
from tests.journeys.command import done, refused, segwright
from tests.train.tiny import CLASSES, PATTERN, write_frames

SETTINGS = (
    "model.encoder=test_resnet", "model.weights=null", "model.decoder_widths=[16, 12, 8, 8, 8]", "training.steps=24",
    "training.batch=2", "training.crop=64", "training.validate_every=6", "training.learning_rate=0.01",
    "training.warmup_steps=2", "training.ema_decay=0.8", "training.precision=fp32", "training.loggers=[tensorboard]",
    f"data.columns_from='{PATTERN}'", "alerts.area_percent=1.0",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder: frames in a folder whose name has a space."""
    folder = tmp_path_factory.mktemp("user")
    write_frames(folder / "my frames")
    return folder


def test_journey__from_frames_to_an_inspected_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    made = done(segwright(capsys, "init", "my frames"))
    assert (made["frames"], made["format"]) == (8, "index_png")
    assert [row["name"] for row in made["classes"]["classes"]] == ["background", "blob", "line"]

    split = done(
        segwright(capsys, "split", "segwright.yaml", "--columns", PATTERN, "--by", "press", "--fractions",
                  "train=0.5,validation=0.25,calibration=0.25")
    )  # fmt: skip
    assert {part: counts["groups"] for part, counts in split["counts"].items()} == {
        "train": 2, "validation": 1, "calibration": 1,
    }  # fmt: skip

    plan = done(segwright(capsys, "train", *SETTINGS, "--plan", "--run", "only the plan"))
    assert plan["plan"]["optimiser"]["steps"] == 24
    assert not (folder / "only the plan" / "checkpoints").exists()

    trained = done(segwright(capsys, "train", *SETTINGS))
    run = Path(trained["run"])
    assert trained["images"] == 2
    assert trained["scores"]["pooled_miou"] > 0.6
    assert {entry.name for entry in run.iterdir()} >= {
        "plan.yaml", "history.jsonl", "evaluation.json", "report.html", "checkpoints", "tensorboard",
    }  # fmt: skip

    again = done(segwright(capsys, "train", "--resume"))
    assert again == trained

    scored = done(segwright(capsys, "evaluate", run))
    assert scored["scores"]["pooled_miou"] == pytest.approx(trained["scores"]["pooled_miou"])

    exported = done(segwright(capsys, "export", run, "--out", "tiny.bundle", "--frames", "2"))
    assert Path(exported["bundle"]).name == "tiny.bundle"
    before = {path.name: path.read_bytes() for path in Path("tiny.bundle").iterdir()}

    done(
        segwright(
            capsys, "calibrate", "tiny.bundle", "--data", "my frames", "--split", "split.json", "--to", "c.bundle"
        )
    )
    assert {path.name: path.read_bytes() for path in Path("tiny.bundle").iterdir()} == before

    on_bundle = done(segwright(capsys, "evaluate", "tiny.bundle", "--data", "my frames", "--split", "split.json"))
    assert on_bundle["scores"]["pooled_miou"] == pytest.approx(scored["scores"]["pooled_miou"], abs=0.01)

    predicted = done(segwright(capsys, "predict", "c.bundle", "my frames/images", "--out", "masks"))
    assert predicted["frames"] == 8
    masks = sorted(Path("masks/masks").rglob("*.png"))
    assert len(masks) == 8
    direct = load("c.bundle").predict(read_image("my frames/images/c_00.png")).label_map
    written = next(path for path in masks if path.stem == "c_00")
    assert np.array_equal(read_label_map(written, CLASSES).ids, direct.ids)

    watched = done(segwright(capsys, "watch", "c.bundle", "my frames/images", "--out", "seen", "--limit", "1"))
    assert sum(watched["verdicts"].values()) == 8
    assert watched["verdicts"].get("alert", 0) >= 6
    resumed = done(segwright(capsys, "watch", "c.bundle", "my frames/images", "--out", "seen", "--limit", "1"))
    assert sum(resumed["verdicts"].values()) == 0


def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **shape: int) -> Path:
    """A project of tiny frames, up to and without its split; returns its frames' folder."""
    monkeypatch.chdir(tmp_path)
    frames = write_frames(tmp_path / "frames", **shape)  # type: ignore[arg-type]
    done(segwright(capsys, "init", "frames"))
    return frames


def test_journey__a_single_frame_cannot_be_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    frames = write_frames(tmp_path / "frames", lines=("a",), per_line=1)
    done(segwright(capsys, "init", frames))
    said = refused(segwright(capsys, "split", "segwright.yaml", "--columns", PATTERN, "--by", "press"))
    assert "split" in said
    assert not (tmp_path / "split.json").exists()
    assert "split.json: does not exist" in refused(segwright(capsys, "train", *SETTINGS))


def test_journey__a_frame_cut_off_and_one_that_is_no_picture_are_both_named_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = start(tmp_path, monkeypatch, capsys)
    done(segwright(capsys, "split", "segwright.yaml", "--columns", PATTERN, "--by", "press"))
    for stem in ("a_00", "b_01", "c_01", "d_00"):
        path = frames / "images" / f"{stem}.png"
        path.write_bytes(path.read_bytes()[:200])
    said = refused(segwright(capsys, "train", *SETTINGS))
    parts = json.loads((tmp_path / "split.json").read_text(encoding="utf-8"))["parts"]
    damaged = [stem for stem in parts["train"] if stem in ("a_00", "b_01", "c_01", "d_00")]
    assert len(damaged) > 1
    assert all(f"{stem}.png" in said for stem in damaged)


def test_journey__a_class_without_a_pixel_is_said_and_scored_as_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    frames = write_frames(tmp_path / "frames")
    (frames / "classes.txt").write_text("0 background\n1 blob\n2 line\n3 rust\n", encoding="utf-8")
    done(segwright(capsys, "init", "frames"))
    done(segwright(capsys, "split", "segwright.yaml", "--columns", PATTERN, "--by", "press"))
    answer = segwright(capsys, "train", *SETTINGS, "training.steps=6", "training.validate_every=3")
    run = Path(done(answer)["run"])
    events = [json.loads(line) for line in answer.errors.splitlines()]
    notes = [event["text"] for event in events if event["event"] == "note" and event["level"] == "warning"]
    assert any("no training frame has a pixel of 'rust'" in note for note in notes)
    evaluation = json.loads((run / "evaluation.json").read_text(encoding="utf-8"))
    assert evaluation["classes"]["rust"]["iou"] in (None, 0.0)


def test_journey__masks_changed_after_the_split_stop_a_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = start(tmp_path, monkeypatch, capsys)
    done(segwright(capsys, "split", "segwright.yaml", "--columns", PATTERN, "--by", "press"))
    done(segwright(capsys, "train", *SETTINGS, "--plan"))
    shutil.copy(frames / "masks" / "a_00.png", frames / "masks" / "a_01.png")
    assert "the frames changed since the plan was made" in refused(segwright(capsys, "train", "--resume"))


def test_journey__nothing_to_start_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "segwright.yaml: does not exist" in refused(segwright(capsys, "train"))
    assert "did you mean 'train'" in refused(segwright(capsys, "trian"))
    assert "nowhere" in refused(segwright(capsys, "init", "nowhere"))
    (tmp_path / "empty").mkdir()
    assert "empty" in refused(segwright(capsys, "init", "empty"))
    assert "nowhere" in refused(segwright(capsys, "export", "nowhere"))
    assert "nowhere" in refused(segwright(capsys, "predict", "nowhere", ".", "--out", "masks"))
    assert "nowhere" in refused(segwright(capsys, "watch", "nowhere", "."))
    assert "nowhere" in refused(segwright(capsys, "evaluate", "nowhere", "--data", "frames"))


def test_journey__init_never_overwrites_a_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start(tmp_path, monkeypatch, capsys, per_line=1)
    assert "segwright.yaml: exists already" in refused(segwright(capsys, "init", "frames"))


def test_journey__an_unknown_setting_is_refused_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start(tmp_path, monkeypatch, capsys, per_line=1)
    said = refused(segwright(capsys, "train", "training.stepz=3", "model.encodr=resnet18"))
    assert "did you mean 'steps'?" in said
    assert "did you mean 'encoder'?" in said
