"""Counts equal both published definitions, and keep the laws of panoptic quality."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.functional.detection import panoptic_quality

from segwright.core import ClassTable, ConfigError, DataError
from segwright.evaluate.panoptic import (
    RULES,
    PanopticCounts,
    PanopticFrame,
    Segment,
    count_panoptic_frame,
    count_panoptic_frames,
    score_panoptic_rows,
)
from tests.evaluate.panoptic import oracle
from tests.evaluate.panoptic.frames import CLASSES, frame, frame_pairs, random_frame, random_ids

ORACLES = {"coco": oracle.coco, "bdd100k": oracle.bdd100k}


def lists(row) -> oracle.Lists:
    """A row as the oracles give it, sorted."""
    matched = [(*found[:3], found[3] / found[4]) for found in row.matched.tolist()]
    return (
        sorted(matched),
        sorted(map(tuple, row.missed.tolist())),
        sorted(map(tuple, row.invented.tolist())),
    )


@pytest.mark.parametrize("rule", RULES)
@given(frame_pairs())
@settings(max_examples=150)
def test_count__is_the_published_definition(rule, pair) -> None:
    expected = ORACLES[rule](*pair)
    assert lists(count_panoptic_frame(*pair, rule=rule)) == tuple(sorted(part) for part in expected)


@pytest.mark.parametrize("rule", RULES)
@given(st.lists(frame_pairs(), min_size=1, max_size=4))
def test_scores__are_the_published_definition(rule, pairs) -> None:
    rows = [replace(count_panoptic_frame(*pair, rule=rule), stem=str(at)) for at, pair in enumerate(pairs)]
    scores = score_panoptic_rows(rows, CLASSES)
    expected = oracle.qualities([ORACLES[rule](*pair) for pair in pairs])
    for spec in CLASSES:
        found = tuple(scores.classes[spec.name][name] for name in ("pq", "sq", "rq"))
        assert found == (
            pytest.approx(expected[spec.class_id], abs=1e-12) if spec.class_id in expected else (None,) * 3
        )
    for name, kinds in (("pq", {"thing", "stuff"}), ("pq_things", {"thing"}), ("pq_stuff", {"stuff"})):
        values = [expected[spec.class_id].pq for spec in CLASSES if spec.class_id in expected and spec.kind in kinds]
        assert scores.overall[name] == (pytest.approx(sum(values) / len(values)) if values else None)


@given(st.integers(0, 2**32 - 1))
def test_scores__equal_torchmetrics_where_it_counts_alike(seed) -> None:
    """No void in the prediction, no crowd, one segment a class of stuff: torchmetrics merges those."""
    rng = np.random.default_rng(seed)
    classes, instances = (np.kron(rng.integers(*ends, (2, 5, 6)), np.ones((2, 2), int)) for ends in ((0, 4), (1, 3)))
    table = ClassTable(tuple(replace(spec, class_id=at) for at, spec in enumerate(CLASSES)))
    instances[classes < 2] = 0
    void = rng.random((10, 12)) < 0.2
    frames = []
    for at in range(2):
        ids = (classes[at] * 10 + instances[at] + 1).astype(np.uint32)
        ids[void & (at == 1)] = 0
        named = {each: Segment((each - 1) // 10) for each in np.unique(ids).tolist() if each}
        frames.append(PanopticFrame("a", ids, named, table))
    colours = np.stack([classes, instances], axis=-1)
    colours[1][void] = (99, 0)
    expected = panoptic_quality(
        *(torch.from_numpy(each[None]) for each in colours),
        things={2, 3}, stuffs={0, 1}, allow_unknown_preds_category=True, return_per_class=True,
        return_sq_and_rq=True,
    )  # fmt: skip
    if bool(void.all()):
        return
    scores = score_panoptic_rows([count_panoptic_frame(*frames)], table)
    for name, values in zip((table.names[at] for at in (2, 3, 0, 1)), expected.tolist(), strict=True):
        found = [scores.classes[name][quality] or 0.0 for quality in ("pq", "sq", "rq")]
        assert found == pytest.approx(values)


@given(st.lists(frame_pairs(), min_size=2, max_size=5), st.randoms())
def test_counts__add_up_in_any_order_and_sharding(pairs, random) -> None:
    rows = [replace(count_panoptic_frame(*pair), stem=str(at)) for at, pair in enumerate(pairs)]
    whole = PanopticCounts(CLASSES, "coco", tuple(rows))
    random.shuffle(rows)
    cut = random.randrange(len(rows) + 1)
    parts = [PanopticCounts(CLASSES, "coco", tuple(part)) for part in (rows[:cut], rows[cut:])]
    assert parts[1] + parts[0] == whole
    assert score_panoptic_rows((parts[0] + parts[1]).frames, CLASSES) == score_panoptic_rows(whole.frames, CLASSES)
    assert score_panoptic_rows(rows, CLASSES) == score_panoptic_rows(whole.frames, CLASSES)


@given(frame_pairs(), st.integers(0, 2**32 - 1))
def test_coco__what_is_predicted_on_void_changes_no_match_and_no_miss(pair, seed) -> None:
    prediction, truth = pair
    rng = np.random.default_rng(seed)
    void = truth.ids == 0
    ids = np.where(void, rng.permuted(prediction.ids), prediction.ids)
    kept = {each: segment for each, segment in prediction.segments.items() if (ids == each).any()}
    before, after = (
        lists(count_panoptic_frame(each, truth)) for each in (prediction, PanopticFrame("a", ids, kept, CLASSES))
    )
    assert after[:2] == before[:2]


@given(frame_pairs(void=False, crowd=0.0))
def test_coco__swapping_truth_and_prediction_swaps_fp_and_fn(pair) -> None:
    there, back = count_panoptic_frame(*pair), count_panoptic_frame(*reversed(pair))
    assert there.missed.tolist() == back.invented.tolist()
    assert there.invented.tolist() == back.missed.tolist()
    assert sorted(there.matched[:, [0, 1, 2, 3, 4]].tolist()) == sorted(back.matched[:, [0, 2, 1, 3, 4]].tolist())


@pytest.mark.parametrize("rule", RULES)
@given(pair=frame_pairs(crowd=0.0))
def test_perfect__is_one_and_absent_is_none(rule, pair) -> None:
    scores = score_panoptic_rows([count_panoptic_frame(pair[1], pair[1], rule=rule)], CLASSES)
    present = {segment.class_id for segment in pair[1].segments.values()}
    for spec in CLASSES:
        expected = 1.0 if spec.class_id in present else None
        assert [scores.classes[spec.name][name] for name in ("pq", "sq", "rq")] == [expected] * 3
    assert scores.overall["pq"] == (1.0 if present else None)


@pytest.mark.parametrize("rule", RULES)
def test_all_void__counts_nothing(rule) -> None:
    truth = frame(np.zeros((4, 4)), {})
    row = count_panoptic_frame(frame(np.ones((4, 4)), {1: 5}), truth, rule=rule)
    assert lists(row) == ([], [], [])
    assert row.void_px == row.frame_px == 16
    assert set(score_panoptic_rows([row], CLASSES).overall.values()) == {None}


@pytest.mark.parametrize("rule", RULES)
def test_void_prediction__misses_and_invents_nothing(rule) -> None:
    row = count_panoptic_frame(frame([[0, 0, 0]], {}), frame([[1, 2, 2]], {1: 1, 2: 5}), rule=rule)
    assert lists(row) == ([], [(1, 1), (5, 2)], [])
    scores = score_panoptic_rows([row], CLASSES)
    assert scores.classes["car"] == {"pq": 0.0, "sq": 0.0, "rq": 0.0, "tp": 0, "fp": 0, "fn": 1}


def test_rules__differ_where_a_prediction_covers_void() -> None:
    truth = frame([[1, 1, 1, 0, 0, 0]], {1: 5})
    prediction = frame([[1, 1, 1, 1, 1, 1]], {1: 5})
    assert lists(count_panoptic_frame(prediction, truth)) == ([(5, 1, 1, 1.0)], [], [])
    assert lists(count_panoptic_frame(prediction, truth, rule="bdd100k")) == ([], [(5, 1)], [(5, 1)])


def test_rules__differ_on_the_crowd_of_another_class() -> None:
    truth = frame([[1, 1, 1]], {1: Segment(5, is_crowd=True)})
    dog, car = (frame([[1, 1, 1]], {1: class_id}) for class_id in (9, 5))
    assert lists(count_panoptic_frame(dog, truth)) == ([], [], [(9, 1)])
    assert lists(count_panoptic_frame(dog, truth, rule="bdd100k")) == ([], [], [])
    assert lists(count_panoptic_frame(car, truth)) == ([], [], [])


def test_coco__of_two_crowds_of_a_class_the_last_named_forgives() -> None:
    crowd = Segment(5, is_crowd=True)
    for segments, forgiven in (({1: crowd, 2: crowd}, 2), ({2: crowd, 1: crowd}, 1)):
        row = count_panoptic_frame(frame([[1, 2]], {1: 5, 2: 5}), frame([[1, 2]], segments))
        assert row.invented.tolist() == [[5, 3 - forgiven]]


def test_stuff__in_several_segments_is_not_merged() -> None:
    row = count_panoptic_frame(frame([[1, 1, 2, 2]], {1: 1, 2: 1}), frame([[3, 3, 3, 3]], {3: 1}))
    assert lists(row) == ([], [(1, 3)], [(1, 1), (1, 2)])


def test_half__is_not_enough() -> None:
    for rule in RULES:
        row = count_panoptic_frame(frame([[1, 0, 0, 0]], {1: 1}), frame([[1, 1, 0, 0]], {1: 1}), rule=rule)
        assert lists(row) == ([], [(1, 1)], [(1, 1)])


def test_one_pixel() -> None:
    row = count_panoptic_frame(frame([[8]], {8: 5}), frame([[3]], {3: 5}))
    assert row.matched.tolist() == [[5, 3, 8, 1, 1]]


def test_65535_segments() -> None:
    ids = np.zeros(256 * 256, np.uint32)
    ids[1:] = np.arange(1, 65536)
    segments = {each: Segment(5) for each in range(1, 65536)}
    truth = PanopticFrame("a", ids.reshape(256, 256), segments, CLASSES)
    shifted = PanopticFrame("a", np.roll(truth.ids, 1), segments, CLASSES)
    row = count_panoptic_frame(shifted, truth)
    assert len(row.matched) == 65534
    assert row.missed.tolist() == [[5, 1]]
    assert len(row.invented) == 0  # segment 65,535 is predicted on the one pixel of void


def test_ids__of_views_and_odd_sizes() -> None:
    rng = np.random.default_rng(3)
    ids = random_ids(rng, (61, 37))
    views = ids[::-2, 1::3].T, np.asfortranarray(ids[::-2, 1::3].T)
    truth, prediction = (random_frame(np.random.default_rng(4), each) for each in views)
    assert truth == prediction
    assert len(count_panoptic_frame(prediction, truth).missed) == 0


def test_pair__of_another_size_and_table_is_refused_with_the_frame() -> None:
    truth = frame([[1, 1]], {1: 1}, "line/7")
    other = frame([[1]], {1: 0}, "line/7", ClassTable.of(["road"]))
    with pytest.raises(DataError) as error:
        count_panoptic_frame(other, truth)
    assert [(problem.place, problem.rule) for problem in error.value.problems] == [
        ("line/7: prediction", "is not of the truth's size"),
        ("line/7: prediction", "is of another class table"),
    ]


def test_stream__collects_its_refusals_and_says_how_far_it_is() -> None:
    good = frame([[1]], {1: 1}, "good")
    wide, tall = frame([[1, 1]], {1: 1}, "wide"), frame([[1], [1]], {1: 1}, "tall")
    events = []
    counts = count_panoptic_frames([(good, good)], CLASSES, listener=events.append)
    assert [row.stem for row in counts.frames] == ["good"]
    assert events[-1].done == 1
    with pytest.raises(DataError) as error:
        count_panoptic_frames([(good, wide), (good, good), (good, tall)], CLASSES)
    assert [problem.place for problem in error.value.problems] == ["wide: prediction", "tall: prediction"]
    with pytest.raises(DataError, match="good: has a truth of another class table"):
        count_panoptic_frames([(good, good)], ClassTable.of(["road"]))


def test_counts__refuse_a_frame_twice_and_another_rule() -> None:
    row = count_panoptic_frame(frame([[1]], {1: 1}), frame([[1]], {1: 1}))
    counts = {rule: PanopticCounts(CLASSES, rule, (row,)) for rule in RULES}
    with pytest.raises(DataError, match="frame: is counted twice"):
        _ = counts["coco"] + counts["coco"]
    with pytest.raises(ValueError, match="the same void rule"):
        _ = counts["coco"] + counts["bdd100k"]
    with pytest.raises(ConfigError, match="is no void rule"):
        count_panoptic_frame(frame([[1]], {1: 1}), frame([[1]], {1: 1}), rule="cityscapes")  # type: ignore[arg-type]


def test_scores__of_every_order_are_equal_to_the_last_digit() -> None:
    rng = np.random.default_rng(5)
    rows = []
    for at in range(4):
        ids = np.ones((1, 100), np.uint32)
        ids[0, : int(rng.integers(1, 45))] = 2
        truth = frame(np.ones((1, 100)), {1: 5}, str(at))
        rows.append(count_panoptic_frame(frame(ids, {1: 5, 2: 9}, str(at)), truth))
    assert len({score_panoptic_rows(order, CLASSES).overall["pq"] for order in itertools.permutations(rows)}) == 1
