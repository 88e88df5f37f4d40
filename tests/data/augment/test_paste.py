"""Copy-paste: the label follows the mark to the pixel; void is neither pasted over nor taken along."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.core import Box, Size
from segwright.data.augment import GeometryRanges, PasteRule, component_at, components_of, cut_piece, paste
from segwright.data.augment.components import MOST_COMPONENTS, PIXELS_PER_COMPONENT

VOID = 255
STILL = GeometryRanges(flip_horizontal=False, rotate_degrees=0, scale=(1, 1), warp_share=0)
WILD = GeometryRanges(flip_vertical=True, rotate_degrees=180, scale=(0.5, 2.0), warp_share=0.8, elastic=1.0)
RULE = PasteRule(onto=(0,), background=0, edge_px=1.5)


def donor(seed: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Grey 100, a mark 1 at 200, another mark 2 at 150 beside it, void at 250."""
    rng = np.random.default_rng(seed)
    channels = np.zeros((60, 60), np.uint8)
    top, left = rng.integers(2, 40, 2)
    channels[top : top + int(rng.integers(1, 12)), left : left + int(rng.integers(1, 12))] = 1
    channels[20:30, 50:] = 2
    channels[rng.random((60, 60)) < 0.1] = VOID
    channels[top, left] = 1
    values = np.full(256, 100, np.uint8)
    values[[1, 2, VOID]] = 200, 150, 250
    return values[channels][:, :, np.newaxis], channels


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 9999), st.floats(0, 3), st.booleans())
def test_paste__only_background_becomes_the_mark_and_void_stays_as_it_was(seed: int, edge: float, wild: bool) -> None:
    rule, rng = replace(RULE, edge_px=edge), np.random.default_rng(seed)
    frame, labels = donor(seed)
    target, under = donor(seed + 1)
    before = frame.copy(), labels.copy(), target.copy(), under.copy()
    pieces = components_of(labels, 1, rng)
    row, column = pieces.pixels[0, 0]
    piece = cut_piece(frame, labels, (int(row), int(column)), pieces.box(0), WILD if wild else STILL, rule, rng)
    done = None if piece is None else paste(target, under, piece, rule, rng)
    assert all(np.array_equal(*pair) for pair in zip(before, (frame, labels, target, under), strict=True))
    if piece is None or done is None:
        return
    pixels, channels = done
    changed = channels != under
    assert np.all(under[changed] == 0)
    assert np.all(channels[changed] == 1)
    assert np.count_nonzero(changed) == np.count_nonzero(piece.mark)
    kept = under != 0
    assert np.array_equal(pixels[kept], target[kept])
    if not wild:  # the mark is copied as it is, its own pixels at full strength
        assert np.all(pixels[changed] == 200)
        assert piece.mark.sum() == component_at(labels, (int(row), int(column)), pieces.box(0)).sum()
    assert pixels[under == 0].max() <= 200  # void's 250 is blended in nowhere


def test_paste__a_hard_edge_changes_the_mark_s_pixels_alone() -> None:
    frame, labels = donor(3)
    target, under = np.full((40, 40, 1), 10, np.uint8), np.zeros((40, 40), np.uint8)
    rng, rule = np.random.default_rng(0), replace(RULE, edge_px=0.0)
    pieces = components_of(labels, 1, rng)
    piece = cut_piece(frame, labels, tuple(pieces.pixels[0, 0].tolist()), pieces.box(0), STILL, rule, rng)
    assert piece is not None
    done = paste(target, under, piece, rule, rng)
    assert done is not None
    assert np.array_equal(done[0][..., 0] != 10, done[1] == 1)


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_paste__keeps_type_and_values_of_other_pixels(dtype: str) -> None:
    frame, labels = donor(3)
    frame = np.repeat(frame, 5, axis=2).astype(dtype) * np.array(100, dtype)
    rng = np.random.default_rng(0)
    pieces = components_of(labels, 1, rng)
    piece = cut_piece(frame, labels, tuple(pieces.pixels[0, 0].tolist()), pieces.box(0), STILL, RULE, rng)
    assert piece is not None
    done = paste(np.zeros((40, 40, 5), dtype), np.zeros((40, 40), np.uint8), piece, RULE, rng)
    assert done is not None
    assert done[0].dtype == dtype
    assert np.all(done[0][done[1] == 1] == 20_000)


def test_paste__where_there_is_no_room_nothing_is_done() -> None:
    frame, labels = donor(3)
    rng = np.random.default_rng(0)
    pieces = components_of(labels, 1, rng)
    piece = cut_piece(frame, labels, tuple(pieces.pixels[0, 0].tolist()), pieces.box(0), STILL, RULE, rng)
    assert piece is not None
    assert paste(frame, np.full((60, 60), VOID, np.uint8), piece, RULE, rng) is None
    assert (
        paste(frame[:1, :1], np.zeros((1, 1), np.uint8), replace(piece, mark=np.ones((3, 3), bool)), RULE, rng) is None
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 9999))
def test_components__are_what_the_class_is_made_of(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    channels = rng.choice(np.array([0, 1, VOID], np.uint8), (height, width), p=[0.6, 0.3, 0.1])
    pieces = components_of(channels, 1, rng)
    covered = np.zeros((height, width), int)
    for number in range(len(pieces)):
        box = pieces.box(number)
        pixel = tuple(pieces.pixels[number, 0].tolist())
        inside = component_at(channels, pixel, box)
        covered[box.slices] += inside
        assert inside.any(axis=0).all()
        assert inside.any(axis=1).all()
        for row, column in pieces.pixels[number]:
            assert inside[row - box.top, column - box.left]
    assert np.array_equal(covered, (channels == 1).astype(int))


def test_components__of_a_mask_of_speckles_are_a_choice() -> None:
    channels = np.zeros((80, 80), np.uint8)
    channels[::2, ::2] = 1
    pieces = components_of(channels, 1, np.random.default_rng(0))
    assert len(pieces) == MOST_COMPONENTS < 1600
    assert pieces.pixels.shape == (MOST_COMPONENTS, PIXELS_PER_COMPONENT, 2)
    assert len(components_of(channels, 5, np.random.default_rng(0))) == 0


def test_component_at__looks_no_further_than_its_box() -> None:
    channels = np.array([[1, 0, 1], [1, 0, 1], [1, 1, 1]], np.uint8)
    assert component_at(channels, (0, 0), Box(0, 0, 2, 3)).sum() == 2
    assert component_at(channels, (0, 0), Box.of(Size(3, 3))).sum() == 7
