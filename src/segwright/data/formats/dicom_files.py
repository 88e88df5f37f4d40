"""DICOM files as volumes: a series of slices in the order of their positions, and segmentations of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import Problem
from segwright.data.codecs.header import REPLACE, RefusedError
from segwright.data.extras import imported

_TAGS = [
    "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "SeriesNumber", "SeriesDescription",
    "StudyDescription", "StudyID", "PatientID", "Modality", "Rows", "Columns", "NumberOfFrames", "InstanceNumber",
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SpacingBetweenSlices", "SliceThickness",
]  # fmt: skip


def pydicom() -> Any:
    """The library that reads DICOM.

    Raises:
        DependencyMissing: it is not installed.
    """
    return imported("pydicom", "volumes", "DICOM files")


@dataclass(frozen=True)
class SliceHeader:
    """What one file says of itself; `position_mm` is how far along the normal of its plane it lies, None if unsaid."""

    path: Path
    uid: str
    texts: Mapping[str, str] = field(hash=False)
    rows: int
    columns: int
    frames: int
    number: int
    position_mm: float | None
    affine: tuple[tuple[float, ...], ...]

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        return self.columns, self.rows


def read_slice_header(path: Path) -> SliceHeader | Problem | None:
    """The header of a DICOM file; None where it holds no picture, a problem where it cannot be read."""
    library = pydicom()
    try:
        data = library.dcmread(str(path), stop_before_pixels=True, specific_tags=_TAGS)
        if "Rows" not in data or "Columns" not in data:
            return None
        affine, position = _affine(data)
        return SliceHeader(
            path,
            str(data.get("SOPInstanceUID", "")),
            {name: str(data.get(name, "") or "") for name in _TAGS[2:10]},
            int(data.Rows),
            int(data.Columns),
            int(data.get("NumberOfFrames") or 1),
            int(data.get("InstanceNumber") or 0),
            position,
            affine,
        )
    except Exception as error:  # pydicom raises a dozen unrelated types on damaged files
        found = str(error)[:120] or type(error).__name__
        return Problem(str(path), "cannot be read", "a whole DICOM file", found, REPLACE)


def _affine(data: Any) -> tuple[tuple[tuple[float, ...], ...], float | None]:
    """Voxel (column, row, slice) to millimetres, the third column still of length 1, and the position of the slice.

    Source: DICOM PS3.3 C.7.6.2.1.1: the first direction is that of growing column numbers; spacing is row, column.
    """
    spacing = [float(part) for part in data.get("PixelSpacing") or (1, 1)]
    whole = np.eye(4)
    whole[0, 0], whole[1, 1] = spacing[1], spacing[0]
    orientation = [float(part) for part in data.get("ImageOrientationPatient") or []]
    origin = [float(part) for part in data.get("ImagePositionPatient") or []]
    if len(orientation) != 6 or len(origin) != 3:
        return _frozen(whole), None
    across, down, place = np.array(orientation[:3]), np.array(orientation[3:]), np.array(origin)
    normal = np.cross(across, down)
    whole[:3, 0], whole[:3, 1], whole[:3, 2], whole[:3, 3] = across * spacing[1], down * spacing[0], normal, place
    return _frozen(whole), float(place @ normal)


def _frozen(matrix: npt.NDArray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(part) for part in row) for row in matrix)


@dataclass(frozen=True)
class DicomSeries:
    """Slices of one series, in order; axes are column, row, slice. A single file may hold all slices."""

    slices: tuple[SliceHeader, ...]

    def __str__(self) -> str:
        first = self.slices[0].path
        return str(first.parent if len(self.slices) > 1 else first)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files, in order."""
        return tuple(one.path for one in self.slices)

    @property
    def shape(self) -> tuple[int, ...]:
        """Columns, rows, slices."""
        first = self.slices[0]
        return first.columns, first.rows, first.frames if len(self.slices) == 1 else len(self.slices)

    @property
    def spacing_mm(self) -> tuple[float, ...]:
        """Distances of neighbouring voxels in mm: across, down, and the median distance of slices."""
        sides = np.linalg.norm(self.affine[:3, :3], axis=0)
        return tuple(round(float(side), 6) for side in sides)

    @property
    def affine(self) -> npt.NDArray:
        """Voxel (column, row, slice) to millimetres, in the axes of NIfTI (right, anterior, superior)."""
        whole = np.array(self.slices[0].affine)
        whole[:3, 2] *= self._step_mm
        return np.diag([-1.0, -1.0, 1.0, 1.0]) @ whole  # DICOM's own axes point left and backwards

    @property
    def gaps(self) -> int:
        """How many neighbouring slices lie more than a tenth further or nearer than most."""
        steps = np.diff(self._positions)
        return int(np.count_nonzero(np.abs(steps - self._step_mm) > 0.1 * abs(self._step_mm))) if len(steps) else 0

    @property
    def _positions(self) -> list[float]:
        return [one.position_mm for one in self.slices if one.position_mm is not None]

    @property
    def _step_mm(self) -> float:
        positions = self._positions
        return float(np.median(np.diff(positions))) or 1.0 if len(positions) > 1 else 1.0

    def load(self) -> npt.NDArray:
        """The pixels with slope and intercept applied where a file has them, then float32; colours on a fourth axis."""
        planes = [plane for one in self.slices for plane in _planes(one)]
        if len({(one.shape, one.dtype) for one in planes}) > 1:
            planes = [one.astype(np.float32) for one in planes]
        if len({one.shape for one in planes}) > 1:
            fix = "move the slices of another size into a folder of their own"
            found = f"{len({one.shape for one in planes})} sizes"
            raise RefusedError("has slices of several sizes", allowed="one size", found=found, fix=fix)
        return np.stack([np.swapaxes(one, 0, 1) for one in planes], axis=2)


def _planes(header: SliceHeader) -> list[npt.NDArray]:
    """The pictures in a file (rows, columns) or (rows, columns, colours)."""
    try:
        data = pydicom().dcmread(str(header.path))
        pixels = np.asarray(data.pixel_array)
        slope, intercept = float(data.get("RescaleSlope") or 1), float(data.get("RescaleIntercept") or 0)
    except Exception as error:  # pydicom and its decoders raise a dozen unrelated types
        found = f"{header.path.name}: {error}"[:160]
        fix = "decompress the file (gdcmconv --raw), or copy it again"
        raise RefusedError("cannot be decoded", allowed="a whole DICOM file", found=found, fix=fix) from error
    if (slope, intercept) != (1.0, 0.0):
        pixels = (pixels.astype(np.float64) * slope + intercept).astype(np.float32)
    return list(pixels) if header.frames > 1 else [pixels]


def ordered(slices: Sequence[SliceHeader]) -> DicomSeries:
    """The slices by position along their normal; by instance number where a file does not say where it lies."""
    if all(one.position_mm is not None for one in slices):
        return DicomSeries(tuple(sorted(slices, key=lambda one: (one.position_mm or 0.0, one.number))))
    return DicomSeries(tuple(sorted(slices, key=lambda one: (one.number, one.path.name))))


@dataclass(frozen=True)
class DicomSegmentation:
    """A DICOM SEG on the grid of the series it refers to; voxels are segment numbers, a later segment on top."""

    path: Path
    series: DicomSeries

    def __str__(self) -> str:
        return str(self.path)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The file."""
        return (self.path,)

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the series."""
        return self.series.shape

    @property
    def affine(self) -> npt.NDArray:
        """That of the series."""
        return self.series.affine

    def load(self) -> npt.NDArray:
        """Segment numbers (column, row, slice), uint16; 0 is in no segment.

        Source: DICOM PS3.3 A.51 and C.8.20.
        """
        data = pydicom().dcmread(str(self.path))
        voxels = np.zeros(self.shape[:3], np.uint16)
        pictures = np.atleast_3d(data.pixel_array) if data.get("NumberOfFrames", 1) == 1 else data.pixel_array
        pictures = pictures.reshape(-1, int(data.Rows), int(data.Columns))
        if (int(data.Columns), int(data.Rows)) != self.shape[:2]:
            raise RefusedError(
                "has another size than the series it refers to",
                allowed=f"{self.shape[0]}x{self.shape[1]}",
                found=f"{data.Columns}x{data.Rows}",
                fix="export the segmentation on the grid of the images",
            )
        places = {one.uid: at for at, one in enumerate(self.series.slices)}
        for picture, groups in zip(pictures, data.PerFrameFunctionalGroupsSequence, strict=True):
            number = int(groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
            at = self._slice_of(groups, places)
            voxels[:, :, at][picture.T > 0] = number
        return voxels

    def _slice_of(self, groups: Any, places: Mapping[str, int]) -> int:
        """The slice a picture lies on: the one it was derived from, else the one at its position."""
        derived = groups.get("DerivationImageSequence") or ()
        for source in (one for item in derived for one in item.get("SourceImageSequence") or ()):
            if str(source.ReferencedSOPInstanceUID) in places:
                number = source.get("ReferencedFrameNumber")  # of a source of many frames
                return places[str(source.ReferencedSOPInstanceUID)] if number is None else int(number) - 1
        position = groups.get("PlanePositionSequence")
        if position:
            place = np.array([float(part) for part in position[0].ImagePositionPatient])
            normal = np.array(self.series.slices[0].affine)[:3, 2]
            along = [abs((one.position_mm or 0.0) - float(place @ normal)) for one in self.series.slices]
            if min(along) < 0.5 * max(self.series.spacing_mm[2], 1e-3):
                return int(np.argmin(along))
        fix = "put the series it was drawn on beside it"
        raise RefusedError("lies on no slice of the series", allowed="a slice it refers to", found="none", fix=fix)


def segments_of(path: Path) -> dict[int, str] | None:
    """Segment number -> label, of a DICOM SEG; None where the file is something else."""
    data = pydicom().dcmread(str(path), stop_before_pixels=True)
    if str(data.get("Modality", "")) != "SEG":
        return None
    return {int(one.SegmentNumber): str(one.SegmentLabel) for one in data.SegmentSequence}


def series_referred_to(path: Path) -> dict[str, set[str]]:
    """The series that a DICOM SEG was drawn on, and the files of each that it names; it need name none."""
    data = pydicom().dcmread(str(path), stop_before_pixels=True)
    return {
        str(one.SeriesInstanceUID): {
            str(file.ReferencedSOPInstanceUID) for file in one.get("ReferencedInstanceSequence") or ()
        }
        for one in data.get("ReferencedSeriesSequence") or ()
    }
