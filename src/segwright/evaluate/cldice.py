"""clDice: does a thin structure hang together? The share of each centreline that lies inside the other mask.

The centreline is the mask's skeleton. Topology precision is the share of the predicted centreline inside the true mask,
topology sensitivity the share of the true centreline inside the predicted mask, clDice their harmonic mean. A vessel
drawn too thick or too thin loses next to nothing, one that is missing, broken or invented does.

Source: Shit et al., "clDice - a Novel Topology-Preserving Loss Function for Tubular Structure Segmentation", CVPR
2021, with the skeletons of `skimage.morphology.skeletonize` (Zhang and Suen 1984 in 2-D, Lee et al. 1994 in 3-D) as
`clDice` of jocpae/clDice takes them, where `tprec` and `tsens` are the other way round, to the same clDice;
tests/evaluate/test_cldice.py compares with that formula.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, LabelMap
from segwright.evaluate.boundary import without_void
from segwright.evaluate.volumes import Volume, volumes_without_void

# columns of CldiceCounts
PREDICTED, TRUE = 0, 1

# name -> one sentence
DEFINITIONS: Mapping[str, str] = {
    "cldice": (
        "Harmonic mean of topology precision and sensitivity (Shit et al. 2021), pooled over all images; a class "
        "without a centreline in truth and prediction is left out, one with a centreline in one of them counts as 0; "
        "overall, the mean over foreground classes."
    ),
    "topology_precision": "Share of the predicted centreline's pixels inside the true mask, pooled over all images.",
    "topology_sensitivity": "Share of the true centreline's pixels inside the predicted mask, pooled over all images.",
}


@dataclass(frozen=True, eq=False)
class CldiceCounts:
    """Centreline pixels (voxels) of the classes `names`, over any number of frames; equal by value, added with `+`.

    `skeleton_px` is int64 (names, 2): centreline pixels of the prediction and of the truth. `inside_px` is int64
    (names, 2): how many of them lie inside the other map's mask of the class.
    """

    names: tuple[str, ...]
    skeleton_px: npt.NDArray[np.int64]
    inside_px: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        for name in ("skeleton_px", "inside_px"):
            counts = np.array(getattr(self, name), dtype=np.int64).reshape(len(self.names), 2)
            counts.flags.writeable = False
            object.__setattr__(self, name, counts)

    @staticmethod
    def none(names: Sequence[str]) -> CldiceCounts:
        """The counts of no frame at all: the zero of `+`."""
        return CldiceCounts(tuple(names), np.zeros((len(names), 2), np.int64), np.zeros((len(names), 2), np.int64))

    def precision(self) -> list[float | None]:
        """Topology precision of each class, 0..1; None where no centreline is predicted."""
        return self._shares(PREDICTED)

    def sensitivity(self) -> list[float | None]:
        """Topology sensitivity of each class, 0..1; None where there is no true centreline."""
        return self._shares(TRUE)

    def cldice(self) -> list[float | None]:
        """clDice of each class, 0..1; None without a centreline in either map, 0 with one in a single map."""
        pairs = zip(self.precision(), self.sensitivity(), strict=True)
        return [None if pair == (None, None) else _harmonic_mean(*(share or 0.0 for share in pair)) for pair in pairs]

    def _shares(self, side: int) -> list[float | None]:
        pairs = zip(self.inside_px[:, side].tolist(), self.skeleton_px[:, side].tolist(), strict=True)
        return [inside / whole if whole else None for inside, whole in pairs]

    def __add__(self, other: CldiceCounts) -> CldiceCounts:
        if self.names != other.names:
            raise ValueError(f"centreline counts of {self.names} and {other.names} do not add up")
        return CldiceCounts(self.names, self.skeleton_px + other.skeleton_px, self.inside_px + other.inside_px)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CldiceCounts):
            return NotImplemented
        return self.names == other.names and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in ("skeleton_px", "inside_px")
        )

    __hash__ = None  # type: ignore[assignment]


def class_scores(counts: CldiceCounts) -> dict[str, dict[str, float | None]]:
    """clDice, topology precision and sensitivity by class name; None as in `CldiceCounts`."""
    rows = zip(counts.names, counts.cldice(), counts.precision(), counts.sensitivity(), strict=True)
    names = "cldice", "topology_precision", "topology_sensitivity"
    return {name: dict(zip(names, row, strict=True)) for name, *row in rows}


def overall_scores(counts: CldiceCounts) -> dict[str, float | None]:
    """clDice, the mean over the counted classes that have it; None where none has."""
    found = [value for value in counts.cldice() if value is not None]
    return {"cldice": sum(found) / len(found) if found else None}


def count_cldice(prediction: LabelMap, truth: LabelMap, *, names: Sequence[str] | None = None) -> CldiceCounts:
    """The centreline counts of one frame, for the classes called `names`: None takes every class but the background.

    Pixels whose truth is void are of no class in either map, and cut a structure that runs through them in both.
    A line of four pixels whose last one is not found:

        >>> import numpy as np
        >>> from segwright.core import ClassTable, LabelMap
        >>> classes = ClassTable.of(["background", "vessel"])
        >>> truth = LabelMap(np.array([[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]], np.uint8), classes)
        >>> prediction = LabelMap(np.array([[0, 0, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]], np.uint8), classes)
        >>> counts = count_cldice(prediction, truth)
        >>> counts.precision(), counts.sensitivity()
        ([1.0], [0.75])

    Raises:
        DataError: the sizes or the class tables differ.
        ConfigError: a name is not in the class table.
    """
    from segwright.evaluate.counts import require_same_frame  # `counts` may come to hold these counts

    require_same_frame(prediction, truth)
    return _counted(without_void(prediction, truth), truth.ids, truth.classes, names)


def count_volume_cldice(
    prediction: Volume, truth: Volume, classes: ClassTable, *, names: Sequence[str] | None = None
) -> CldiceCounts:
    """The centreline counts of one volume of class ids (depth, height, width); the rest as in `count_cldice`.

    Raises:
        DataError: a volume has not three axes, is not of integers or has ids that are not in the table, or the two
            differ in shape.
        ConfigError: a name is not in the class table.
    """
    return _counted(*volumes_without_void(prediction, truth, classes), classes, names)


def cldice_score(prediction: LabelMap, truth: LabelMap, name: str) -> float | None:
    """One frame's clDice of the class called `name`, 0..1; None where neither map has a centreline of it."""
    return count_cldice(prediction, truth, names=(name,)).cldice()[0]


def _counted(
    predicted: npt.NDArray, true: npt.NDArray, classes: ClassTable, names: Sequence[str] | None
) -> CldiceCounts:
    chosen = [spec.name for spec in classes.foreground] if names is None else names
    rows = [_of_masks(*(ids == classes[name].class_id for ids in (predicted, true))) for name in chosen]
    skeleton_px, inside_px = np.reshape(rows, (len(rows), 2, 2)).swapaxes(0, 1)
    return CldiceCounts(tuple(chosen), skeleton_px, inside_px)


def _of_masks(predicted: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> tuple[list[int], list[int]]:
    """Centreline pixels of both masks, then how many of each lie inside the other mask."""
    sides = [(_skeleton(mask), other) for mask, other in ((predicted, true), (true, predicted))]
    return (
        [int(np.count_nonzero(line)) for line, _ in sides],
        [int(np.count_nonzero(line & other)) for line, other in sides],
    )


def _skeleton(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The mask's centreline; looked for inside its bounding box, beyond which thinning sees nothing anyway."""
    line = np.zeros(mask.shape, dtype=np.bool_)
    if not mask.any():
        return line
    from skimage.morphology import skeletonize

    box = []
    for axis in range(mask.ndim):
        taken = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        box.append(slice(taken[0], taken[-1] + 1))
    line[tuple(box)] = skeletonize(np.ascontiguousarray(mask[tuple(box)]))
    return line


def _harmonic_mean(one: float, other: float) -> float:
    return 2 * one * other / (one + other) if one + other else 0.0
