"""Near-duplicates: what must be found, what must not, and the laws of the descriptor."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwright.core import GREY, RGB, Image
from segwright.data.checks.near import describe, duplicates_across, duplicates_within, larger_of, similarity, verify
from segwright.data.checks.near.descriptor import SYMMETRIES, symmetric, thumbnail, turned
from tests.data.checks.folders import Pixels, picture

SEEDS = st.integers(0, 10_000)
TURNS = st.integers(0, SYMMETRIES - 1)
OTHERS = [picture(seed, 160) for seed in range(100, 124)]


def small(pixels: Pixels) -> Pixels:
    found = thumbnail(Image(np.ascontiguousarray(pixels), RGB if pixels.ndim == 3 else GREY))
    assert found is not None
    return found


def across(copy: Pixels, original: Pixels) -> list[str]:
    """What is said of a copy on the other side of 24 other frames and the original."""
    pictures = [small(original), *map(small, OTHERS), small(copy)]
    pairs = duplicates_across(pictures, [""] * len(pictures), [0] * (len(pictures) - 1) + [1])
    assert {(pair.first, pair.second) for pair in pairs} <= {(0, len(pictures) - 1)}
    return [pair.describe() for pair in pairs]


@given(SEEDS, TURNS)
def test_descriptor__of_a_turned_frame_is_the_turned_descriptor(seed: int, turn: int) -> None:
    frame = small(picture(seed, 128))
    of_turned = describe(turned(frame, turn))
    assert np.allclose(symmetric(describe(frame))[turn], of_turned, atol=1e-4)


@given(SEEDS, SEEDS, TURNS, TURNS)
def test_similarity__does_not_change_when_frames_are_turned(one: int, two: int, first: int, second: int) -> None:
    frames = small(picture(one, 128)), small(picture(two, 128))
    plain = similarity(describe(frames[0]), describe(frames[1]))
    after = similarity(describe(turned(frames[0], first)), describe(turned(frames[1], second)))
    assert after == pytest.approx(plain, abs=1e-3)


@given(SEEDS, TURNS)
def test_similarity__of_a_frame_with_itself_turned_is_one(seed: int, turn: int) -> None:
    frame = small(picture(seed, 128))
    assert similarity(describe(frame), describe(turned(frame, turn))) == pytest.approx(1, abs=1e-4)


@given(SEEDS, st.floats(0.3, 1.0), st.integers(0, 60))
def test_descriptor__knows_neither_brightness_nor_contrast(seed: int, contrast: float, brightness: int) -> None:
    pixels = picture(seed, 128)
    lit = np.round(pixels * (contrast * 0.75) + brightness).astype(np.uint8)
    assert similarity(describe(small(pixels)), describe(small(lit))) > 0.995


def encoded(pixels: Pixels, quality: int) -> Pixels:
    return cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize(
    ("what", "copy", "said"),
    [
        ("flipped", lambda pixels: pixels[:, ::-1], "flipped"),
        ("turned", lambda pixels: np.rot90(pixels), "turned by 90 degrees"),
        ("half turned", lambda pixels: pixels[::-1, ::-1], "turned by 180 degrees"),
        ("smaller", lambda pixels: cv2.resize(pixels, (80, 80), interpolation=cv2.INTER_AREA), "the same extent"),
        ("larger", lambda pixels: cv2.resize(pixels, (320, 300)), "the same extent"),
        ("encoded", lambda pixels: encoded(pixels, 30), "the same extent"),
        ("darker", lambda pixels: (pixels * 0.6 + 5).astype(np.uint8), "the same extent"),
        ("cropped", lambda pixels: pixels[20:132, 30:142], "a part of it"),
        ("cropped, flipped", lambda pixels: encoded(np.ascontiguousarray(pixels[10:130, 128:8:-1]), 60), "flipped"),
    ],
)
def test_duplicates__are_found_however_they_were_altered(what: str, copy, said: str) -> None:
    original = picture(3, 160)
    found = across(copy(original), original)
    assert len(found) == 1
    assert said in found[0]


def test_duplicates__other_pictures_of_the_same_kind_are_none() -> None:
    assert across(picture(77, 160), picture(3, 160)) == []


def test_duplicates__frames_of_one_fixed_camera_with_other_parts_in_them_are_none() -> None:
    belt = picture(1, 160)
    rng = np.random.default_rng(0)
    frames = []
    for number in range(24):
        frame = np.array(belt)
        part = picture(500 + number, 160)
        top, left = rng.integers(10, 40, 2)
        frame[top : top + 110, left : left + 110] = part[top : top + 110, left : left + 110]
        frames.append(small(np.clip(frame + rng.normal(0, 3, frame.shape), 0, 255).astype(np.uint8)))
    assert duplicates_across(frames, [""] * 24, [number % 2 for number in range(24)]) == []


def test_duplicates__of_frames_that_show_nothing_are_told_by_their_pixels() -> None:
    assert thumbnail(Image(np.full((40, 50, 3), 7, np.uint8))) is None
    pairs = duplicates_across([None, None, None], ["x", "x", "y"], [0, 1, 1])
    assert [(pair.first, pair.second, pair.exact) for pair in pairs] == [(0, 1, True)]


def test_duplicates__within_a_set_are_of_one_extent() -> None:
    frames = [*OTHERS[:6], OTHERS[0][::-1], OTHERS[1][20:130, 20:130]]
    pairs = duplicates_within([small(frame) for frame in frames], [""] * len(frames))
    assert [(pair.first, pair.second) for pair in pairs] == [(0, 6)]


def test_duplicates__of_no_frames_or_one_are_none() -> None:
    assert duplicates_across([], [], []) == []
    assert duplicates_within([small(OTHERS[0])], [""]) == []


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_thumbnail__of_other_pixel_types_shows_the_same(dtype: type) -> None:
    pixels = picture(4, 100)
    scaled = (pixels.astype(np.float64) * (257 if dtype == np.uint16 else 1 / 255)).astype(dtype)
    assert similarity(describe(small(pixels)), describe(small(scaled))) > 0.999


def bracket(seed: int) -> Pixels:
    """One shape on one plain belt, as every part of a series is; each picture with its own grain and place."""
    rng = np.random.default_rng(seed)
    frame = np.full((384, 512), 60.0)
    left, top = (int(value) for value in rng.integers(80, 160, 2))
    cv2.rectangle(frame, (left, top), (left + 240, top + 110), 170.0, -1)
    for hole in (40, 120, 200):
        cv2.circle(frame, (left + hole, top + 55), 18, 60.0, -1)
    soft = cv2.GaussianBlur(frame, (0, 0), 1.2) + rng.normal(0, 5, frame.shape)
    return np.clip(soft, 0, 255).astype(np.uint8)


def series(count: int, extra: Pixels) -> list[str]:
    """What is reported among parts of one shape, half of them on either side, with `extra` last on the second side."""
    images = [Image(pixels[..., None], GREY) for pixels in [*map(bracket, range(count)), extra]]
    pictures, sides = [thumbnail(image) for image in images], [number % 2 for number in range(count)]
    larger = larger_of(images.__getitem__, lambda number: images[number].size)
    pairs = duplicates_across(pictures, [""] * len(images), [*sides, 1], larger)
    return [f"{pair.first} {pair.second}" for pair in pairs]


def test_duplicates__parts_of_one_shape_on_one_belt_are_none() -> None:
    assert series(10, bracket(99)) == []


def test_duplicates__of_a_part_among_others_of_its_shape_are_found() -> None:
    shown = bracket(4)
    assert series(10, encoded(np.ascontiguousarray(shown[:, ::-1]), 80)) == ["4 10"]


def test_compare_closely__the_middle_alone_tells_that_grain_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []
    whole = verify._shared_grain
    monkeypatch.setattr(verify, "_shared_grain", lambda *given: (looked_at.append(len(given[0])), whole(*given))[1])
    first, copy, other = (large(pixels) for pixels in (shaded(1), encoded(shaded(1), 80), shaded(2)))
    still = np.eye(2, 3, dtype=np.float32)
    assert verify.compare_closely(first, other, 0, still) < 0.35
    assert looked_at == [192]
    assert verify.compare_closely(first, copy, 0, still) > 0.9
    assert looked_at == [192, 192, 512]


def test_larger_of__decodes_each_frame_once_for_all_its_pairs() -> None:
    images = [Image(bracket(seed)[..., None], GREY) for seed in range(3)]
    decoded: list[int] = []
    larger = larger_of(lambda number: (decoded.append(number), images[number])[1], lambda number: images[number].size)
    assert all(larger(first, second) is not None for first, second in ((0, 1), (1, 2), (2, 0)))
    assert sorted(decoded) == [0, 1, 2]


def shaded(seed: int) -> Pixels:
    """One soft shade, as of a plain part before a lamp; each picture with its own grain."""
    grain = np.random.default_rng(seed).normal(0, 6, (384, 512))
    shade = 120 + 60 * np.sin(np.linspace(0, 9, 512)) * np.cos(np.linspace(0, 7, 384))[:, None]
    return np.clip(cv2.GaussianBlur(shade + grain, (0, 0), 0.8), 0, 255).astype(np.uint8)


def large(pixels: Pixels) -> Pixels:
    found = thumbnail(Image(pixels[..., None], GREY), 512)
    assert found is not None
    return found
