"""DICOM written: pydicom reads what the standard asks for, and volumes of other formats keep their grid."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from segwright.core import ClassTable, DataError, Event, Note
from segwright.data import Dataset, Frame, ImageFile, export_dataset, open_dataset
from tests.data.formats.test_conformance import labelled

pydicom = pytest.importorskip("pydicom", reason="DICOM needs segwright[volumes]")

CLASSES = ClassTable.of(["background", "liver", "tumour"])


def volumes(root: Path, affine: np.ndarray, kind: type = np.int16) -> Dataset:
    """One case of three slices, the last without labels on it."""
    rng = np.random.default_rng(0)
    voxels = rng.integers(0, 500, (7, 5, 3)).astype(kind) - (200 if kind != np.uint16 else 0)
    ids = rng.integers(0, 3, voxels.shape).astype(np.uint8)
    ids[..., 2] = 0
    for folder, values in (("images", voxels.astype(kind)), ("labels", ids)):
        (root / folder).mkdir(parents=True)
        nibabel.save(nibabel.Nifti1Image(values, affine), str(root / folder / "case.nii.gz"))
    return open_dataset(root, classes=CLASSES)


GRID = np.array([[-0.5, 0, 0, 10], [0, -0.75, 0, 20], [0, 0, 2.5, -30], [0, 0, 0, 1]], float)


@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_write__a_volume_keeps_its_voxels_its_labels_and_its_grid(tmp_path: Path, kind: type) -> None:
    dataset = volumes(tmp_path / "in", GRID, kind)
    export_dataset(dataset, tmp_path / "out", "dicom_series")
    again = open_dataset(tmp_path / "out")
    assert again.format == "dicom_series"
    assert [frame.stem for frame in again.frames] == [frame.stem for frame in dataset.frames]
    for before, after in zip(dataset.frames, again.frames, strict=True):
        np.testing.assert_array_equal(again.read_image(after).pixels, dataset.read_image(before).pixels)
        assert again.read_labels(after) == dataset.read_labels(before)
    volume = again.frames[0].image.volumes[0]  # type: ignore[attr-defined]
    np.testing.assert_allclose(volume.affine, GRID, atol=1e-5)


def test_write__the_segmentation_says_what_the_standard_asks_for(tmp_path: Path) -> None:
    dataset = volumes(tmp_path / "in", GRID)
    export_dataset(dataset, tmp_path / "out", "dicom_series")
    data = pydicom.dcmread(tmp_path / "out" / "labels" / "case.dcm")
    slices = [pydicom.dcmread(path) for path in sorted((tmp_path / "out" / "images" / "case").iterdir())]
    assert data.SOPClassUID.name == "Segmentation Storage"
    assert (data.Modality, data.SegmentationType, data.BitsAllocated) == ("SEG", "BINARY", 1)
    assert [(one.SegmentNumber, one.SegmentLabel) for one in data.SegmentSequence] == [
        (1, "liver"), (2, "tumour"), (3, "void"),
    ]  # fmt: skip
    assert data.pixel_array.shape == (4, 5, 7)  # two segments on two slices
    assert data.FrameOfReferenceUID == slices[0].FrameOfReferenceUID
    (series,) = data.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == slices[0].SeriesInstanceUID
    for groups, picture in zip(data.PerFrameFunctionalGroupsSequence, data.pixel_array, strict=True):
        segment = groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        source = groups.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        at = [one.SOPInstanceUID for one in slices].index(source)
        np.testing.assert_array_equal(picture == 1, dataset.read_labels(dataset.frames[at]).ids == segment)
        assert groups.PlanePositionSequence[0].ImagePositionPatient == slices[at].ImagePositionPatient


def test_write__the_same_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    dataset = labelled(tmp_path, void=True)
    for name in ("one", "two"):
        export_dataset(dataset, tmp_path / name, "dicom_series")
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.dcm"))
    assert len(files) == 6
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in files)


def test_write__a_mirrored_grid_is_written_without_positions_and_said(tmp_path: Path) -> None:
    dataset = volumes(tmp_path / "in", np.diag([-1.0, 1.0, 1.0, 1.0]))
    notes: list[Event] = []
    export_dataset(dataset, tmp_path / "out", "dicom_series", listener=notes.append)
    assert any(isinstance(note, Note) and "1 volumes lie mirrored" in note.text for note in notes)
    again = open_dataset(tmp_path / "out")
    for before, after in zip(dataset.frames, again.frames, strict=True):
        assert again.read_labels(after) == dataset.read_labels(before)


def test_write__pixels_that_dicom_does_not_hold(tmp_path: Path) -> None:
    dataset = volumes(tmp_path / "in", GRID)
    (tmp_path / "in" / "images" / "case.nii.gz").unlink()
    values = np.full((7, 5, 3), 0.5, np.float32)
    nibabel.save(nibabel.Nifti1Image(values, GRID), str(tmp_path / "in" / "images" / "case.nii.gz"))
    again = open_dataset(tmp_path / "in", classes=CLASSES)
    assert len(again) == len(dataset)
    with pytest.raises(DataError, match=r"(?s)has pixels that DICOM does not hold.*float32.*nifti_pairs"):
        export_dataset(again, tmp_path / "out", "dicom_series")
    assert not (tmp_path / "out").exists()


def test_write__names_that_are_too_long(tmp_path: Path) -> None:
    dataset = labelled(tmp_path, void=False)
    table = ClassTable.of(["background", "x" * 65])
    bare = tuple(replace(frame, mask=None) for frame in dataset.frames)
    with pytest.raises(DataError, match="has names that DICOM cannot hold"):
        export_dataset(replace(dataset, classes=table, frames=bare), tmp_path / "out", "dicom_series")


def test_read__a_segmentation_of_one_file_of_many_slices(tmp_path: Path) -> None:
    dataset = volumes(tmp_path / "in", GRID, np.uint16)
    export_dataset(dataset, tmp_path / "slices", "dicom_series")
    sources = [pydicom.dcmread(path) for path in sorted((tmp_path / "slices" / "images" / "case").iterdir())]
    whole = sources[0]
    whole.NumberOfFrames = 3
    whole.PixelData = b"".join(one.PixelData for one in sources)
    for name in ("ImagePositionPatient", "ImageOrientationPatient"):
        delattr(whole, name)
    (tmp_path / "many" / "case").mkdir(parents=True)
    whole.save_as(tmp_path / "many" / "case" / "all.dcm")
    many = open_dataset(tmp_path / "many", classes=CLASSES)
    masks = [frame.mask for frame in dataset.frames]
    drawn = replace(many, frames=tuple(replace(one, mask=mask) for one, mask in zip(many.frames, masks, strict=True)))
    export_dataset(drawn, tmp_path / "out", "dicom_series")
    again = open_dataset(tmp_path / "out")
    assert len(again) == 3
    for before, after in zip(dataset.frames, again.frames, strict=True):
        assert again.read_labels(after).ids.tolist() == dataset.read_labels(before).ids.tolist()


def test_write__a_frame_alone(tmp_path: Path) -> None:
    dataset = labelled(tmp_path, void=False)
    frame = Frame("only", ImageFile(Path(str(dataset.frames[0].image))), dataset.frames[0].mask)
    export_dataset(replace(dataset, frames=(frame,)), tmp_path / "out", "dicom_series")
    again = open_dataset(tmp_path / "out")
    assert [row.stem for row in again.frames] == ["only"]
    assert again.read_labels(again.frames[0]) == dataset.read_labels(frame)
