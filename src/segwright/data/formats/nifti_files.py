"""NIfTI files as volumes: what their headers say, their voxels, and writing them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import DataError
from segwright.data.codecs.header import REPLACE, RefusedError
from segwright.data.extras import imported

SUFFIXES = (".nii.gz", ".nii")
_LIMIT_VOXELS = 2**31


def nibabel() -> Any:
    """The library that reads NIfTI.

    Raises:
        DependencyMissing: it is not installed.
    """
    return imported("nibabel", "volumes", "NIfTI volumes")


def bare_name(name: str) -> str | None:
    """A file name without .nii or .nii.gz, None for other files."""
    return next((name.removesuffix(suffix) for suffix in SUFFIXES if name.lower().endswith(suffix)), None)


@dataclass(frozen=True)
class NiftiFile:
    """A NIfTI file of three axes, or of four where the last is channels."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The file."""
        return (self.path,)

    @cached_property
    def _header(self) -> tuple[tuple[int, ...], tuple[float, ...], npt.NDArray]:
        library = nibabel()
        try:
            image = library.load(str(self.path))
            shape = tuple(int(side) for side in image.shape)
            zooms = tuple(round(float(side), 6) for side in image.header.get_zooms()[:3])
            affine = np.asarray(image.affine, float)
        except Exception as error:  # nibabel, gzip and zlib raise a dozen unrelated types on damaged files
            raise self._damaged(error).at(str(self.path)) from error
        if len(shape) not in (3, 4) or min(shape) < 1 or int(np.prod(shape, dtype=object)) > _LIMIT_VOXELS:
            raise RefusedError(
                "is no volume that can be read",
                allowed=f"3 axes, or 4 with channels last; up to {_LIMIT_VOXELS:,} voxels",
                found="x".join(str(side) for side in shape),
                fix="export one volume a file",
            ).at(str(self.path))
        return shape, zooms, affine

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each axis."""
        return self._header[0]

    @property
    def spacing_mm(self) -> tuple[float, ...]:
        """Distance of neighbouring voxels along each of the three axes, in the file's unit, which is mm."""
        return self._header[1]

    @property
    def affine(self) -> npt.NDArray:
        """Voxel indices to millimetres (4, 4)."""
        return self._header[2]

    def load(self) -> npt.NDArray:
        """The voxels, as stored where the header scales nothing, else scaled."""
        try:
            image = nibabel().load(str(self.path))
            voxels = np.asanyarray(image.dataobj)
        except Exception as error:  # nibabel, gzip and zlib raise a dozen unrelated types on damaged files
            raise self._damaged(error) from error
        return np.array(voxels.astype(np.float32) if voxels.dtype == np.float64 else voxels)

    def _damaged(self, error: Exception) -> RefusedError:
        found = str(error)[:160] or type(error).__name__
        return RefusedError("cannot be read", allowed="a whole NIfTI file", found=found, fix=REPLACE)


def write_nifti(path: Path, voxels: npt.NDArray, affine: npt.NDArray) -> None:
    """Write voxels as they are; folders above the file are made.

    Raises:
        DataError: a full or read-only disk.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        image = nibabel().Nifti1Image(voxels, affine)
        image.header.set_xyzt_units("mm")
        nibabel().save(image, str(path))
    except OSError as error:
        found, fix = error.strerror or str(error), "free space, or choose another folder"
        raise DataError.of(str(path), "cannot be written", allowed="room", found=found, fix=fix) from error
