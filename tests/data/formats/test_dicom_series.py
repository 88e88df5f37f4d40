"""DICOM series: order by position, slope and intercept, SEG files, series of labels."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset as Elements
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, SegmentationStorage, generate_uid

from segwright.core import ClassTable, ConfigError, DataError, DependencyMissing
from segwright.data import check, export_dataset, open_dataset

SERIES, STUDY = generate_uid(entropy_srcs=["series"]), generate_uid(entropy_srcs=["study"])


def elements(**more: object) -> Elements:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    data = Elements()
    data.file_meta = meta
    values = {
        "PatientID": "P1", "StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES, "SeriesNumber": 4,
        "SeriesDescription": "portal", "Modality": "CT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
        "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2",
    }  # fmt: skip
    for name, value in {**values, **more}.items():
        setattr(data, name, value)
    return data


def store(data: Elements, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.save_as(path, enforce_file_format=True)
    return path


def uid(at: int) -> str:
    return generate_uid(entropy_srcs=[f"slice {at}"])


def slice_of(path: Path, at: int, pixels: np.ndarray, **more: object) -> Path:
    data = elements(
        Rows=pixels.shape[0], Columns=pixels.shape[1], BitsAllocated=16, BitsStored=16, HighBit=15,
        PixelRepresentation=int(pixels.dtype.kind == "i"), SOPInstanceUID=uid(at), InstanceNumber=at,
        PixelSpacing=[0.5, 0.25], ImageOrientationPatient=[1, 0, 0, 0, 1, 0], ImagePositionPatient=[0, 0, 10.0 * at],
        PixelData=pixels.tobytes(), **more,
    )  # fmt: skip
    return store(data, path)


def series(root: Path, folder: str = "study/images", **more: object) -> Path:
    """Three slices of 2x3, named against their order."""
    for at in range(3):
        slice_of(root / folder / f"{9 - at}.dcm", at, np.full((2, 3), 100 * at, np.uint16), **more)
    return root


def segmentation(path: Path) -> Path:
    """Two segments: `Liver` on the middle slice by reference, `Tumor` on the last by position."""
    pictures = np.zeros((2, 2, 3), np.uint8)
    pictures[0, :, 0], pictures[1, 0, 2] = 1, 1
    groups = []
    for number, at in ((1, 1), (2, 2)):
        group, identification = Elements(), Elements()
        identification.ReferencedSegmentNumber = number
        group.SegmentIdentificationSequence = Sequence([identification])
        item = Elements()
        if at == 1:
            source = Elements()
            source.ReferencedSOPInstanceUID = uid(at)
            item.SourceImageSequence = Sequence([source])
            group.DerivationImageSequence = Sequence([item])
        else:
            item.ImagePositionPatient = [0, 0, 10.0 * at]
            group.PlanePositionSequence = Sequence([item])
        groups.append(group)
    segments = []
    for number, label in ((1, "Liver"), (2, "Tumor")):
        segment = Elements()
        segment.SegmentNumber, segment.SegmentLabel = number, label
        segments.append(segment)
    referred = Elements()
    referred.SeriesInstanceUID = SERIES
    data = elements(
        Modality="SEG", SOPClassUID=SegmentationStorage, SeriesInstanceUID=generate_uid(),
        SOPInstanceUID=generate_uid(),
        Rows=2, Columns=3, NumberOfFrames=2, BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0,
        PerFrameFunctionalGroupsSequence=Sequence(groups), SegmentSequence=Sequence(segments),
        ReferencedSeriesSequence=Sequence([referred]), PixelData=pictures.tobytes(),
    )  # fmt: skip
    return store(data, path)


def test_read__slices_in_order_with_slope_and_columns(tmp_path: Path) -> None:
    dataset = open_dataset(series(tmp_path, RescaleSlope=2, RescaleIntercept=-1024))
    assert (dataset.format, [frame.stem for frame in dataset.frames]) == (
        "dicom_series",
        ["study/0", "study/1", "study/2"],
    )
    assert [float(dataset.read_image(frame).pixels.max()) for frame in dataset.frames] == [-1024, -824, -624]
    wanted = {
        "patient": "P1",
        "series": "portal",
        "modality": "CT",
        "slice": "2",
        "spacing_z_mm": "10",
        "spacing_x_mm": "0.25",
    }
    assert wanted.items() <= dataset.frames[2].columns.items()
    assert "1 series have no labels" in dataset.notes[0]


def test_read__unsigned_pixels_stay(tmp_path: Path) -> None:
    dataset = open_dataset(series(tmp_path))
    assert dataset.read_image(dataset.frames[1]).pixels.dtype == np.uint16


def test_read__a_segmentation(tmp_path: Path) -> None:
    root = series(tmp_path)
    segmentation(root / "study" / "images" / "seg.dcm")
    dataset = open_dataset(root)
    assert dataset.classes.names == ("background", "Liver", "Tumor")
    assert [dataset.read_labels(frame).ids.tolist() for frame in dataset.frames] == [
        [[0, 0, 0], [0, 0, 0]],
        [[1, 0, 0], [1, 0, 0]],
        [[0, 0, 2], [0, 0, 0]],
    ]
    with pytest.raises(ConfigError, match="not in the class table"):
        open_dataset(root, classes=ClassTable.of(["background", "liver"]))
    assert check(dataset) == []
    export_dataset(dataset, tmp_path / "out", "nnunet_raw")
    again = open_dataset(tmp_path / "out")
    assert [one.ids.tolist() for one in map(again.read_labels, again.frames)] == [
        one.ids.tolist() for one in map(dataset.read_labels, dataset.frames)
    ]
    import nibabel

    affine = nibabel.load(str(next((tmp_path / "out" / "imagesTr").glob("*.nii.gz")))).affine
    assert np.allclose(affine, np.diag([-0.25, -0.5, 10, 1]))


def test_read__a_series_of_labels(tmp_path: Path) -> None:
    root = series(series(tmp_path), "study/labels", SeriesInstanceUID=generate_uid())
    with pytest.raises(ConfigError, match="label series: have no class table"):
        open_dataset(root)
    table = ClassTable.of(["background", "organ"])
    dataset = open_dataset(root, classes=table, options={"map": ["100=organ", "200=void"]})
    assert [dataset.read_labels(frame).ids.max() for frame in dataset.frames] == [0, 1, 255]


def test_read__several_series_in_a_folder(tmp_path: Path) -> None:
    root = series(tmp_path)
    for at in range(2):
        slice_of(
            root / "study" / "images" / f"other{at}.dcm",
            at,
            np.zeros((4, 4), np.int16),
            SeriesInstanceUID=generate_uid(entropy_srcs=["b"]),
            SeriesNumber=5,
        )
    dataset = open_dataset(root)
    assert {frame.columns["case"] for frame in dataset.frames} == {"study/series_4", "study/series_5"}


def test_read__what_a_series_can_get_wrong(tmp_path: Path) -> None:
    root = series(tmp_path / "a")
    slice_of(root / "study" / "images" / "x.dcm", 5, np.zeros((4, 4), np.uint16))
    with pytest.raises(DataError, match=r"(?s)has slices of several sizes.*3x2, 4x4"):
        open_dataset(root)
    root = series(tmp_path / "b")
    slice_of(root / "study" / "images" / "x.dcm", 7, np.zeros((2, 3), np.uint16))
    assert any("uneven distances" in note for note in open_dataset(root).notes)
    path = root / "study" / "images" / "x.dcm"
    path.write_bytes(path.read_bytes()[:-6])
    dataset = open_dataset(root)
    with pytest.raises(DataError, match="cannot be decoded"):
        dataset.read_image(dataset.frames[0])
    path.write_bytes(b"text")
    with pytest.raises(DataError, match=r"x\.dcm: cannot be read"):
        open_dataset(root)


def test_read__without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = series(tmp_path)
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(DependencyMissing, match=r"(?s)DICOM files need it.*segwright\[volumes\]"):
        open_dataset(root)


def test_read__a_real_study(shared_data: Path) -> None:
    dataset = open_dataset(shared_data / "medical_dicom")
    assert len(dataset) == 94
    assert {frame.columns["patient"] for frame in dataset.frames} == {"PGBM-002", "PGBM-003"}
    post = [frame for frame in dataset.frames if frame.columns["series"] == "T1post"]
    assert len(post) == 22
    assert post[0].columns["spacing_x_mm"] == "0.6875"
    files = sorted((shared_data / "medical_dicom" / "Study3" / "11-T1post-18670").glob("*.dcm"))
    lowest = min(map(pydicom.dcmread, files), key=lambda one: float(one.ImagePositionPatient[2]))
    assert np.array_equal(dataset.read_image(post[0]).pixels[..., 0], lowest.pixel_array)
