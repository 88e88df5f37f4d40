from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from segwright.core import DataError, Image
from segwright.data import open_dataset, read_image, write_image
from segwright.evaluate import HoldOut, PredictedPairs, choose_thresholds, evaluate_predicted
from segwright.infer import load
from tests.evaluate.folders import write_dataset
from tests.infer.bundles import make_bundle


@pytest.fixture
def dataset(tmp_path):
    return open_dataset(write_dataset(tmp_path / "data"))


@pytest.fixture
def predictor(tmp_path):
    return load(make_bundle(tmp_path).path)


def test_predicted_pairs__start_their_reliability_anew(dataset, predictor):
    pairs = PredictedPairs(predictor, dataset)
    first = evaluate_predicted(pairs)
    assert evaluate_predicted(pairs) == first
    assert first.reliability.pixels == pairs.reliability.pixels


def test_predicted_pairs__unlabelled_frames_are_left_out_and_counted(dataset, predictor):
    bare = dataclasses.replace(dataset.frames[0], mask=None)
    partly = dataclasses.replace(dataset, frames=(bare, *dataset.frames[1:]))
    evaluation = evaluate_predicted(PredictedPairs(predictor, partly))
    assert evaluation.images == 3
    assert evaluation.notes == ("1 frames have no labels and were left out",)


def test_predicted_pairs__every_damaged_frame_is_named_at_once(dataset, predictor):
    for frame in dataset.frames[:2]:
        frame.image.path.write_bytes(b"\x89PNG\r\n\x1a\n broken")
    with pytest.raises(DataError) as caught:
        evaluate_predicted(PredictedPairs(predictor, dataset))
    assert {str(frame.image) for frame in dataset.frames[:2]} <= {problem.place for problem in caught.value.problems}


@pytest.mark.parametrize("pairs_of", [PredictedPairs, HoldOut])
def test_pairs__every_frame_that_does_not_suit_the_model_is_named(dataset, predictor, pairs_of):
    others = [frame.image.path for frame in dataset.frames[1:3]]
    for path in others:
        write_image(path, Image(np.zeros(read_image(path).pixels.shape, np.uint16)))
    with pytest.raises(DataError, match="has another pixel type than the network was trained on") as caught:
        list(pairs_of(predictor, dataset))
    assert [problem.place for problem in caught.value.problems] == [str(path) for path in others]


@pytest.mark.parametrize("kept_bytes", [0, 50_000, 10**9])
def test_hold_out__gives_the_same_however_much_is_kept(dataset, predictor, kept_bytes):
    frames = HoldOut(predictor, dataset, kept_bytes=kept_bytes)
    first, again = list(frames), list(frames)
    assert len(frames) == 4
    assert [(a == c, b == d) for (a, b), (c, d) in zip(first, again, strict=True)] == [(True, True)] * 4


def test_hold_out__predicts_kept_frames_once(dataset, predictor):
    asked = []

    class Counting:
        classes = predictor.classes
        predict = predictor.predict

        def probabilities(self, frame):
            asked.append(frame)
            return predictor.probabilities(frame)

    choose_thresholds(HoldOut(Counting(), dataset), dataset.classes)
    assert len(asked) == 4
