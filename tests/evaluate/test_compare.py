"""Two evaluations side by side: differences, p-values, ranked frames, and what cannot be compared."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from segwright.core import ClassTable, DataError
from segwright.evaluate import Evaluation, compare, score_frames
from tests.evaluate.maps import CLASSES, pair, random_map


def scored(noise: dict[int, float], *, shift: int = 0, frames: int = 2) -> Evaluation:
    """Groups 0, 1, ... of frames; `noise` is the share of pixels each group's prediction gets at random."""
    pairs = []
    for group, share in noise.items():
        for index in range(frames):
            truth = random_map(np.random.default_rng([group, index]), (24, 24), void=0.05)
            rng = np.random.default_rng([group, index, 1 + shift])
            prediction = np.where(rng.random(truth.shape) < share, random_map(rng, truth.shape), truth)
            pairs.append(
                pair(np.where(prediction == 255, 0, prediction), truth, f"{group}-{index}", session=f"s{group}")
            )
    return score_frames(pairs, CLASSES)


def test_compare__says_by_how_much_and_that_it_is_no_chance():
    found = compare(scored(dict.fromkeys(range(8), 0.5)), scored(dict.fromkeys(range(8), 0.1)), by="session")
    change = found.scores["pooled_miou"]
    assert change.difference == pytest.approx(change.new - change.old)
    assert change.difference > 0.2
    assert found.exact
    assert change.p_value == 2 / 2**8  # only the data itself and its mirror differ as much
    assert set(found.classes) == set(CLASSES.names)


def test_compare__two_runs_of_the_same_kind_are_not_told_apart():
    found = compare(scored(dict.fromkeys(range(8), 0.3)), scored(dict.fromkeys(range(8), 0.3), shift=1), by="session")
    assert found.scores["pooled_miou"].p_value > 0.05


def test_compare__a_model_against_itself_is_no_difference():
    same = scored(dict.fromkeys(range(5), 0.3))
    found = compare(same, same)
    assert all(change.difference == 0 and change.p_value == 1 for change in found.scores.values())
    assert found.lost(5) == found.won(5) == ()


def test_compare__the_p_value_is_that_of_swapping_whole_groups_by_hand():
    old, new = scored({0: 0.4, 1: 0.2, 2: 0.5}), scored({0: 0.1, 1: 0.3, 2: 0.2}, shift=1)

    def iou(sides: tuple[Evaluation, ...]) -> float:
        rows = [row for group, side in enumerate(sides) for row in side.frames if row.columns["session"] == f"s{group}"]
        correct, truth, predicted = (sum(getattr(row, name)[1] for row in rows)
                                     for name in ("correct_px", "truth_px", "predicted_px"))  # fmt: skip
        return correct / (truth + predicted - correct)

    swapped = []
    for choice in itertools.product((False, True), repeat=3):
        sides = [(old, new) if swap else (new, old) for swap in choice]
        swapped.append(iou(tuple(a for a, _ in sides)) - iou(tuple(b for _, b in sides)))
    expected = np.mean(np.abs(swapped) >= abs(swapped[0]) - 1e-12)
    assert compare(old, new, by="session").classes["scratch"]["iou"].p_value == pytest.approx(expected)


def test_compare__many_groups_are_swapped_at_random_and_the_data_is_counted():
    found = compare(
        scored(dict.fromkeys(range(14), 0.6)), scored(dict.fromkeys(range(14), 0.0)), by="session", rounds=500
    )
    assert not found.exact
    assert found.rounds == 501
    assert 0 < found.scores["pooled_miou"].p_value <= 5 / 501


def test_compare__frames_are_ranked_by_what_they_lost():
    found = compare(scored({0: 0.0, 1: 0.5, 2: 0.2}, frames=1), scored({0: 0.6, 1: 0.0, 2: 0.2}, frames=1))
    assert [row.stem for row in found.lost(9)] == ["0-0"]
    assert [row.stem for row in found.won(9)] == ["1-0"]
    assert [row["stem"] for row in found.to_json()["frames"]] == ["0-0", "2-0", "1-0"]


def test_compare__refuses_what_is_not_the_same_question():
    old = scored({0: 0.1, 1: 0.1})
    with pytest.raises(DataError, match="2 are in the old evaluation only"):
        compare(old, scored({1: 0.1}))
    first, *others = old.frames
    relabelled = replace(old, frames=(replace(first, void_px=first.void_px + 1), *others))
    with pytest.raises(DataError, match="1 have another truth"):
        compare(old, relabelled)
    other = score_frames([pair([[0]], [[0]])], CLASSES)
    with pytest.raises(DataError, match="class table"):
        compare(old, replace(other, class_table=ClassTable.of(["a", "b", "c"])))
