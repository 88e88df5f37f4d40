"""Segments from labelled frames to a calibrated bundle, and queries for objects, by the commands a user types."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from segwright.data import open_dataset
from segwright.evaluate.instances.predicted import ranking
from segwright.export.object_parity import ObjectFrameOfProof, object_parity
from segwright.export.object_weights import ObjectFile
from segwright.export.segment_parity import segment_parity
from segwright.train import open_run
from segwright.train.run import object_predictor, panoptic_predictor
from tests.journeys.command import done, refused, segwright
from tests.models.query.tiny import EOMT, MASK2FORMER
from tests.train.objects.panoptic_frames import write_panoptic_set

PROJECT = """
name: parts
task: {task}
classes: {{names: {{belt: 1, floor: 2, bolt: 3, plate: 4}}, things: [bolt, plate]}}
data: {{root: frames, format: coco_panoptic, columns_from: '^(?P<line>[ab])'}}
split: {{by: line}}
model: {{network: {network}, encoder: {encoder}, weights: null, options: {options}}}
training: {{steps: 2, crop: 64, batch: 2, validate_every: 1, precision: fp32, loggers: [], workers: 1}}
inference: {{segments: {{score: {score}}}, objects: {{score: 0.05}}}}
lint: {{ignore: [SEG001]}}
"""
REGIONS = {"width": 16, "head_width": 32, "proposals": 20}
SPLIT = ("--by", "line", "--hold-out", "validation=b", "--fractions", "train=1")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a panoptic set."""
    monkeypatch.chdir(tmp_path)
    write_panoptic_set(tmp_path / "frames")
    return tmp_path


def write_project(
    folder: Path, task: str, network: str, encoder: str, options: dict[str, Any], score: float | str = "auto"
) -> None:
    given = {"task": task, "network": network, "encoder": encoder, "options": json.dumps(options), "score": score}
    (folder / "segwright.yaml").write_text(PROJECT.format(**given), encoding="utf-8")


def content(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_panoptic__trained_scored_exported_predicted_and_calibrated(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_project(folder, "panoptic", "panoptic_fpn", "test_resnet", REGIONS, score=0.05)
    done(segwright(capsys, "split", "segwright.yaml", *SPLIT))
    done(segwright(capsys, "train", "--run", "run"))
    own = content(folder / "run" / "evaluation.json")
    assert (own["task"], own["provenance"]["part"]) == ("panoptic", "validation")
    history = [json.loads(line) for line in (folder / "run" / "history.jsonl").read_text().splitlines()]
    assert {"pq", "pq_things", "pq_stuff", "pq/bolt", "pq/belt"} <= {name for row in history for name in row}
    of_run = done(segwright(capsys, "evaluate", "run", "--report", "run.html"))
    assert of_run["scores"] == own["scores"]
    assert "data:image" in (folder / "run.html").read_text()

    done(segwright(capsys, "export", "run", "--out", "one.bundle", "--frames", "1"))
    assert content(folder / "one.bundle" / "bundle.json")["parity"]["passed"]
    words = ("one.bundle", "--data", "segwright.yaml", "--split", "split.json")
    of_bundle = done(segwright(capsys, "evaluate", *words))
    assert of_bundle["scores"]["pq"] == pytest.approx(own["scores"]["pq"], abs=0.05)
    beside = ("--overlays", "--yolo", "--track", "--count-line", "32,64,32,0")
    followed = done(segwright(capsys, "predict", "one.bundle", "frames/images", "--out", "found", *beside))
    assert set(followed["counts"]["tracks"]) == {"belt", "floor", "bolt", "plate"}
    assert (folder / "found" / "yolo" / "labels" / "a0.txt").is_file()
    assert content(folder / "found" / "manifest.json")["task"] == "panoptic"
    assert (folder / "found" / "overlays" / "a0.jpg").is_file()
    again = open_dataset(folder / "found" / "panoptic.json", options={"images": str(folder / "frames" / "images")})
    assert [frame.stem for frame in again.frames] == ["a0", "a2", "b1", "b3"]
    stored = ("evaluate", "--task", "panoptic", "--predictions", "found", "--truth")
    of_file = done(segwright(capsys, *stored, "frames/panoptic.json"))
    of_project = done(segwright(capsys, *stored, "segwright.yaml"))
    assert of_file["images"] == 4
    assert of_file["scores"] == of_project["scores"]
    assert set(of_project["by_domain"]["line"]) == {"a", "b"}

    calibrated = done(segwright(capsys, "calibrate", *words, "--part", "validation", "--allow", "--to", "two.bundle"))
    thresholds = content(folder / "two.bundle" / "bundle.json")["segments"]["thresholds"]
    assert (thresholds == {}) is not calibrated["kept"]
    assert "Gives each pixel of a frame one segment" in (folder / "two.bundle" / "card.md").read_text()


@pytest.mark.parametrize(
    ("network", "encoder", "options", "exported"),
    [("mask2former", "test_resnet", MASK2FORMER, "panoptic"), ("eomt", "dinov3_tiny", EOMT, "instance")],
)
def test_queries__of_one_network_segments_and_objects(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    network: str,
    encoder: str,
    options: dict[str, Any],
    exported: str,
) -> None:
    scores = {}
    for task in ("panoptic", "instance"):
        write_project(folder, task, network, encoder, options, score=0.0)
        if not (folder / "split.json").exists():
            done(segwright(capsys, "split", "segwright.yaml", *SPLIT))
        done(segwright(capsys, "train", "--run", task))
        own = content(folder / task / "evaluation.json")
        assert own["task"] == task
        scores[task] = own["scores"]["pq" if task == "panoptic" else "mask_ap"]
    done(segwright(capsys, "export", exported, "--out", "one.bundle", "--frames", "2"))
    assert content(folder / "one.bundle" / "bundle.json")["parity"]["passed"]
    found = done(segwright(capsys, "evaluate", "one.bundle", "--data", "segwright.yaml", "--split", "split.json"))
    of_bundle = found["scores"]["pq" if exported == "panoptic" else "mask_ap"]
    assert of_bundle == pytest.approx(scores[exported], abs=0.05)
    done(segwright(capsys, "predict", "one.bundle", "frames/images/a0.png", "--out", "found"))
    assert content(folder / "found" / "manifest.json")["task"] == exported
    assert_says_the_same_of_the_other_task(folder, exported)


def assert_says_the_same_of_the_other_task(folder: Path, exported: str) -> None:
    """The file of a network of queries is one for both tasks: around it the other task's pipeline is proved as well."""
    run, other = open_run(folder / exported), "instance" if exported == "panoptic" else "panoptic"
    network, plan = run.module(), open_run(folder / other).plan
    file = ObjectFile(folder / "one.bundle" / "model.onnx", cast("Any", network).stride_px, "queries", None)
    images = {frame.stem: run.dataset.read_image(frame) for frame in run.dataset.frames}
    frames = [ObjectFrameOfProof(stem, image) for stem, image in images.items()]
    if other == "instance":
        finding = object_predictor(plan, network)
        finding = replace(finding, decision=ranking(finding.decision, 0.0))
        objects = object_parity(finding, replace(finding, runtime=file.objects), frames)
        assert objects.passed, objects.reasons
        assert objects.objects > 0
        return
    giving = panoptic_predictor(plan, network)
    segments = segment_parity(giving, replace(giving, runtime=file.segments), frames)
    assert segments.passed, segments.reasons
    assert segments.segments > 0


def test_panoptic__a_plan_has_reasons_and_mistakes_are_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_project(folder, "panoptic", "panoptic_fpn", "test_resnet", REGIONS)
    done(segwright(capsys, "split", "segwright.yaml", *SPLIT))
    done(segwright(capsys, "train", "--plan", "--run", "planned"))
    plan = (folder / "planned" / "plan.yaml").read_text()
    assert "panoptic quality, the mean over all classes" in plan
    assert "stuff_area_px: 55" in plan
    seen = done(segwright(capsys, "train", "--preview"))
    assert set(seen["classes"]) == {"bolt", "plate", "belt", "floor"}
    for word, text in (
        ("model.network=panoptic_fnp", "model.network: is not a panoptic network"),
        ("model.network=unet", "allowed: panoptic_fpn, mask2former, eomt"),
        ("model.options.stuff_widht=8", "did you mean 'stuff_width'"),
        ("model.options.stuff_width=none", "does not suit panoptic_fpn"),
        ("classes.things=[]", "the dataset says that bolt, plate can be counted"),
        ("training.select=mask_ap", "allowed: pq, pq_things, pq_stuff"),
        ("inference.segments.thresholds={belt: 0.4}", "segments.thresholds: name no thing"),
    ):
        assert text in refused(segwright(capsys, "train", word, "--run", "wrong"))
    assert not (folder / "wrong").exists()
