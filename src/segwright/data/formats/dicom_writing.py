"""DICOM written: a series for each volume, and its labels as one multi-frame Segmentation object that refers to it.

Source: DICOM PS3.3 A.51 (Segmentation IOD), C.8.20 (its modules), A.8.1 and A.8.3 (Secondary Capture).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, DataError, Listener, Note, tracked
from segwright.data.dataset import Dataset
from segwright.data.formats.dicom_files import DicomSeries, pydicom
from segwright.data.formats.format import Options
from segwright.data.formats.placing import place_bytes
from segwright.data.formats.volume_writing import Stack, stacks_of
from segwright.data.volumes import VolumeSlice

_SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
_LONGEST = 64  # characters of a segment's label (LO)
_TISSUE = ("85756007", "SCT", "Tissue")  # what a segment is, where nobody says more


@dataclass(frozen=True)
class _Grid:
    """Where the slices of a series lie; None in `positions` where that is not said."""

    across: npt.NDArray[np.float64]
    down: npt.NDArray[np.float64]
    positions: tuple[npt.NDArray[np.float64], ...] | None
    spacing: tuple[float, float]  # of rows, then of columns, in mm
    step_mm: float


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> None:  # noqa: ARG001
    """images/CASE/*.dcm and labels/CASE.dcm: a series of DICOM is copied as it is, anything else becomes one.

    Every class but the background is a segment, and so is void.

    Raises:
        DataError: slices that are missing, pixels of a type that DICOM does not have, names of more than 64 characters.
        DependencyMissing: pydicom is not installed.
    """
    pydicom()
    _require_short(dataset.classes)
    stacks = stacks_of(dataset)
    turned: list[str] = []
    for stack in tracked(stacks, listener, "writing", len(stacks), "volumes"):
        target = folder / "images" / stack.name
        source = stack.frames[0].image
        own = source.volumes[0] if isinstance(source, VolumeSlice) and len(source.volumes) == 1 else None
        if isinstance(own, DicomSeries):
            for at, path in enumerate(own.paths):
                place_bytes(target / f"{at:04}.dcm", path.read_bytes())
        else:
            grid = _grid(stack)
            turned += [stack.name] if grid.positions is None else []
            _write_pictures(stack, grid, target)
        if stack.labelled:
            ids = [dataset.read_labels(frame).ids for frame in stack.frames]
            _write_segmentation(target, np.stack(ids), dataset.classes, folder / "labels" / f"{stack.name}.dcm")
    if turned:
        text = f"{len(turned)} volumes lie mirrored, and DICOM orders slices by position: written without positions"
        listener(Note("export", text, "warning"))


def _require_short(table: ClassTable) -> None:
    long = [name for name in table.names if len(name) > _LONGEST or "\\" in name]
    if long:
        allowed, fix = f"up to {_LONGEST} characters, no backslash", "rename it: segwright data relabel STORE --map"
        raise DataError.of("class table", "has names that DICOM cannot hold", allowed=allowed, found=long[0], fix=fix)


def _grid(stack: Stack) -> _Grid:
    """DICOM's axes point left and backwards; the first of the axes in the plane runs across."""
    whole = np.diag([-1.0, -1.0, 1.0, 1.0]) @ stack.affine
    first, second = (axis for axis in range(3) if axis != stack.axis)
    across, down, step = whole[:3, first], whole[:3, second], whole[:3, stack.axis]
    sides = float(np.linalg.norm(across)) or 1.0, float(np.linalg.norm(down)) or 1.0
    mirrored = float(np.cross(across, down) @ step) < 0
    positions = None if mirrored else tuple(whole[:3, 3] + at * step for at in range(len(stack.frames)))
    return _Grid(across / sides[0], down / sides[1], positions, (sides[1], sides[0]), float(np.linalg.norm(step)))


def _write_pictures(stack: Stack, grid: _Grid, target: Path) -> None:
    pixels = _narrow([frame.image.read()[0].pixels for frame in stack.frames])
    digest = hashlib.sha256(b"".join(one.tobytes() for one in pixels)).hexdigest()
    study, series, frame_of = (_uid(stack.name, digest, what) for what in ("study", "series", "frame of reference"))
    for at, one in enumerate(pixels):
        data = _dataset(_CAPTURE, _uid(stack.name, digest, f"slice {at}"))
        data.StudyInstanceUID, data.SeriesInstanceUID, data.FrameOfReferenceUID = study, series, frame_of
        data.Modality, data.InstanceNumber, data.ConversionType = "OT", at + 1, "WSD"
        data.SeriesDescription = stack.name[:_LONGEST]
        _put_pixels(data, one, str(stack.frames[at].image))
        data.PixelSpacing = _numbers(grid.spacing)
        if grid.positions is not None:
            data.ImageOrientationPatient = _numbers([*grid.across, *grid.down])
            data.ImagePositionPatient = _numbers(grid.positions[at])
        _save(data, target / f"{at:04}.dcm")


def _narrow(pixels: list[npt.NDArray]) -> list[npt.NDArray]:
    """Whole numbers in a wider type as 16 bits, where all slices fit: NIfTI volumes are often such floats."""
    if all(one.dtype in (np.uint8, np.uint16, np.int16) for one in pixels):
        return pixels
    low, high = min(float(one.min()) for one in pixels), max(float(one.max()) for one in pixels)
    kind = next(
        (kind for kind in (np.int16, np.uint16) if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max), None
    )
    if kind is None or any((one != np.floor(one)).any() for one in pixels):
        return pixels
    return [one.astype(kind) for one in pixels]


def _put_pixels(data: Any, pixels: npt.NDArray, place: str) -> None:
    bands, kind = pixels.shape[2], pixels.dtype
    if bands not in (1, 3) or kind not in (np.uint8, np.uint16, np.int16) or (bands == 3 and kind != np.uint8):
        allowed, fix = (
            "whole numbers of 8 or 16 bits, or RGB of 8",
            "write the format nifti_pairs, which holds any number",
        )
        found = f"{bands} bands of {kind}"
        raise DataError.of(place, "has pixels that DICOM does not hold", allowed=allowed, found=found, fix=fix)
    data.Rows, data.Columns, data.SamplesPerPixel = pixels.shape[0], pixels.shape[1], bands
    data.PhotometricInterpretation = "RGB" if bands == 3 else "MONOCHROME2"
    if bands == 3:
        data.PlanarConfiguration = 0
    bits = kind.itemsize * 8
    data.BitsAllocated, data.BitsStored, data.HighBit = bits, bits, bits - 1
    data.PixelRepresentation = int(kind.kind == "i")
    raw = np.ascontiguousarray(pixels).astype(kind.newbyteorder("<")).tobytes()
    data["PixelData"] = _element("PixelData", "OB" if bits == 8 else "OW", raw + b"\0" * (len(raw) % 2))


def _write_segmentation(pictures: Path, ids: npt.NDArray, table: ClassTable, target: Path) -> None:
    """Labels (slices, height, width) of the series that was written to `pictures`, one frame a segment and slice."""
    sources = [pydicom().dcmread(str(path), stop_before_pixels=True) for path in sorted(pictures.iterdir())]
    first = sources[0]
    names = {spec.class_id: spec.name for spec in table} | {table.void_id: "void"}
    segments = [class_id for class_id in names if class_id != table.unpainted_id]
    present = [(at, one) for one in segments for at in range(len(ids)) if (ids[at] == one).any()]
    present = present or [(0, segments[0])]
    digest = hashlib.sha256(ids.tobytes()).hexdigest()
    data = _dataset(_SEGMENTATION, _uid(str(first.SOPInstanceUID), digest, "segmentation"))
    for name in ("PatientID", "PatientName", "StudyInstanceUID", "StudyID", "FrameOfReferenceUID"):
        setattr(data, name, first.get(name, "") or "")
    data.SeriesInstanceUID, data.SeriesNumber, data.InstanceNumber = _uid(str(first.SOPInstanceUID), digest, "s"), 1, 1
    data.Modality, data.ImageType, data.SeriesDescription = "SEG", ["DERIVED", "PRIMARY"], "labels"
    data.ContentLabel, data.ContentDescription, data.ContentCreatorName = "LABELS", "", ""
    data.SegmentationType, data.SegmentsOverlap, data.LossyImageCompression = "BINARY", "NO", "00"
    data.Rows, data.Columns, data.NumberOfFrames = ids.shape[1], ids.shape[2], len(present)
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", 0
    data.BitsAllocated, data.BitsStored, data.HighBit = 1, 1, 0
    data.SegmentSequence = [_segment(at, names[one]) for at, one in enumerate(segments, start=1)]
    _refer(data, first, sources)
    data.PerFrameFunctionalGroupsSequence = [_frame_groups(at, segments.index(one) + 1, sources) for at, one in present]
    bits = np.packbits(np.concatenate([(ids[at] == one).ravel() for at, one in present]), bitorder="little")
    raw = bits.tobytes()
    data["PixelData"] = _element("PixelData", "OB", raw + b"\0" * (len(raw) % 2))
    _save(data, target)


def _segment(number: int, label: str) -> Any:
    return _item(
        SegmentNumber=number,
        SegmentLabel=label,
        SegmentAlgorithmType="MANUAL",
        SegmentedPropertyCategoryCodeSequence=[_code(*_TISSUE)],
        SegmentedPropertyTypeCodeSequence=[_code(*_TISSUE)],
    )


def _refer(data: Any, first: Any, sources: Sequence[Any]) -> None:
    """The series that was drawn on, and what all frames share."""
    instances = [
        _item(ReferencedSOPClassUID=one.SOPClassUID, ReferencedSOPInstanceUID=one.SOPInstanceUID) for one in sources
    ]
    series = _item(SeriesInstanceUID=first.SeriesInstanceUID, ReferencedInstanceSequence=instances)
    data.ReferencedSeriesSequence = [series]
    organisation = _uid(str(data.SOPInstanceUID), "", "dimensions")
    data.DimensionOrganizationSequence = [_item(DimensionOrganizationUID=organisation)]
    pointers = ((0x0062000B, 0x0062000A), (0x00200032, 0x00209113))  # segment number, position
    data.DimensionIndexSequence = [
        _item(DimensionOrganizationUID=organisation, DimensionIndexPointer=tag, FunctionalGroupPointer=group)
        for tag, group in pointers
    ]
    shared: dict[str, Any] = {}
    if first.get("ImageOrientationPatient"):
        shared["PlaneOrientationSequence"] = [_item(ImageOrientationPatient=first.ImageOrientationPatient)]
    if first.get("PixelSpacing"):
        thick = first.get("SliceThickness") or first.get("SpacingBetweenSlices") or 1
        shared["PixelMeasuresSequence"] = [_item(PixelSpacing=first.PixelSpacing, SliceThickness=thick)]
    data.SharedFunctionalGroupsSequence = [_item(**shared)]


def _frame_groups(at: int, segment: int, sources: Sequence[Any]) -> Any:
    """Which segment a frame is of and which slice it lies on; of a source of many frames, which of them."""
    source = sources[at] if len(sources) > 1 else sources[0]
    referred: dict[str, Any] = {
        "ReferencedSOPClassUID": source.SOPClassUID,
        "ReferencedSOPInstanceUID": source.SOPInstanceUID,
        "PurposeOfReferenceCodeSequence": [_code("121322", "DCM", "Source image for image processing operation")],
    }
    if len(sources) == 1 and int(source.get("NumberOfFrames") or 1) > 1:
        referred["ReferencedFrameNumber"] = at + 1
    derived = _item(
        SourceImageSequence=[_item(**referred)],
        DerivationCodeSequence=[_code("113076", "DCM", "Segmentation")],
    )
    groups: dict[str, Any] = {
        "FrameContentSequence": [_item(DimensionIndexValues=[segment, at + 1])],
        "DerivationImageSequence": [derived],
        "SegmentIdentificationSequence": [_item(ReferencedSegmentNumber=segment)],
    }
    if source.get("ImagePositionPatient") and "ReferencedFrameNumber" not in referred:
        groups["PlanePositionSequence"] = [_item(ImagePositionPatient=source.ImagePositionPatient)]
    return _item(**groups)


def _dataset(sop_class: str, uid: str) -> Any:
    library = pydicom()
    data = library.Dataset()
    data.file_meta = library.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = library.uid.UID(_LITTLE_ENDIAN)
    data.file_meta.MediaStorageSOPClassUID, data.file_meta.MediaStorageSOPInstanceUID = sop_class, uid
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SOPClassUID, data.SOPInstanceUID = sop_class, uid
    empty = "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "AccessionNumber"
    for name in (*empty, "StudyID", "ReferringPhysicianName", "Manufacturer"):
        setattr(data, name, "")
    data.SeriesNumber = 1
    return data


def _item(**values: Any) -> Any:
    item = pydicom().Dataset()
    for name, value in values.items():
        setattr(item, name, value)
    return item


def _code(value: str, scheme: str, meaning: str) -> Any:
    return _item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def _element(name: str, representation: str, value: bytes) -> Any:
    library = pydicom()
    return library.DataElement(library.datadict.tag_for_keyword(name), representation, value)


def _uid(*parts: str) -> str:
    """A UID that is the same whenever the same is written."""
    return str(pydicom().uid.generate_uid(entropy_srcs=list(parts)))


def _numbers(values: Sequence[float] | npt.NDArray) -> list[str]:
    """Decimal strings of at most 16 characters."""
    return [f"{float(value):.9g}" for value in values]


def _save(data: Any, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        data.save_as(str(target), enforce_file_format=True)
    except OSError as error:
        found, fix = error.strerror or str(error), "free space, or choose another folder"
        raise DataError.of(str(target), "cannot be written", allowed="room", found=found, fix=fix) from error
