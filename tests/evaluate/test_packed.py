"""Packed counts are the counts that were packed; rows of an evaluation are made from them each time."""

from __future__ import annotations

import io
import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwright.evaluate import Evaluation, FramePair, count_frame, score_frames
from segwright.evaluate import packed as packing
from segwright.evaluate.packed import PackedFrames
from segwright.evaluate.rows import Streamed, json_pieces
from tests.evaluate.maps import CLASSES, labels, random_map

distances = st.sampled_from([(), (1,), (1, 3)])


def pairs_of(seed: int, frames: int = 5) -> list[FramePair]:
    rng = np.random.default_rng(seed)
    maps = [[labels(random_map(rng, (7, 9), void=0.1)) for _ in range(2)] for _ in range(frames)]
    return [FramePair(f"f{number}", *sides, {"line": "ab"[number % 2]}) for number, sides in enumerate(maps)]


@given(st.integers(0, 2**31), distances)
def test_packed_frames__give_back_what_was_packed(seed, boundary_px):
    frames = [count_frame(pair, boundary_px=boundary_px)[1] for pair in pairs_of(seed)]
    packed = PackedFrames.of(frames)
    assert list(packed) == frames
    assert list(packed[1:3]) == frames[1:3]
    assert packed[-1] == frames[-1]
    assert list(PackedFrames.joined([packed[:2], packed[2:]])) == frames
    assert pickle.loads(pickle.dumps(packed)) == packed  # other processes send theirs


@given(st.integers(0, 2**31))
def test_packed_frames__boundary_scores_are_those_of_single_frames(seed):
    frames = [count_frame(pair, boundary_px=(1, 3))[1] for pair in pairs_of(seed)]
    packed = PackedFrames.of(frames)
    for distance in (1, 3):
        precision, recall, f_score = packed.boundary_scores(distance)
        for number, frame in enumerate(frames):
            both = [pair or (np.nan, np.nan) for pair in frame.boundaries.precision_recall(distance)]
            single = [np.nan if score is None else score for score in frame.boundaries.f_scores(distance)]
            assert np.array_equal(np.stack([precision[number], recall[number]], axis=1), both, equal_nan=True)
            assert np.array_equal(f_score[number], single, equal_nan=True)


def test_packed_frames__blocks_of_large_and_small_counts_stay_whole(monkeypatch):
    monkeypatch.setattr(packing, "_FRAMES_A_BLOCK", 1)
    shapes = [(1, 2), (300, 300), (1, 3)]
    frames = [
        count_frame(FramePair(str(number), *(labels(np.zeros(shape)),) * 2))[1] for number, shape in enumerate(shapes)
    ]
    packed = PackedFrames.of(frames)
    assert list(packed) == frames
    assert packed.table(packing.TRUTH)[:, 0].tolist() == [2, 90_000, 3]


def test_packed_frames__frames_of_other_distances_are_refused():
    pair = pairs_of(0)[0]
    frames = [count_frame(pair, boundary_px=(distance,))[1] for distance in (1, 2)]
    with pytest.raises(ValueError, match="same boundary distances"):
        PackedFrames.of(frames)


def test_frame_rows__are_a_sequence_of_rows_and_survive_the_file(tmp_path):
    evaluation = score_frames(pairs_of(3), CLASSES)
    evaluation.write(tmp_path / "evaluation.json")
    read = Evaluation.read(tmp_path / "evaluation.json")
    assert read == evaluation
    assert evaluation == read
    assert len(evaluation.frames) == 5
    assert evaluation.frames[1:3] == read.frames[1:3]
    assert evaluation.frames[0].iou.keys() == read.frames[0].iou.keys()
    assert evaluation.frames != read.frames[:4]
    assert read.worst_frames(2) == evaluation.worst_frames(2)


def test_to_stream__is_the_text_of_to_json():
    evaluation = score_frames(pairs_of(4), CLASSES)
    assert "".join(json_pieces(evaluation.to_stream())) == "".join(json_pieces(evaluation.to_json()))
    assert json.loads("".join(json_pieces({"frames": Streamed(str, [])}))) == {"frames": []}
    file = io.StringIO()
    file.writelines(json_pieces({"frames": Streamed(str, range(3))}))
    assert json.loads(file.getvalue()) == {"frames": ["0", "1", "2"]}
