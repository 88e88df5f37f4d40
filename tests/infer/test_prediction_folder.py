from __future__ import annotations

import errno
import json
import shutil

import numpy as np
import pytest

from segwright.core import ArtefactError, DataError, Image, Size
from segwright.data.codecs import read_image, read_label_map, write_image
from segwright.infer import Predictor, Preprocessing
from segwright.infer.prediction_folder import Extras, predict_folder
from tests.infer.models import CLASSES, Colours

MODEL = {"bundle": "colours", "bundle_hash": "b" * 64}


class Counted(Colours):
    """Colours, but breaks down after `last` frames, as a killed process does."""

    def __init__(self, last: int = 99) -> None:
        super().__init__()
        self.last = last
        self.frames = 0

    def __call__(self, batch):
        self.frames += 1
        if self.frames > self.last:
            raise KeyboardInterrupt
        return super().__call__(batch)


def predictor(runtime: Colours | None = None) -> Predictor:
    return Predictor(runtime or Counted(), CLASSES, Preprocessing(mean=(0, 0, 0), std=(1, 1, 1)))


@pytest.fixture
def frames(tmp_path):
    named = []
    for index, stem in enumerate(("a", "line 1/b", "line 1/ü")):
        pixels = np.zeros((12, 16, 3), np.uint8)
        pixels[: index + 1, :, 0] = 255
        write_image(tmp_path / "frames" / f"{stem}.png", Image(pixels))
        named.append((stem, tmp_path / "frames" / f"{stem}.png"))
    return named


def test_predict_folder__masks_keep_sub_folders_and_names(frames, tmp_path):
    done = predict_folder(frames, predictor(), tmp_path / "out", MODEL)
    assert (done.frames, done.resumed, done.problems) == (3, 0, ())
    labels = read_label_map(tmp_path / "out/masks/line 1/ü.png", CLASSES, expected=Size(12, 16), mapping=None)
    assert labels.area_px("scratch") == 48
    manifest = json.loads((tmp_path / "out/manifest.json").read_text(encoding="utf-8"))
    assert manifest["kind"] == "predictions"
    assert manifest["model"] == MODEL
    assert manifest["classes"] == CLASSES.to_json()
    assert [row["stem"] for row in manifest["frames"]] == ["a", "line 1/b", "line 1/ü"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["manifest.json", "masks"]


def test_predict_folder__confidence_and_probabilities_on_request(frames, tmp_path):
    predict_folder(frames, predictor(), tmp_path / "out", MODEL, extras=Extras(confidence=True, probabilities=True))
    confidence = read_image(tmp_path / "out/confidence/a.png")
    assert confidence.pixels.dtype == np.uint16
    assert confidence.pixels.max() == 65535
    values = np.load(tmp_path / "out/probabilities/a.npy", allow_pickle=False)
    assert values.shape == (3, 12, 16)
    assert values.dtype == np.float16


def test_predict_folder__a_frame_that_cannot_be_read_is_listed_and_the_others_are_done(frames, tmp_path):
    bad = tmp_path / "frames" / "bad.png"
    bad.write_bytes(b"not an image")
    write_image(tmp_path / "frames" / "deep.png", Image(np.zeros((5, 5, 3), np.uint16)))
    deep, lost = tmp_path / "frames" / "deep.png", tmp_path / "frames" / "lost.png"
    done = predict_folder([("bad", bad), ("deep", deep), ("lost", lost), *frames], predictor(), tmp_path / "out", MODEL)
    assert done.frames == 3
    assert [problem.place for problem in done.problems] == [str(bad), str(deep), str(lost)]
    assert "another pixel type" in done.problems[1].rule
    manifest = json.loads((tmp_path / "out/manifest.json").read_text(encoding="utf-8"))
    assert [row["place"] for row in manifest["refused"]] == [str(bad), str(deep), str(lost)]


def test_predict_folder__goes_on_where_it_was_interrupted(frames, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        predict_folder(frames, predictor(Counted(last=2)), tmp_path / "out", MODEL)
    assert not (tmp_path / "out").exists()
    runtime = Counted()
    done = predict_folder(frames, predictor(runtime), tmp_path / "out", MODEL)
    assert (done.frames, done.resumed, runtime.frames) == (3, 2, 1)


def test_predict_folder__starts_anew_for_another_model_or_changed_frames(frames, tmp_path):
    for change in ("model", "frame"):
        with pytest.raises(KeyboardInterrupt):
            predict_folder(frames, predictor(Counted(last=2)), tmp_path / change, MODEL)
    other = predict_folder(frames, predictor(), tmp_path / "model", {"bundle": "other"})
    assert other.resumed == 0
    write_image(frames[0][1], Image(np.zeros((12, 16, 3), np.uint8)))
    assert predict_folder(frames, predictor(), tmp_path / "frame", MODEL).resumed == 1


def test_predict_folder__never_edits_an_old_one(frames, tmp_path):
    predict_folder(frames, predictor(), tmp_path / "out", MODEL)
    with pytest.raises(ArtefactError, match="predictions are never edited"):
        predict_folder(frames, predictor(), tmp_path / "out", MODEL)


def test_predict_folder__refuses_two_frames_of_one_name(frames, tmp_path):
    with pytest.raises(DataError, match=r"a: is the name of two frames"):
        predict_folder([*frames, frames[0]], predictor(), tmp_path / "out", MODEL)


def test_predict_folder__a_full_disk_is_told_with_the_file_and_goes_on_later(frames, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    extras = Extras(probabilities=True)
    with monkeypatch.context() as patched:
        patched.setattr(np, "save", full)
        with pytest.raises(ArtefactError, match=r"probabilities/a\.npy: cannot be written[\s\S]*No space left"):
            predict_folder(frames, predictor(), tmp_path / "out", MODEL, extras=extras)
    assert predict_folder(frames, predictor(), tmp_path / "out", MODEL, extras=extras).frames == 3


def test_predict_folder__a_mask_that_cannot_be_written_is_no_fault_of_the_frame(frames, tmp_path, monkeypatch):
    def full(target, labels):
        raise DataError.of(str(target), "cannot be written", found="No space left on device")

    monkeypatch.setattr("segwright.infer.frame_files.write_label_map", full)
    with pytest.raises(ArtefactError, match=r"masks/a\.png: cannot be written"):
        predict_folder(frames, predictor(), tmp_path / "out", MODEL)


@pytest.mark.parametrize("name", ["notes.txt", "manifest.json", "journal.jsonl"])
def test_predict_folder__a_part_folder_of_somebody_else_is_left_alone(frames, tmp_path, name):
    foreign = tmp_path / "out.part" / name
    foreign.parent.mkdir()
    foreign.write_text('{"mine": true}\n', encoding="utf-8")
    with pytest.raises(ArtefactError, match=rf"out\.part: is in the way[\s\S]*found:\s+{name}[\s\S]*move it away"):
        predict_folder(frames, predictor(), tmp_path / "out", MODEL)
    assert foreign.read_text(encoding="utf-8") == '{"mine": true}\n'


@pytest.mark.parametrize("left", ["nothing", "empty journal", "manifest", "cut line"])
def test_predict_folder__what_a_broken_run_left_is_taken_over(frames, tmp_path, left):
    with pytest.raises(KeyboardInterrupt):
        predict_folder(frames, predictor(Counted(last=2)), tmp_path / "out", MODEL)
    part = tmp_path / "out.part"
    journal = part / "journal.jsonl"
    if left == "cut line":
        journal.write_text(journal.read_text(encoding="utf-8")[:-9] + '{"stem": "x"}\n', encoding="utf-8")
    else:
        shutil.rmtree(part)
        part.mkdir()
        names = {"empty journal": ("journal.jsonl", ""), "manifest": ("manifest.json", '{"kind": "predictions"}')}
        if left in names:
            (part / names[left][0]).write_text(names[left][1], encoding="utf-8")
    done = predict_folder(frames, predictor(), tmp_path / "out", MODEL)
    assert (done.frames, done.resumed) == (3, 1 if left == "cut line" else 0)
