"""Masks at the frame's own size on every path from a network to objects: enlarged first, cut after."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from segwright.core import GREY, ClassTable, Image, Size, adopt
from segwright.infer import Preprocessing, TilePlan
from segwright.infer.objects import Candidates, CandidatesOfQueries, ObjectDecision, ObjectPredictor
from segwright.infer.objects.answers import Queries

CLASSES = ClassTable.of(["background", "bolt"])
PLAIN = Preprocessing(GREY, 1.0, (0.0,), (1.0,))
FRAME = Size(416, 352)
RADIUS = 130.0
Floats = npt.NDArray[np.float32]


def truth(pixels: Size = FRAME) -> npt.NDArray[np.bool_]:
    """A disc in the middle of a frame."""
    rows, columns = np.mgrid[: pixels.height, : pixels.width] + 0.5
    return np.hypot(rows - pixels.height / 2, columns - pixels.width / 2) < RADIUS


def shares(mask: npt.NDArray[np.bool_], cell: int) -> Floats:
    """The logit of how much of each square of `cell` px is in the mask: what networks learn."""
    height, width = (side // cell for side in mask.shape)
    covered = mask[: height * cell, : width * cell].reshape(height, cell, width, cell).mean(axis=(1, 3))
    sure = np.clip(covered, 1e-3, 1 - 1e-3)
    return np.log(sure / (1 - sure)).astype(np.float32)


class InBoxes:
    """Masks that fill the object's box, as Mask R-CNN's; each tile sees what of the disc lies in it."""

    name, stride_px = "boxes", 32

    def __call__(self, batch: Floats, /) -> list[Candidates]:
        return [self._answer(frame[0] > 0) for frame in batch]

    def _answer(self, seen: npt.NDArray[np.bool_]) -> Candidates:
        rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
        if not len(rows):
            return _candidates(np.zeros((0, 4), np.float32), np.zeros((0, 28, 28), np.float32), "box", seen.shape)
        box = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        cut = seen[box[1] : box[3], box[0] : box[2]]
        y, x = ((np.arange(28 * 4) + 0.5) * side / (28 * 4) for side in cut.shape)
        fine = cut[np.ix_(y.astype(int), x.astype(int))]
        return _candidates(np.array([box], np.float32), shares(fine, 4)[None], "box", seen.shape)


class OverTheInput:
    """Masks of the whole input at a quarter, as YOLACT's and SOLOv2's."""

    name, stride_px = "input", 32

    def __call__(self, batch: Floats, /) -> list[Candidates]:
        return [self._answer(frame[0] > 0) for frame in batch]

    def _answer(self, seen: npt.NDArray[np.bool_]) -> Candidates:
        masks = shares(seen, 4)[None][: int(seen.any())]
        return _candidates(np.zeros((len(masks), 4), np.float32), masks, "image", seen.shape)


class OfQueries:
    """Queries over the whole input at a quarter, as Mask2Former's and EoMT's."""

    name, stride_px = "queries", 32

    def __call__(self, batch: Floats, /) -> list[Queries]:
        return [
            Queries(np.array([[6.0, -6.0]], np.float32), shares(frame[0] > 0, 4)[None], Size(*frame.shape[1:]))
            for frame in batch
        ]


def _candidates(boxes: Floats, masks: Floats, covers: str, shape: tuple[int, ...]) -> Candidates:
    count = len(masks)
    scores, channels = np.full(count, 0.9, np.float32), np.zeros(count, np.int64)
    return Candidates(scores, channels, boxes, masks, "box" if covers == "box" else "image", shape[0], shape[1])


RUNTIMES: dict[str, Callable[[], object]] = {
    "boxes": InBoxes,
    "input": OverTheInput,
    "queries": lambda: CandidatesOfQueries(OfQueries()),
}


def found_by(name: str, tiles: TilePlan) -> list[npt.NDArray[np.bool_]]:
    frame = Image(adopt(truth().astype(np.uint8)[..., None] * 255), GREY)
    predictor = ObjectPredictor(RUNTIMES[name](), CLASSES, PLAIN, tiles, ObjectDecision())  # type: ignore[arg-type]
    return [one.over(FRAME) for one in predictor.predict(frame).objects]


@pytest.mark.parametrize("name", RUNTIMES)
def test_predict__the_edge_moves_pixel_by_pixel_and_not_in_cells(name: str) -> None:
    (mask,) = found_by(name, TilePlan(Size(416, 416), 0))
    wanted = truth()
    assert np.count_nonzero(mask & wanted) / np.count_nonzero(mask | wanted) > 0.98
    edge = mask[:, : FRAME.width // 2].argmax(axis=1)[120:170]  # left of the middle, above its foremost point
    assert np.abs(np.diff(edge)).max() <= 2, "a cell of the coarse mask is 4 to 9 px"


@pytest.mark.parametrize("name", RUNTIMES)
def test_predict__an_object_over_four_tiles_of_coarse_masks_is_one(name: str) -> None:
    """open-mmlab/mmdetection#12384: masks stay cut at slice borders."""
    tiles = TilePlan(Size(256, 256), 64, stretch=1.0)
    assert len(tiles.boxes(FRAME, 32)) == 4
    (mask,) = found_by(name, tiles)
    wanted = truth()
    assert np.count_nonzero(mask & wanted) / np.count_nonzero(mask | wanted) > 0.97
