from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwright.core import ClassTable, ConfigError, DataError, Note, Probabilities, Progress
from segwright.evaluate import choose_thresholds, count_pixels
from segwright.evaluate.contested import ContestedPixels
from segwright.infer import Cleanup, Decision, decide
from tests.evaluate.maps import CLASSES, VOID, labels, random_map, soft


def hold_out(count: int = 4, *, lean: float = 2.0, void: float = 0.02):
    """Frames where a few defects lie on much background, and the network leans towards background."""
    frames = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        truth = np.zeros((60, 80), np.uint8)
        truth[10:14, 5:60] = 1
        truth[30:45, 20:40] = 2
        truth[rng.random(truth.shape) < void] = VOID
        frames.append((soft(truth, rng, evidence=2.5, lean=lean), labels(truth)))
    return frames


@pytest.mark.parametrize("target", ["f1", "iou"])
def test_choose_thresholds__beats_the_largest_probability(target):
    frames = hold_out()
    calibration = choose_thresholds(frames, CLASSES, target=target)
    assert calibration.kept
    assert set(calibration.thresholds) == {"scratch", "dent"}
    assert calibration.after.objective > calibration.before.objective + 0.02
    assert calibration.images == 4
    counts = sum((count_pixels(decide(answer, calibration.decision), truth) for answer, truth in frames[1:]),
                 count_pixels(decide(frames[0][0], calibration.decision), frames[0][1]))  # fmt: skip
    f1 = 2 * counts.correct_px / (counts.truth_px + counts.predicted_px)
    assert [calibration.after.classes[name]["f1"] for name in CLASSES.names] == pytest.approx(f1.tolist())


def test_choose_thresholds__joint_refinement_is_no_worse_than_one_against_the_rest():
    frames = hold_out()
    calibration = choose_thresholds(frames, CLASSES)
    starts = {name: calibration.curves.best_threshold(name, _f1()) for name in ("scratch", "dent")}
    contested = ContestedPixels(CLASSES)
    for frame in frames:
        contested.add(*frame)
    assert _mean_f1(contested, calibration.thresholds) >= _mean_f1(contested, starts)


@pytest.mark.parametrize(("target", "score"), [("precision>=0.9", "precision"), ("recall>=0.9", "recall")])
def test_choose_thresholds__keeps_a_promise(target, score):
    calibration = choose_thresholds(hold_out(lean=0.0), CLASSES, target=target)
    assert all(calibration.after.classes[name][score] >= 0.9 for name in ("scratch", "dent"))


def test_choose_thresholds__not_kept_where_the_largest_probability_is_perfect():
    heard = []
    frames = [(_certain(truth.ids), truth) for _, truth in hold_out()]
    calibration = choose_thresholds(frames, CLASSES, listener=heard.append)
    assert not calibration.kept
    assert calibration.decision == Decision()
    assert calibration.proposed
    assert any("not kept" in event.text for event in heard if isinstance(event, Note))
    assert {event.stage for event in heard if isinstance(event, Progress)} == {"probabilities", "thresholds"}


def test_choose_thresholds__a_class_not_in_the_hold_out_gets_none():
    frames = [(answer, labels(np.where(truth.ids == 2, 0, truth.ids))) for answer, truth in hold_out()]
    calibration = choose_thresholds(frames, CLASSES)
    assert "dent" not in calibration.proposed
    assert "dent is not in the truth of the hold-out" in calibration.notes[0]


def test_choose_thresholds__cleanup_is_part_of_what_is_scored():
    frames = hold_out(lean=0.0)
    plain = choose_thresholds(frames, CLASSES)
    cleaned = choose_thresholds(frames, CLASSES, cleanup=Cleanup(min_area_px=5))
    assert cleaned.before.classes["dent"]["precision"] > plain.before.classes["dent"]["precision"]


def test_choose_thresholds__void_changes_nothing():
    frames = hold_out(void=0.1)
    other = []
    for answer, truth in frames:
        values = answer.values.copy()
        values[:, ~truth.valid] = np.array([0.0, 1.0, 0.0], np.float32)[:, None]
        other.append((Probabilities(values, CLASSES), truth))
    assert choose_thresholds(other, CLASSES).to_json() == choose_thresholds(frames, CLASSES).to_json()


def test_choose_thresholds__a_table_without_background():
    table = ClassTable.of(["sky", "road", "car"])
    frames = [(Probabilities(answer.values, table), labels(truth.ids, table)) for answer, truth in hold_out(lean=1.0)]
    calibration = choose_thresholds(frames, table)
    assert set(calibration.proposed) == {"sky", "road", "car"}
    assert calibration.after.objective >= calibration.before.objective or not calibration.kept


def test_choose_thresholds__json_says_before_after_and_n():
    content = choose_thresholds(hold_out(), CLASSES).to_json()
    assert content["images"] == 4
    assert content["before"]["classes"]["scratch"]["f1"] < content["after"]["classes"]["scratch"]["f1"]
    assert content["reliability"]["ece"] > 0


def test_choose_thresholds__an_iterator_is_refused():
    with pytest.raises(TypeError, match="gone through twice"):
        choose_thresholds(iter(hold_out(1)), CLASSES)


def test_choose_thresholds__an_unknown_target_is_refused():
    with pytest.raises(ConfigError, match="not one that thresholds"):
        choose_thresholds(hold_out(1), CLASSES, target="accuracy")


def test_choose_thresholds__no_frame_is_refused():
    with pytest.raises(DataError, match="hold-out: has no frame"):
        choose_thresholds([], CLASSES)


def test_choose_thresholds__a_hold_out_of_background_is_refused():
    frames = [(answer, labels(np.zeros_like(truth.ids))) for answer, truth in hold_out(1)]
    with pytest.raises(DataError, match="no pixel of any foreground class"):
        choose_thresholds(frames, CLASSES)


def test_choose_thresholds__another_size_is_refused():
    answer, truth = hold_out(1)[0]
    with pytest.raises(DataError, match="hold-out frame 1: is not of the truth's size"):
        choose_thresholds([(answer, labels(truth.ids[:-1]))], CLASSES)


@given(st.integers(0, 2**31), st.floats(0.02, 0.98), st.floats(0.02, 0.98))
def test_contested_pixels__count_like_the_whole_frame(seed, scratch, dent):
    rng = np.random.default_rng(seed)
    truth = random_map(rng, (9, 12), void=0.1)
    answer, decision = soft(truth, rng, evidence=3, lean=3), Decision({"scratch": scratch, "dent": dent})
    contested = ContestedPixels(CLASSES)
    contested.add(answer, labels(truth))
    whole = count_pixels(decide(answer, decision), labels(truth))
    expected = (whole.correct_px, whole.truth_px, whole.predicted_px)
    assert [counts.tolist() for counts in contested.counts(decision)] == [counts.tolist() for counts in expected]


def test_contested_pixels__thin_themselves_out_above_the_limit():
    full, thinned = ContestedPixels(CLASSES), ContestedPixels(CLASSES, max_values=3000)
    for frame in hold_out():
        full.add(*frame)
        thinned.add(*frame)
    assert thinned.count * len(CLASSES) <= 3000
    assert thinned.weight > 1
    decision = Decision({"scratch": 0.3, "dent": 0.3})
    for exact, estimate in zip(full.counts(decision), thinned.counts(decision), strict=True):
        assert estimate == pytest.approx(exact, rel=0.25)


def _certain(ids):
    values = np.zeros((len(CLASSES), *ids.shape), np.float32)
    for channel in range(len(CLASSES)):
        values[channel][ids == channel] = 1
    values[0][ids == VOID] = 1
    return Probabilities(values, CLASSES)


def _f1():
    from segwright.evaluate import Target

    return Target("f1")


def _mean_f1(contested, thresholds) -> float:
    correct, truth, predicted = contested.counts(Decision(dict(thresholds)))
    return float((2 * correct / (truth + predicted))[1:].mean())
