"""`segwright predict` with a bundle that finds objects."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segwright.cli.app import main
from segwright.core import Image, adopt
from segwright.data.codecs import read_image, write_image
from segwright.infer.bundle import write_bundle
from segwright.infer.objects import ObjectDecision
from tests.infer.bundles import make_bundle
from tests.infer.object_bundles import make_object_bundle
from tests.journeys.command import done, refused, segwright


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    pixels = np.zeros((40, 56, 3), np.uint8)
    pixels[4:30, 4:40, 0] = pixels[20:36, 30:50, 1] = 255
    write_image(tmp_path / "frames" / "läge 1" / "ä.png", Image(adopt(pixels)))
    write_image(tmp_path / "frames" / "empty.png", Image(adopt(np.zeros((16, 16, 3), np.uint8))))
    return tmp_path / "frames"


def test_predict__objects_with_everything_beside_them(frames: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle, out = make_object_bundle(frames.parent).path, frames.parent / "found"
    answer = done(segwright(capsys, "predict", str(bundle), str(frames), "--out", str(out), "--overlays", "--yolo"))
    assert answer["objects"] == {"red part": 1, "green part": 1}
    assert answer["least_scores"] == {"red part": 0.5, "green part": 0.5}
    names = {path.relative_to(out).as_posix() for path in out.rglob("*.*")}
    assert names == {
        "manifest.json",
        "instances.json",
        "overlays/empty.jpg",
        "overlays/läge 1/ä.jpg",
        "yolo/data.yaml",
        "yolo/labels/empty.txt",
        "yolo/labels/läge 1/ä.txt",
    }
    assert (out / "yolo/labels/empty.txt").read_text() == ""
    lines = (out / "yolo/labels/läge 1/ä.txt").read_text().splitlines()
    assert sorted(line.split()[0] for line in lines) == ["0", "1"]
    drawn = read_image(out / "overlays/läge 1/ä.jpg").pixels
    assert drawn.shape == (40, 56, 3)
    assert np.abs(drawn[10, 10].astype(int) - [255, 0, 0]).max() > 40, "the object is tinted"
    assert drawn[38, 2].max() < 30, "the background is not"


def test_predict__says_what_score_each_class_needs(frames: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = make_object_bundle(frames.parent)
    own = replace(plain, objects=ObjectDecision(thresholds={"red part": 0.25}))
    bundle = write_bundle(own, plain.path / "model.onnx", frames.parent / "own.bundle").path
    with pytest.raises(SystemExit, match=r"^0?$"):
        main(["predict", str(bundle), str(frames), "--out", str(frames.parent / "found")])
    said = capsys.readouterr().out
    assert "1 red part, 1 green part found in 2 frames" in said
    assert "the score an object needs: red part 0.25, green part 0.5\n" in said


@pytest.mark.parametrize("word", ["--confidence", "--probabilities"])
def test_predict__what_only_masks_have_is_refused(frames: Path, capsys: pytest.CaptureFixture[str], word: str) -> None:
    bundle = make_object_bundle(frames.parent).path
    said = refused(segwright(capsys, "predict", str(bundle), str(frames), "--out", str(frames.parent / "p"), word))
    assert f"{word}: is nothing that a model of task instance gives" in said
    assert not (frames.parent / "p.part").exists()


def test_predict__masks_have_overlays_and_no_yolo(frames: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = make_bundle(frames.parent).path
    said = refused(segwright(capsys, "predict", str(bundle), str(frames), "--out", str(frames.parent / "p"), "--yolo"))
    assert "--yolo: is nothing that a model of task semantic gives" in said
    done(segwright(capsys, "predict", str(bundle), str(frames), "--out", str(frames.parent / "p"), "--overlays"))
    assert json.loads((frames.parent / "p" / "manifest.json").read_text())["extras"]["overlays"] is True
    assert (frames.parent / "p" / "overlays" / "empty.jpg").is_file()
