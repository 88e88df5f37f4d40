"""Two volumes of class ids, made ready to be compared."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, DataError, LabelMap, Problem
from segwright.core.errors import raise_collected
from segwright.core.label_map import unknown_ids
from segwright.evaluate.boundary import without_void

WIDEST_ID = 65535

Volume = npt.NDArray[np.integer]


def volumes_without_void(prediction: Volume, truth: Volume, classes: ClassTable) -> tuple[npt.NDArray, npt.NDArray]:
    """The ids of both volumes, uint8 or uint16 (depth, height, width), predicted ids void wherever the truth is.

    Raises:
        DataError: a volume has not three axes, is not of integers or has ids that are not in the table, or the two
            differ in shape; every problem at once.
    """
    problems = [*_problems("prediction", prediction, classes), *_problems("truth", truth, classes)]
    if prediction.shape != truth.shape:
        fix = "predict at the volume's native size: nothing is resized silently"
        problems.append(
            Problem("prediction", "is not of the truth's shape", str(truth.shape), str(prediction.shape), fix)
        )
    raise_collected(problems, DataError)
    predicted, true = (LabelMap(_slices_in_one(volume), classes) for volume in (prediction, truth))
    return without_void(predicted, true).reshape(truth.shape), true.ids.reshape(truth.shape)


def _problems(place: str, volume: npt.NDArray, classes: ClassTable) -> Iterator[Problem]:
    """Why an array is no volume of class ids; nothing where it is."""
    if volume.ndim != 3 or not volume.size or volume.dtype.kind not in "iu":
        allowed, found = "integers (depth, height, width)", f"{volume.dtype} {volume.shape}"
        yield Problem(place, "is not a volume of class ids", allowed, found, "give one class id a voxel")
        return
    low, high = int(volume.min()), int(volume.max())
    if low < 0 or high > WIDEST_ID:
        unknown: tuple[int, ...] = (low, high)
    else:
        unknown = unknown_ids(volume.astype(np.uint16, copy=False), classes)
    if unknown:
        found = ", ".join(map(str, unknown))
        fix = "add a class for each of them, or change them to one of the table, or to void"
        yield Problem(place, "has ids that are not in the class table", classes.describe(), found, fix)


def _slices_in_one(volume: Volume) -> npt.NDArray[np.unsignedinteger]:
    """The slices below one another: what a label map knows of ids and void holds for them."""
    kind = np.uint8 if volume.max() <= 255 else np.uint16
    return np.ascontiguousarray(volume).reshape(-1, volume.shape[-1]).astype(kind)
