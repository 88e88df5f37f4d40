"""Tiles with objects cut by their seams, over a network that sees every object there is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from segwright.core import GREY, ClassTable, Image, Size, adopt
from segwright.infer import Preprocessing, TilePlan
from segwright.infer.objects import Candidates, ObjectDecision, ObjectPredictor

CLASSES = ClassTable.of(["background", "bolt", "nut"])
PLAIN = Preprocessing(GREY, 1.0, (0.0,), (1.0,))


@dataclass(frozen=True)
class SeesEverything:
    """Answers with each region of one value as an object of class 1 (odd) or 2 (even), at a quarter of the size."""

    name: str = "a perfect network"
    stride_px: int = 32

    def __call__(self, batch: npt.NDArray[np.float32], /) -> list[Candidates]:
        return [self._answer(frame[0]) for frame in batch]

    def _answer(self, pixels: npt.NDArray[np.float32]) -> Candidates:
        rows = []
        for value in np.unique(pixels[pixels > 0]):
            regions, count = ndimage.label(pixels == value)
            rows += [(regions == at, 2 - int(value) % 2) for at in range(1, count + 1)]
        masks = np.array([mask for mask, _ in rows], bool).reshape(len(rows), *pixels.shape)
        return Candidates(
            scores=np.full(len(rows), 0.9, np.float32),
            channels=np.array([channel for _, channel in rows], np.int64) - 1,
            boxes=np.zeros((len(rows), 4), np.float32),
            mask_logits=np.where(masks, 8, -8).astype(np.float32),
            mask_frame="image",
            height=pixels.shape[0],
            width=pixels.shape[1],
        )


def predictor(tile: int = 64, overlap: int = 16) -> ObjectPredictor:
    tiles = TilePlan(Size(tile, tile), overlap, stretch=1.0)
    return ObjectPredictor(SeesEverything(), CLASSES, PLAIN, tiles, ObjectDecision())


def frame_of(ids: npt.NDArray[np.uint8]) -> Image:
    return Image(adopt(ids[..., None]), GREY)


def test_stitched__an_object_over_four_tiles_comes_back_as_one() -> None:
    ids = np.zeros((150, 170), np.uint8)
    ids[20:140, 30:160] = 1
    found = predictor().predict(frame_of(ids))
    assert len(found.objects) == 1
    assert np.array_equal(found.objects.instances[0].over(found.image.size), ids > 0)


def test_stitched__a_line_over_many_tiles_stays_one_line() -> None:
    ids = np.zeros((96, 640), np.uint8)
    ids[40:43, 3:630] = 1
    found = predictor().predict(frame_of(ids))
    assert [one.box.width for one in found.objects] == [627]


def test_stitched__neighbours_that_touch_at_a_seam_stay_two() -> None:
    ids = np.zeros((64, 160), np.uint8)
    ids[10:50, 10:56] = 1
    ids[10:50, 56:150] = 3
    found = predictor().predict(frame_of(ids))
    assert sorted(one.box.left for one in found.objects) == [10, 56]


def test_stitched__another_class_never_joins() -> None:
    ids = np.zeros((64, 160), np.uint8)
    ids[10:50, 10:80] = 1
    ids[10:50, 80:150] = 2
    assert predictor().predict(frame_of(ids)).counts() == {"bolt": 1, "nut": 1}


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_stitched__every_object_as_without_tiles(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ids = np.zeros((int(rng.integers(40, 200)), int(rng.integers(40, 200))), np.uint8)
    for at in range(1, 7):  # apart from each other: one value an object
        high, wide = rng.integers(2, 40, 2)
        top, left = rng.integers(0, ids.shape[0] - 1), rng.integers(0, ids.shape[1] - 1)
        ids[top : top + high, left : left + wide] = 0
        ids[top + 1 : top + high - 1, left + 1 : left + wide - 1] = at
    expected = SeesEverything()._answer(ids.astype(np.float32))
    wanted = sorted((int(channel) + 1, (logits > 0).tobytes()) for channel, logits in
                    zip(expected.channels, expected.mask_logits, strict=True))  # fmt: skip
    found = predictor().predict(frame_of(ids))
    got = sorted((one.class_id, one.over(found.image.size).tobytes()) for one in found.objects)
    assert got == wanted


def test_stitched__a_frame_without_objects_and_one_smaller_than_the_stride() -> None:
    found = predictor().predict(frame_of(np.zeros((5, 7), np.uint8)))
    assert len(found.objects) == 0
    assert found.counts() == {"bolt": 0, "nut": 0}
