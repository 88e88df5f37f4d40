"""Objects as layers, and crops of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.core import ClassTable, InstanceSet, Size, instance_from_mask
from segwright.train.objects.layers import IGNORED, CutObjects, cut_objects, layered, pasted_objects, places_in

CLASSES = ClassTable.of(["background", "bolt", "nut"])


def frame(
    *boxes: tuple[int, int, int, int, int], crowd: tuple[int, int, int, int] | None = None, void: bool = False
) -> InstanceSet:
    """Objects (class, top, left, height, width) in a frame of 30x40; `crowd` is one more, of class 1."""
    found = [instance_from_mask(np.ones(box[3:], bool), box[0], at=box[1:3]) for box in boxes]
    if crowd is not None:
        found.append(instance_from_mask(np.ones(crowd[2:], bool), 1, at=crowd[:2], crowd=True))
    outside = np.zeros((30, 40), bool)
    outside[25:] = void
    return InstanceSet(Size(30, 40), tuple(one for one in found if one is not None), CLASSES, outside if void else None)


def test_layered__objects_apart_share_a_layer_and_overlapping_ones_do_not() -> None:
    apart = layered(frame((1, 0, 0, 5, 5), (2, 10, 10, 5, 5)))
    assert apart.layers.shape == (30, 40, 2)
    assert apart.channels.tolist() == [0, 1]
    over = layered(frame((1, 0, 0, 10, 10), (2, 5, 5, 10, 10)))
    assert over.layers.shape == (30, 40, 3)
    assert over.areas_px.tolist() == [100, 100]


def test_layered__crowds_and_void_are_ignored_and_no_objects() -> None:
    layers = layered(frame((1, 0, 0, 5, 5), crowd=(10, 10, 6, 6), void=True))
    assert len(layers) == 1
    assert (layers.layers[..., -1] == IGNORED).sum() == 36 + 5 * 40


def test_cut_objects__a_frame_without_objects() -> None:
    empty = layered(frame())
    shown = cut_objects(empty.layers, empty, 1.0, 0.25)
    assert shown.masks.shape == (0, 30, 40)
    assert shown.boxes().shape == (0, 4)
    assert not shown.ignored.any()


def test_cut_objects__what_is_mostly_outside_is_ignored_and_the_rest_kept_as_far_as_seen() -> None:
    whole = layered(frame((1, 0, 0, 20, 10), (2, 20, 20, 4, 4)))
    shown = cut_objects(whole.layers[10:], whole, 1.0, 0.25)
    assert shown.channels.tolist() == [0, 1]
    assert shown.masks.sum(axis=(1, 2)).tolist() == [100, 16]
    hidden = cut_objects(whole.layers[16:], whole, 1.0, 0.25)
    assert hidden.channels.tolist() == [1]
    assert hidden.ignored.sum() == 40


def test_cut_objects__shares_are_counted_at_the_crops_magnification() -> None:
    whole = layered(frame((1, 0, 0, 10, 10)))
    twice = whole.layers.repeat(2, axis=0).repeat(2, axis=1)
    assert len(cut_objects(twice[:10], whole, 2.0, 0.45).channels) == 1, "200 of 400 px at twice the size"
    assert len(cut_objects(twice[:10], whole, 2.0, 0.55).channels) == 0


def objects(*masks: np.ndarray) -> CutObjects:
    return CutObjects(np.arange(len(masks)), np.array(masks, bool).reshape(-1, 30, 40), np.zeros((30, 40), bool))


def test_pasted_objects__cover_what_is_below_and_hidden_objects_are_ignored() -> None:
    below, above = np.zeros((2, 30, 40), bool), np.zeros((1, 30, 40), bool)
    below[0, :10, :10] = below[1, 20:24, 20:24] = True
    above[0, :9, :10] = True
    both, cover = pasted_objects(objects(*below), objects(*above), [0], 0.25)
    assert cover.sum() == 90
    assert both.masks.sum(axis=(1, 2)).tolist() == [16, 90]
    assert both.ignored.sum() == 10, "what is left of the hidden one is nobody's background"
    same, nothing = pasted_objects(objects(*below), objects(*above), [], 0.25)
    assert np.array_equal(same.masks, below)
    assert not nothing.any()


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_places_in__lie_in_their_object(seed: int) -> None:
    rng = np.random.default_rng(seed)
    boxes = [
        (int(rng.integers(1, 3)), *(int(value) for value in (*rng.integers(0, 20, 2), *rng.integers(1, 10, 2))))
        for _ in range(5)
    ]
    whole = layered(frame(*boxes))
    for number, places in enumerate(places_in(whole, 4, rng), start=1):
        assert 1 <= len(places) <= 4
        assert (whole.layers[places[:, 0], places[:, 1]] == number).any(axis=1).all()
