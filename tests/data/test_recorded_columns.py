"""Columns that cameras and scanners recorded: named as splits speak, missing ones counted."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from segwright.core import ConfigError, DataError, DependencyMissing
from segwright.data import Dataset, columns_from_dicom, columns_from_exif, make_split, open_dataset
from tests.data.pictures import CLASSES, index_folder, mask_of, save
from tests.data.recorded import photograph, scan

pydicom = pytest.importorskip("pydicom", reason="DICOM needs the extra `volumes`")


@pytest.fixture
def photographs(tmp_path: Path) -> Dataset:
    for at in range(6):
        tags = {"Model": f"cam{at % 2}", "DateTimeOriginal": f"2024:05:0{1 + at // 2} 10:00:00"}
        photograph(tmp_path / "images" / f"{at}.jpg", tags if at < 5 else {})
        save(tmp_path / "masks" / f"{at}.png", mask_of(8, 8, scratch=(1, 1)))
    return open_dataset(tmp_path, classes=CLASSES)


def test_columns_from_exif__under_the_names_of_splits(photographs: Dataset) -> None:
    told = columns_from_exif(photographs, ["DateTimeOriginal", "Model", "body=Model", "LensModel"])
    assert told.frame("2").columns == {"time": "2024-05-02T10:00:00", "camera": "cam0", "body": "cam0"}
    assert told.frame("5").columns == {}
    assert "1 of 6 frames have no EXIF tag DateTimeOriginal: 5" in told.notes
    assert "6 of 6 frames have no EXIF tag LensModel: 0, 1, 2, 3, 4, 5" in told.notes


def test_columns_from_exif__a_split_goes_by_the_day(photographs: Dataset) -> None:
    told = columns_from_exif(photographs.only("01234"), ["DateTimeOriginal"])
    split = make_split(told, by="time[:10]", fractions={"train": 0.6, "validation": 0.4})
    days = [{told.frame(stem).columns["time"][:10] for stem in stems} for stems in split.parts.values()]
    assert days[0] & days[1] == set()


def test_columns_from_exif__refusals(photographs: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"(?s)names no EXIF tag.*did you mean Model\?"):
        columns_from_exif(photographs, ["Modell"])
    for name in ("1", "2"):
        (tmp_path / "images" / f"{name}.jpg").unlink()
    with pytest.raises(DataError, match="does not exist") as caught:
        columns_from_exif(photographs, ["Model"])
    assert len(caught.value.problems) == 2


def test_columns_from_dicom__by_the_files_name_and_by_the_series_folder(tmp_path: Path) -> None:
    dataset = open_dataset(index_folder(tmp_path / "set", ("scan1", "scan2", "scan3")))
    scan(tmp_path / "dicom" / "scan1.dcm", PatientID="P1", StudyDate="20131125", Manufacturer="ACME")
    for number in ("1", "2"):
        scan(tmp_path / "dicom" / "scan2" / f"{number}.dcm", PatientID="P2", StudyDate="")
    scan(tmp_path / "dicom" / "other.dcm", PatientID="P9")
    (tmp_path / "dicom" / "README.dcm").write_text("no DICOM")
    told = columns_from_dicom(dataset, ["PatientID", "StudyDate", "Manufacturer"], tmp_path / "dicom")
    assert told.frame("scan1").columns == {"patient": "P1", "study_date": "2013-11-25", "manufacturer": "ACME"}
    assert told.frame("scan2").columns == {"patient": "P2"}
    assert told.frame("scan3").columns == {}
    assert "dicom: 1 DICOM files belong to no frame" in told.notes
    assert "1 of 3 frames have no DICOM tag PatientID: scan3" in told.notes


def test_columns_from_dicom__a_series_of_two_patients(tmp_path: Path) -> None:
    dataset = open_dataset(index_folder(tmp_path / "set", ("scan",)))
    for number in ("1", "2"):
        scan(tmp_path / "dicom" / "scan" / f"{number}.dcm", PatientID=f"P{number}")
    with pytest.raises(DataError, match=r"(?s)scan: is made of DICOM files that disagree on PatientID.*P1, P2"):
        columns_from_dicom(dataset, ["PatientID"], tmp_path / "dicom")


def test_columns_from_dicom__refusals(tmp_path: Path) -> None:
    dataset = open_dataset(index_folder(tmp_path / "set", ("scan",)))
    with pytest.raises(ConfigError, match="names no DICOM tag"):
        columns_from_dicom(dataset, ["Patient"], tmp_path)
    with pytest.raises(DataError, match="is not a folder of DICOM files"):
        columns_from_dicom(dataset, ["PatientID"], tmp_path / "no")
    with pytest.raises(DataError, match="holds no DICOM file"):
        columns_from_dicom(dataset, ["PatientID"], tmp_path)
    scan(tmp_path / "dicom" / "else.dcm", PatientID="P")
    with pytest.raises(DataError, match="has no DICOM file that belongs to a frame"):
        columns_from_dicom(dataset, ["PatientID"], tmp_path / "dicom")
    whole = scan(tmp_path / "dicom" / "scan.dcm", PatientID="P", _syntax="1.2.840.10008.1.2.1.99").read_bytes()
    (tmp_path / "dicom" / "scan.dcm").write_bytes(whole[:-8] + b"\xff" * 8)  # a deflated file that does not inflate
    with pytest.raises(DataError, match=r"scan\.dcm: is a damaged DICOM file"):
        columns_from_dicom(dataset, ["PatientID"], tmp_path / "dicom")


def test_columns_from_dicom__without_pydicom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = open_dataset(index_folder(tmp_path / "set", ("scan",)))
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(DependencyMissing, match=r"(?s)needs pydicom.*pip install 'segwright\[volumes\]'"):
        columns_from_dicom(dataset, ["PatientID"], tmp_path)


def test_columns_from_dicom__slices_of_a_real_study(shared_data: Path, tmp_path: Path) -> None:
    """Slices exported as PNG under the names of their files keep patient, date and maker."""
    study = shared_data / "medical_dicom" / "Study1"
    files = sorted((study / "13_HCropVolume").glob("*.dcm"), key=lambda path: int(path.stem))[:4]
    root = index_folder(tmp_path / "set", tuple(f"13_HCropVolume/{path.stem}" for path in files))
    told = columns_from_dicom(
        open_dataset(root), ["PatientID", "StudyDate", "Manufacturer", "SeriesInstanceUID"], study
    )
    rows = [frame.columns for frame in told.frames]
    assert len(rows) == 4
    assert {row["patient"] for row in rows} == {pydicom.dcmread(files[0], stop_before_pixels=True).PatientID}
    assert all(set(row) >= {"patient", "study_date", "series"} for row in rows)
    with pytest.raises(DataError, match="fewer groups than parts: 1"):
        make_split(told, by="patient", fractions={"train": 0.5, "validation": 0.5})
