from __future__ import annotations

import json

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
