from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.core import Box, ConfigError, DataError, Instance, InstanceSet, Size
from segwright.line import Tracker, TrackSettings, Velocity, track_frames
from segwright.line.motion import displacement
from tests.line.conveyor import CLASSES, conveyor, followed, mot_scores, seen_by_frame

SIZE = Size(40, 60)
SCORES = st.sampled_from([0.3, 0.55, 0.9, None])


def block(top: int, left: int, side: int = 6, class_id: int = 1, score: float | None = 0.9) -> Instance:
    return Instance(class_id, Box(top, left, top + side, left + side), np.ones((side, side), bool), score=score)


def frame(*objects: Instance, size: Size = SIZE) -> InstanceSet:
    return InstanceSet(size, objects, CLASSES)


BLOCKS = st.builds(block, st.integers(0, 34), st.integers(0, 54), st.integers(3, 6), st.integers(1, 2), SCORES)
FRAMES = st.lists(st.lists(BLOCKS, max_size=5), min_size=1, max_size=6)


def ids_of(answer) -> list[int]:
    return [one.track_id for one in answer.objects]


@given(FRAMES)
def test_ids__are_unique_in_a_frame_and_every_object_is_somewhere(frames: list[list[Instance]]) -> None:
    tracker = Tracker()
    answers = [tracker.update(frame(*objects)) for objects in frames]
    for answer in answers:
        assert len(set(ids_of(answer))) == len(ids_of(answer))
        assert ids_of(answer) == sorted(ids_of(answer))
    seen = sum(len(row) for row in seen_by_frame(answers))
    left = sum(len(answer.left_out) for answer in answers) + len(tracker.finish())
    assert seen + left == sum(len(objects) for objects in frames)


@given(FRAMES, st.randoms(use_true_random=False))
def test_order_of_objects__changes_nothing(frames: list[list[Instance]], random) -> None:
    turned = [random.sample(objects, len(objects)) for objects in frames]
    some, others = (followed([frame(*objects) for objects in rows]) for rows in (frames, turned))
    assert [answer.objects for answer in some] == [answer.objects for answer in others]
    assert [answer.earlier for answer in some] == [answer.earlier for answer in others]


@given(st.lists(BLOCKS, max_size=6, unique_by=lambda one: (one.class_id, one.box.top // 7, one.box.left // 7)))
def test_identical_frames__keep_their_ids(objects: list[Instance]) -> None:
    answers = followed([frame(*objects)] * 5)
    assert all(ids_of(answer) == ids_of(answers[1]) for answer in answers[1:])
    assert all(one.seen for answer in answers for one in answer.objects)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=5, unique=True),
    st.integers(-2, 2),
    st.integers(-2, 2),
    st.integers(2, 6),
)
def test_shifted_scene__keeps_its_ids_through_a_frame_without_objects(places, down: int, right: int, lost: int) -> None:
    """Blocks of 6 on a grid of 20 that all move by the same: after two frames the tracker knows how."""
    size = Size(140, 160)
    rows = []
    for at in range(9):
        objects = [block(30 + 20 * row + at * down, 20 + 20 * column + at * right) for row, column in places]
        rows.append(frame(*objects, size=size) if at != lost else frame(size=size))
    answers = followed(rows)
    assert all(ids_of(answer) == list(range(1, len(places) + 1)) for answer in answers[1:])
    assert [one.seen for one in answers[lost].objects] == [False] * len(places)
    for one, other in zip(answers[lost - 1].objects, answers[lost].objects, strict=True):
        assert other.instance.box.top - one.instance.box.top == down
        assert other.instance.box.left - one.instance.box.left == right


def test_sequence__as_it_is_worked_out_by_hand() -> None:
    """A goes right by 4 a frame, is hidden once, and ends; B stands, unsure for a frame; C is there once."""
    at = [
        frame(block(10, 0 + 2), block(30, 40)),  # A, B: found once, no tracks yet
        frame(block(10, 6), block(30, 40)),  # A: 2 of 6 columns shared, IoU 12/60 = 0.2: a track; B a track
        frame(block(30, 40, score=0.3), block(0, 50)),  # A hidden; B unsure, IoU 1; C once
        frame(block(10, 14), block(30, 40)),  # A where it should be, 6 + 2 * 4
        frame(block(30, 40)),
        frame(block(30, 40)),
    ]
    answers = followed(at, TrackSettings(max_misses=1))
    seen = [[(one.track_id, one.instance.box.left, one.age, one.seen) for one in row.objects] for row in answers]
    assert seen == [
        [],
        [(1, 6, 2, True), (2, 40, 2, True)],
        [(1, 10, 3, False), (2, 40, 3, True)],
        [(1, 14, 4, True), (2, 40, 4, True)],
        [(1, 18, 5, False), (2, 40, 5, True)],
        [(2, 40, 6, True)],
    ]
    assert [(when, one.track_id, one.instance.box.left, one.age) for when, one in answers[1].earlier] == [
        (0, 1, 2, 1),
        (0, 2, 40, 1),
    ]
    assert answers[5].ended == (1,)
    assert [(one.at, one.instance.box.left, one.reason) for one in answers[3].left_out] == [(2, 50, "brief")]


def test_unsure_objects__go_on_with_tracks_and_start_none() -> None:
    faint = frame(block(10, 10, score=0.2))
    answers = followed([faint, faint, faint])
    assert all(not answer.objects for answer in answers)
    assert [one.reason for one in answers[2].left_out] == ["unsure"]
    sure = frame(block(10, 10))
    assert followed([sure, sure, faint])[2].objects[0].seen


def test_unsure_objects__do_not_wake_a_track_that_was_lost() -> None:
    sure, faint = frame(block(10, 10)), frame(block(10, 10, score=0.2))
    answer = followed([sure, sure, frame(), faint])[3]
    assert [one.seen for one in answer.objects] == [False]
    assert [one.reason for one in answer.left_out] == ["unsure"]


def test_crowds_and_classes__are_no_tracks_of_each_other() -> None:
    crowd = Instance(1, Box(0, 0, 6, 6), np.ones((6, 6), bool), crowd=True)
    answers = followed([frame(crowd, block(10, 10, class_id=1 + at % 2)) for at in range(4)])
    assert all(not answer.objects for answer in answers)
    assert {one.reason for answer in answers for one in answer.left_out} == {"crowd", "brief"}


def test_track__ends_where_it_leaves_the_frame() -> None:
    rows = [frame(block(10, left)) for left in (30, 36, 42, 48, 54)] + [frame()] * 2
    answers = followed(rows, TrackSettings(velocity=Velocity(0, 6)))
    assert ids_of(answers[4]) == [1]
    assert answers[5].ended == (1,)


def test_belt__tells_what_moves_further_than_its_length() -> None:
    rows = [frame(block(10, 2 + 8 * at)) for at in range(6)]
    assert not any(answer.objects for answer in followed(rows))
    assert [ids_of(one) for one in followed(rows, TrackSettings(velocity=Velocity(0, 8)))] == [
        [],
        [1],
        [1],
        [1],
        [1],
        [1],
    ]


def test_displacement__of_what_comes_into_the_frame_is_that_of_its_free_edge() -> None:
    assert displacement(block(0, 0, 3), block(0, 0, 6), SIZE) == (3, 3)
    assert displacement(block(10, 10), block(12, 9), SIZE) == (2, -1)
    wide = Instance(1, Box(10, 0, 12, 60), np.ones((2, 60), bool))
    assert displacement(wide, wide, SIZE) == (0, None)


def test_displacement__is_not_led_astray_by_a_speck() -> None:
    speck = np.zeros((6, 40), bool)
    speck[:, :6] = speck[0, 39] = True
    assert displacement(block(10, 10), Instance(1, Box(10, 12, 16, 52), speck), SIZE) == (0, 2)


def test_frames_of_two_sizes__are_refused() -> None:
    with pytest.raises(
        DataError, match=r"frame 1: has another size than the frames before it(.|\n)*track the frames of"
    ):
        list(track_frames([frame(), frame(size=Size(10, 10))]))


def test_settings__out_of_range_are_told_together() -> None:
    with pytest.raises(
        ConfigError, match=r"min_hits of tracking: is out of range(.|\n)*sure of tracking: is out of range"
    ):
        TrackSettings(min_hits=0, sure=2)


def test_crossing_parts_on_a_belt__keep_their_numbers() -> None:
    """Four scenes of twelve parts that cover each other: few switches, no track of nothing; the benchmark has more."""
    scores = []
    for seed in range(4):
        truths, said = conveyor(seed, frames=50)
        scores.append(mot_scores(truths, seen_by_frame(followed(said))))
    assert sum(one.objects for one in scores) > 900
    assert sum(one.switches for one in scores) <= 4
    assert sum(one.false for one in scores) <= 2
    assert min(one.mota for one in scores) > 0.85


def test_mot_scores__of_the_truth_itself_are_perfect_and_of_nothing_all_misses() -> None:
    truths, _ = conveyor(0, frames=20, miss=0, ghosts=0)
    perfect = mot_scores(truths, [truth.seen for truth in truths])
    assert (perfect.misses, perfect.false, perfect.switches, perfect.mota) == (0, 0, 0, 1.0)
    assert mot_scores(truths, [{} for _ in truths]).mota == 0.0


def test_real_video__the_swan_is_one_track(shared_data) -> None:
    from segwright.core import instance_from_mask
    from segwright.data.codecs.labels import read_values

    folder = shared_data / "video_davis2016" / "predictions_osvos2017" / "blackswan"
    if not folder.is_dir():
        pytest.skip(f"no predictions at {folder}")
    rows = []
    for path in sorted(folder.glob("*.png"))[:20]:
        values, _ = read_values(path)
        one = instance_from_mask(values > 0, 1)
        rows.append(frame(*([one] if one else []), size=Size(*values.shape)))
    assert [ids_of(answer) for answer in followed(rows)] == [[]] + [[1]] * 19
