"""Connected pieces of one class in a label map, as places to cut crops about and as things to paste elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segwright.core import Box

Channels = npt.NDArray[np.uint8]
PIXELS_PER_COMPONENT = 16
MOST_COMPONENTS = 512  # of a class in a frame: a mask of speckles must not fill the memory


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """The pieces of one class in one frame, 8-connected: `boxes` (n, 4) top, left, bottom, right (half-open), and
    `pixels` (n, `PIXELS_PER_COMPONENT`, 2) of each (row, column), drawn with repetition."""

    boxes: npt.NDArray[np.int32]
    pixels: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.boxes)

    def box(self, number: int) -> Box:
        """The smallest box around one of them."""
        top, left, bottom, right = (int(side) for side in self.boxes[number])
        return Box(top, left, bottom, right)


def components_of(channels: Channels, channel: int, rng: np.random.Generator) -> Components:
    """The pieces of `channel`; of more than `MOST_COMPONENTS` a random choice, each as likely as another."""
    mask = np.asarray(channels == channel, np.uint8)
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    chosen = np.arange(1, count)
    if len(chosen) > MOST_COMPONENTS:
        chosen = np.sort(rng.choice(chosen, MOST_COMPONENTS, replace=False))
    left, top, width, height = (stats[chosen, column] for column in range(4))
    inside = np.flatnonzero(mask)
    order = inside[np.argsort(numbers.ravel()[inside], kind="stable")]  # all pixels, piece after piece
    areas = np.asarray(stats[1:, cv2.CC_STAT_AREA], np.int64)
    first = (np.cumsum(areas, dtype=np.int64) - areas)[chosen - 1]
    drawn = np.floor(rng.random((len(chosen), PIXELS_PER_COMPONENT)) * areas[chosen - 1][:, np.newaxis]).astype(
        np.int64
    )
    places = order[first[:, np.newaxis] + drawn]
    pixels = np.stack(np.divmod(places, channels.shape[1]), axis=-1)
    boxes = np.column_stack([top, left, top + height, left + width])
    return Components(boxes.astype(np.int32), pixels.astype(np.int32))


def component_at(channels: Channels, pixel: tuple[int, int], box: Box) -> npt.NDArray[np.bool_]:
    """Which pixels of `box` are of the piece that holds `pixel` (row, column of the frame); `box` goes around it."""
    window = channels[box.slices]
    same = np.asarray(window == channels[pixel], np.uint8)
    numbers = cv2.connectedComponents(same, connectivity=8)[1]
    return np.asarray(numbers == numbers[pixel[0] - box.top, pixel[1] - box.left])
