"""Laws of crops with objects: whatever the zoom, the turn and the place, each object is kept, clipped or ignored."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.core import ClassTable, InstanceSet, Size, instance_from_mask
from segwright.data.augment import GeometryRanges, centre_anywhere, cut, draw_geometry
from segwright.train.objects.layers import IGNORED, CutObjects, cut_objects, layered, pasted_objects

CLASSES = ClassTable.of(["background", "bolt", "nut"])
SEEDS = st.integers(0, 2**32 - 1)
# Large-scale jitter (Ghiasi et al. 2021): from a tenth to twice the size.
JITTER = GeometryRanges(True, True, 180.0, (0.1, 2.0), warp_share=1.0)
BENT = GeometryRanges(True, True, 30.0, (0.5, 2.0), 1.0, shear_degrees=10, perspective=0.2, elastic=1.0, distortion=0.1)


def some_objects(rng: np.random.Generator, count: int, side: int = 48) -> InstanceSet:
    """Boxes of a frame of `side` px, of two classes, that may overlap; a corner is void."""
    found = []
    for _ in range(count):
        height, width = (int(value) for value in rng.integers(2, 20, 2))
        at = tuple(int(value) for value in rng.integers(0, side - 20, 2))
        found.append(instance_from_mask(np.ones((height, width), bool), int(rng.integers(1, 3)), at=(at[0], at[1])))
    void = np.zeros((side, side), bool)
    void[-4:, -4:] = True
    return InstanceSet(Size(side, side), tuple(one for one in found if one is not None), CLASSES, void)


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.integers(0, 8), st.sampled_from([JITTER, BENT]), st.floats(0, 1), st.integers(0, 40))
def test_cut_objects__keeps_what_enough_is_seen_of_and_ignores_the_rest(
    seed: int, count: int, ranges: GeometryRanges, least_share: float, least_px: int
) -> None:
    """Each object by itself, warped alone, is the judge."""
    rng = np.random.default_rng(seed)
    frame = some_objects(rng, count)
    layers = layered(frame)
    geometry = draw_geometry(Size(40, 32), ranges, rng)
    centre = centre_anywhere(geometry, frame.size, rng)
    pixels = np.zeros((48, 48, 1), np.uint8)
    warped = cut(pixels, layers.layers, geometry, centre, void=IGNORED)[1]
    shown = cut_objects(warped, layers, geometry.magnification, least_share, least_px)
    outside = (warped == IGNORED).any(axis=2)
    kept = []
    ignored = outside.copy()
    for one in frame:
        alone = cut(pixels, one.over(frame.size).astype(np.uint16), geometry, centre, void=0)[1] > 0
        whole = one.area_px * geometry.magnification**2
        if alone.any() and alone.sum() >= max(least_share * whole, least_px):
            kept.append((one.class_id - 1, alone))
        else:
            ignored |= alone
    assert sorted(shown.channels.tolist()) == sorted(channel for channel, _ in kept)
    assert sorted(mask.tobytes() for mask in shown.masks) == sorted(mask.tobytes() for _, mask in kept)
    assert np.array_equal(shown.ignored, ignored)
    assert shown.masks.any(axis=(1, 2)).all()
    assert not (shown.masks & outside_of_frame(warped)).any()


def outside_of_frame(layers: np.ndarray) -> np.ndarray:
    return (layers == IGNORED).all(axis=2)


@settings(deadline=None, max_examples=25)
@given(SEEDS)
def test_cut_objects__a_whole_object_is_kept_whatever_the_zoom(seed: int) -> None:
    """Its share is counted at the crop's magnification: seen whole it is all there at any size."""
    rng = np.random.default_rng(seed)
    mask = np.ones((20, 20), bool)
    one = instance_from_mask(mask, 1, at=(14, 14))
    assert one is not None
    frame = layered(InstanceSet(Size(48, 48), (one,), CLASSES))
    geometry = draw_geometry(Size(120, 120), JITTER, rng)
    warped = cut(np.zeros((48, 48, 1), np.uint8), frame.layers, geometry, (23.5, 23.5), void=IGNORED)[1]
    shown = cut_objects(warped, frame, geometry.magnification, 0.5)
    assert len(shown.channels) == 1
    assert shown.masks.sum() >= 0.5 * 400 * geometry.magnification**2


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.integers(0, 6), st.integers(0, 6), st.floats(0, 1))
def test_pasted_objects__what_is_on_top_is_whole_and_nothing_lies_in_it(
    seed: int, below_count: int, above_count: int, least_share: float
) -> None:
    rng = np.random.default_rng(seed)
    below, above = (whole_frame(some_objects(rng, count)) for count in (below_count, above_count))
    chosen = np.flatnonzero(rng.random(len(above.channels)) < 0.5).tolist()
    both, cover = pasted_objects(below, above, chosen, least_share)
    pasted = len(chosen)
    assert np.array_equal(both.masks[len(both.masks) - pasted :], above.masks[chosen])
    kept = both.masks[: len(both.masks) - pasted]
    assert not (kept & cover).any()
    assert not (both.ignored & cover).any()
    assert both.masks.any(axis=(1, 2)).all()
    seen = below.masks.any(axis=0) & ~cover
    assert not (seen & ~(kept.any(axis=0) | both.ignored)).any(), "what is left of an object is an object or ignored"
    if not chosen:
        assert np.array_equal(both.masks, below.masks)


def whole_frame(frame: InstanceSet) -> CutObjects:
    layers = layered(frame)
    return cut_objects(layers.layers, layers, 1.0, 0.0)
