"""Hard places: drawn by their recent loss, from what was known long enough ago, and the same after a resume."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.train.hard_places import LAG, HardPlaces, crop_losses

CELL = 32


def observed(places: HardPlaces, first: int, last: int, seed: int = 0) -> None:
    """Losses of steps `first` to `last - 1`: each step's are a function of the step."""
    for step in range(first, last):
        rng = np.random.default_rng((seed, step))
        where = [(int(rng.integers(3)), float(rng.uniform(0, 200)), float(rng.uniform(0, 200))) for _ in range(4)]
        places.observe(step, where, torch.from_numpy(rng.random(4)))


def drawn(places: HardPlaces, step: int) -> tuple[list, list]:
    hardest = places.hardest(step)
    return ([], []) if hardest is None else (hardest.cells.tolist(), hardest.chances.tolist())


def test_hardest__knows_nothing_before_the_lag_has_passed() -> None:
    places = HardPlaces(CELL)
    observed(places, 0, LAG)
    assert places.hardest(LAG - 1) is None
    assert places.hardest(LAG) is not None


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 60), st.integers(1, 20), st.integers(0, LAG - 4))
def test_hardest__is_the_same_however_far_ahead_batches_are_cut_and_wherever_a_run_was_resumed(
    killed: int, more: int, ahead: int
) -> None:
    """What step s is drawn from is asked for when losses up to s - 1 - `ahead` are there; and again after a resume."""
    whole = HardPlaces(CELL)
    asked = {}
    for step in range(killed + more):
        observed(whole, step, step + 1)
        asked[step + 1 + ahead] = drawn(whole, step + 1 + ahead)
    first, second = HardPlaces(CELL), HardPlaces(CELL)
    observed(first, 0, killed)
    second.restore(first.state())
    for step in range(killed, killed + more):
        if step in asked:
            assert drawn(second, step) == asked[step]
        observed(second, step, step + 1)
    assert second.state() == whole.state()


def test_state__is_plain_values_that_a_checkpoint_takes(tmp_path) -> None:
    places = HardPlaces(CELL)
    observed(places, 0, 40)
    torch.save(places.state(), tmp_path / "state.pt")
    read = HardPlaces(CELL)
    read.restore(torch.load(tmp_path / "state.pt", weights_only=True))
    assert drawn(read, 40) == drawn(places, 40)


def test_hardest__the_chance_of_a_cell_is_its_loss_and_the_newest_counts_half() -> None:
    places = HardPlaces(CELL)
    places.observe(0, [(0, 5.0, 5.0), (1, 40.0, 70.0)], torch.tensor([1.0, 1.0]))
    places.observe(1, [(0, 9.0, 9.0), None], torch.tensor([5.0, 100.0]))
    hardest = places.hardest(1 + LAG)
    assert hardest is not None
    assert hardest.cells.tolist() == [[0, 0, 0], [1, 1, 2]]
    assert hardest.chances.tolist() == pytest.approx([0.75, 0.25])
    frames = [hardest.draw(CELL, np.random.default_rng(seed)) for seed in range(50)]
    assert all((0 <= row < 32 and 0 <= column < 32) if frame == 0 else (32 <= row < 64 and 64 <= column < 96)
               for frame, (row, column) in frames)  # fmt: skip


def test_hardest__crops_of_nothing_but_void_are_no_news() -> None:
    places = HardPlaces(CELL)
    places.observe(0, [(0, 5.0, 5.0)], torch.tensor([math.nan]))
    assert places.hardest(LAG) is None


def test_crop_losses__are_means_over_the_pixels_that_count() -> None:
    logits = torch.zeros(3, 2, 2, 2)
    logits[1, 0] = 20.0
    target = torch.tensor([[[0, 1], [-1, -1]], [[1, 1], [1, -1]], [[-1, -1], [-1, -1]]])
    losses = crop_losses(logits, target)
    assert losses[:2].tolist() == pytest.approx([math.log(2), 20.0], rel=1e-4)
    assert torch.isnan(losses[2])
    changed = logits.clone()
    changed[:, :, 1, 1] = 9.0  # void in every crop
    changed[:, 0, 1, 1] = -9.0
    assert torch.equal(crop_losses(changed, target)[:2], losses[:2])
