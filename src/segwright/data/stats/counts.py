"""Counts of the classes in frames. They add up over frames, threads and machines; ratios come last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, LabelMap
from segwright.data.regions import Regions
from segwright.data.stats.distribution import Distribution

GRID = 16
# What is measured of each region; the band width is of its pixels: a region counts by its area.
MEASURES = ("area_px", "width_px", "elongation", "band_width_px")


@dataclass(frozen=True, eq=False)
class Counts:
    """What some frames hold, in the order of the class table; void counts in `void_px` and nowhere else.

    `places` (classes, GRID, GRID) are pixels by place in the frame, top left first. `together` (classes, classes) are
    frames that show both classes, its diagonal the frames that show one. `touching` (classes, classes), symmetric, are
    sides that a pixel of one class shares with a pixel of the other. `regions`: a distribution a measure and class.
    """

    frames: int
    labelled: int
    void_px: int
    places: npt.NDArray[np.int64]
    together: npt.NDArray[np.int64]
    touching: npt.NDArray[np.int64]
    regions: Mapping[str, tuple[Distribution, ...]]

    @property
    def pixels(self) -> npt.NDArray[np.int64]:
        """Pixels of each class."""
        return self.places.sum(axis=(1, 2))

    @property
    def frames_present(self) -> npt.NDArray[np.int64]:
        """Frames with at least one pixel of the class."""
        return np.diagonal(self.together)

    @property
    def shares(self) -> npt.NDArray[np.float64]:
        """Each class's share of the pixels that have a class; 0 where no pixel has one."""
        return self.pixels / max(1, int(self.pixels.sum()))

    @property
    def void_fraction(self) -> float:
        """The share of void among all labelled pixels."""
        return self.void_px / max(1, int(self.pixels.sum()) + self.void_px)

    @staticmethod
    def nothing(classes: int) -> Counts:
        """The counts of no frame."""
        square = np.zeros((classes, classes), np.int64)
        empty = tuple(Distribution.of([]) for _ in range(classes))
        return Counts(
            0, 0, 0, np.zeros((classes, GRID, GRID), np.int64), square, square, dict.fromkeys(MEASURES, empty)
        )

    @staticmethod
    def total(parts: Iterable[Counts]) -> Counts:
        """The counts of all parts' frames together; of at least one part."""
        rows = list(parts)
        classes = range(len(rows[0].places))
        regions = {
            measure: tuple(Distribution.total(row.regions[measure][channel] for row in rows) for channel in classes)
            for measure in MEASURES
        }
        return Counts(
            sum(row.frames for row in rows),
            sum(row.labelled for row in rows),
            sum(row.void_px for row in rows),
            np.sum([row.places for row in rows], axis=0),
            np.sum([row.together for row in rows], axis=0),
            np.sum([row.touching for row in rows], axis=0),
            regions,
        )

    def to_json(self, classes: ClassTable) -> dict[str, object]:
        """Plain values: a row a class with quantiles and histograms, and the matrices by class name."""
        names = classes.names
        rows = {
            name: {
                "pixels": int(self.pixels[channel]),
                "share": float(self.shares[channel]),
                "frames_present": int(self.frames_present[channel]),
                "regions": int(self.regions["area_px"][channel].weight),
                **{measure: self.regions[measure][channel].to_json() for measure in MEASURES},
                "places": self.places[channel].tolist(),
            }
            for channel, name in enumerate(names)
        }
        return {
            "frames": self.frames,
            "labelled": self.labelled,
            "void_fraction": self.void_fraction,
            "classes": rows,
            "together": _named(self.together, names),
            "touching": _named(self.touching, names),
        }


def count_labels(labels: LabelMap, regions: Sequence[Regions]) -> Counts:
    """The counts of one frame; `regions` are each class's, in the order of the table."""
    classes = labels.classes
    channels = labels.channels(void_as=len(classes)).astype(np.int64)
    places = _places(channels, len(classes))
    present = (places.sum(axis=(1, 2)) > 0).astype(np.int64)
    elongations = [found.elongations() for found in regions]
    measured = {
        "area_px": tuple(Distribution.of(found.areas) for found in regions),
        "width_px": tuple(Distribution.of(found.widths) for found in regions),
        "elongation": tuple(Distribution.of(values) for values in elongations),
        "band_width_px": tuple(Distribution.of(found.band_widths, found.areas) for found in regions),
    }
    return Counts(
        frames=1,
        labelled=1,
        void_px=int(channels.size - places.sum()),
        places=places,
        together=np.outer(present, present),
        touching=_touching(channels, len(classes)),
        regions=measured,
    )


def _places(channels: npt.NDArray[np.int64], classes: int) -> npt.NDArray[np.int64]:
    """Pixels of each class in each cell of the grid (classes, GRID, GRID)."""
    height, width = channels.shape
    rows, columns = np.arange(height) * GRID // height, np.arange(width) * GRID // width
    cells = channels * GRID**2 + rows[:, None] * GRID + columns
    counts = np.bincount(cells.ravel(), minlength=(classes + 1) * GRID**2)
    return counts[: classes * GRID**2].reshape(classes, GRID, GRID)


def _touching(channels: npt.NDArray[np.int64], classes: int) -> npt.NDArray[np.int64]:
    """Sides between pixels of two classes (classes, classes), both ways; void touches nothing."""
    size = classes + 1
    sums = np.zeros((size, size), np.int64)
    for one, other in ((channels[:, :-1], channels[:, 1:]), (channels[:-1], channels[1:])):
        differ = one != other
        sums += np.bincount(one[differ] * size + other[differ], minlength=size**2).reshape(size, size)
    return (sums + sums.T)[:classes, :classes]


def _named(matrix: npt.NDArray, names: Sequence[str]) -> dict[str, dict[str, int]]:
    return {one: dict(zip(names, map(int, row), strict=True)) for one, row in zip(names, matrix, strict=True)}
