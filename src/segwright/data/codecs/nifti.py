"""NIfTI label volumes: class ids of voxels, how far apart they lie, and where they lie in the scanner."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import DataError, DependencyMissing

SUFFIXES = (".nii.gz", ".nii")
WIDEST_ID = 65535
_FIX = "write it again: one class id a voxel, whole numbers from 0 to 65535"


@dataclass(frozen=True, eq=False)
class LabelVolume:
    """Class ids, uint8 or uint16, of three axes in the file's order; `spacing_mm` between voxels along each.

    `affine` float64 (4, 4) takes voxel indices to mm in the scanner.
    """

    ids: npt.NDArray[np.unsignedinteger]
    spacing_mm: tuple[float, float, float]
    affine: npt.NDArray[np.float64]


def is_volume(name: str) -> bool:
    """Whether a file name has a suffix of NIfTI."""
    return name.lower().endswith(SUFFIXES)


def volume_stem(name: str) -> str:
    """The name without `.nii` or `.nii.gz`."""
    return next((name[: -len(suffix)] for suffix in SUFFIXES if name.lower().endswith(suffix)), name)


def read_label_volume(path: Path) -> LabelVolume:
    """The label volume at `path`. Values may be stored as floats, if they are whole numbers.

    Raises:
        DependencyMissing: nibabel is not installed.
        DataError: not readable, not of three axes, other values than class ids, or no usable voxel size.
    """
    values, image = _read(path)
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    if values.ndim != 3 or not values.size:
        raise DataError.of(
            str(path), "is not a volume", allowed="three axes", found=" x ".join(map(str, values.shape)),
            fix="name a label volume, not a series or a single slice",
        )  # fmt: skip
    spacing = tuple(float(step) for step in image.header.get_zooms()[:3])
    if not all(np.isfinite(step) and step > 0 for step in spacing):
        fix = "write the voxel size into the header (pixdim), in mm"
        raise DataError.of(
            str(path), "has no usable voxel size", allowed="lengths above 0", found=str(spacing), fix=fix
        )
    return LabelVolume(_as_ids(values, path), spacing, np.asarray(image.affine, np.float64))  # type: ignore[arg-type]


def read_volume_values(path: Path) -> npt.NDArray[np.float32]:
    """The intensities of a volume, of three axes in the file's order; raises as `read_label_volume`."""
    values, _ = _read(path)
    return np.asarray(values, np.float32)


def _read(path: Path) -> tuple[npt.NDArray, Any]:
    if find_spec("nibabel") is None:
        raise DependencyMissing.of(
            str(path), "needs nibabel to be read, which is not installed", fix="pip install 'segwright[volumes]'"
        )
    import nibabel
    from nibabel.filebasedimages import ImageFileError

    try:
        image: Any = nibabel.load(path)  # type: ignore[attr-defined]
        return np.asanyarray(image.dataobj), image
    except FileNotFoundError as error:
        raise DataError.of(str(path), "does not exist", fix="check the path") from error
    except (OSError, ValueError, EOFError, ImageFileError) as error:
        raise DataError.of(
            str(path), f"is not a readable NIfTI volume: {error}", allowed=".nii or .nii.gz",
            fix="copy or export it again",
        ) from error  # fmt: skip


def _as_ids(values: npt.NDArray, path: Path) -> npt.NDArray[np.unsignedinteger]:
    """The values as the narrowest ids that hold them."""
    low, high = float(values.min()), float(values.max())
    whole = values.dtype.kind in "iub" or (np.isfinite([low, high]).all() and bool((values == np.floor(values)).all()))
    if not whole or not np.isfinite([low, high]).all() or low < 0 or high > WIDEST_ID:
        found = f"{values.dtype} from {low:g} to {high:g}"
        raise DataError.of(
            str(path), "does not hold class ids", allowed=f"whole numbers from 0 to {WIDEST_ID}", found=found, fix=_FIX
        )
    return np.ascontiguousarray(values).astype(np.uint8 if high <= 255 else np.uint16)
