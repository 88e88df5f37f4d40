"""Columns from what a camera or a scanner recorded: EXIF of image files, tags of DICOM files."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from segwright.core import ConfigError, DataError, DependencyMissing, Problem, SegwrightError, few, raise_collected
from segwright.data.codecs.exif import decode_exif, require_tags
from segwright.data.columns import stems_named
from segwright.data.dataset import Dataset, Frame
from segwright.data.workers import in_threads

# Tags under the names that splits speak of; any other becomes snake_case, and NAME=Tag gives it a name of its own.
COLUMN_NAMES = {
    "DateTimeOriginal": "time", "Model": "camera", "BodySerialNumber": "camera_serial",
    "GPSLatitude": "latitude", "GPSLongitude": "longitude",
    "PatientID": "patient", "StudyInstanceUID": "study", "SeriesInstanceUID": "series",
    "InstitutionName": "institution",
}  # fmt: skip


def columns_from_exif(dataset: Dataset, tags: Sequence[str]) -> Dataset:
    """The frames with a column for each EXIF tag, under the name of `COLUMN_NAMES` or the one in `NAME=Tag`.

    A frame without the tag has no such column; how many have none is said in the notes.

    Raises:
        ConfigError: no EXIF tag of that name.
        DataError: an image file that cannot be read; all of them.
    """
    named = _named(tags)
    require_tags(list(named.values()))

    def read(frame: Frame) -> dict[str, str] | SegwrightError:
        try:
            data = frame.image.file_bytes()
            return {} if data is None else decode_exif(data, list(named.values()), str(frame.image))
        except SegwrightError as error:
            return error

    answers = dict(zip((frame.stem for frame in dataset.frames), in_threads(read, dataset.frames), strict=True))
    raise_collected(
        problem for answer in answers.values() if isinstance(answer, SegwrightError) for problem in answer.problems
    )
    return _with_tags(dataset, named, answers, "EXIF tag")  # type: ignore[arg-type]


def columns_from_dicom(dataset: Dataset, tags: Sequence[str], folder: Path) -> Dataset:
    """The frames with a column for each DICOM tag of the files below `folder` that belong to them.

    A file belongs to the frame of its name, or, for a frame that is a series, of its folder's name. Pixels are not
    read. Frames without a file or tag, and files without a frame, are counted in the notes.

    Raises:
        ConfigError: no DICOM tag of that name.
        DataError: no folder, no DICOM file in it, or none that belongs to a frame; files of one frame that disagree.
        DependencyMissing: pydicom is not installed.
    """
    named = _named(tags)
    read = _dicom_reader(list(named.values()))
    paths = _dicom_files(folder)
    relative = [path.relative_to(folder) for path in paths]
    own = stems_named(dataset, [path.as_posix() for path in relative])
    series = stems_named(dataset, [f"{path.parent.as_posix()}.dcm" for path in relative])
    stems = [stem or other for stem, other in zip(own, series, strict=True)]
    mine = [(stem, path) for stem, path in zip(stems, paths, strict=True) if stem is not None]
    if not mine:
        raise DataError.of(
            str(folder), "has no DICOM file that belongs to a frame",
            allowed=few([frame.stem for frame in dataset.frames]), found=few([path.as_posix() for path in relative]),
            fix="name the files, or the folders of their series, like the frames",
        )  # fmt: skip
    rows: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for (stem, _), values in zip(mine, in_threads(read, [path for _, path in mine]), strict=True):
        for tag, value in values.items():
            rows[stem][tag].add(value)
    _require_one_value(rows)
    found = {stem: {tag: min(values) for tag, values in row.items()} for stem, row in rows.items()}
    strangers = len(paths) - len(mine)
    notes = (f"{folder.name}: {strangers} DICOM files belong to no frame",) if strangers else ()
    told = _with_tags(dataset, named, found, "DICOM tag")
    return replace(told, notes=(*told.notes, *notes))


def _named(tags: Iterable[str]) -> dict[str, str]:
    """Column name -> tag."""
    pairs = [tag.strip().partition("=") for tag in tags]
    return {
        (name.strip() if equals else COLUMN_NAMES.get(name, _snake(name))): (rest if equals else name).strip()
        for name, equals, rest in pairs
    }


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _with_tags(
    dataset: Dataset, named: Mapping[str, str], found: Mapping[str, Mapping[str, str]], kind: str
) -> Dataset:
    rows = {stem: {column: row[tag] for column, tag in named.items() if row.get(tag)} for stem, row in found.items()}
    notes = []
    for column, tag in named.items():
        without = [frame.stem for frame in dataset.frames if column not in rows.get(frame.stem, {})]
        if without:
            notes.append(f"{len(without)} of {len(dataset)} frames have no {kind} {tag}: {few(without)}")
    return replace(dataset.with_columns(rows), notes=(*dataset.notes, *notes))


def _dicom_reader(tags: list[str]) -> Callable[[Path], dict[str, str]]:
    """A function that reads these tags of a DICOM file."""
    try:
        import pydicom
        from pydicom.datadict import tag_for_keyword
    except ImportError as error:
        raise DependencyMissing.of(
            "--columns-dicom", "needs pydicom", allowed="segwright[volumes]", found="not installed",
            fix="pip install 'segwright[volumes]'",
        ) from error  # fmt: skip
    unknown = [tag for tag in tags if tag_for_keyword(tag) is None]
    if unknown:
        raise ConfigError.of(
            "--columns-dicom", "names no DICOM tag", allowed="keywords: PatientID, StudyDate, Manufacturer, ...",
            found=", ".join(unknown), fix="write the keyword as the DICOM standard does, without blanks",
        )  # fmt: skip

    def read(path: Path) -> dict[str, str]:
        try:
            content = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(tags))
            elements = {tag: content[tag] for tag in tags if tag in content}
            return {tag: text for tag, element in elements.items() if (text := _dicom_text(element))}
        except Exception as error:  # pydicom raises a dozen unrelated types on damaged files
            raise DataError.of(
                str(path), "is a damaged DICOM file", allowed="a whole file", found=str(error)[:200],
                fix="copy it again from its source, or remove it",
            ) from error  # fmt: skip

    return read


def _dicom_text(element: Any) -> str:
    """A value as text; dates (DA) as ISO 8601, several values with a backslash between. Source: DICOM PS3.5, 6.2."""
    value = element.value
    if value is None:
        return ""
    several = isinstance(value, Sequence) and not isinstance(value, str)
    text = ("\\".join(str(item) for item in value) if several else str(value)).strip("\0 ")
    date = element.VR == "DA" and len(text) == 8 and text.isdigit()
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if date else text


def _dicom_files(folder: Path) -> list[Path]:
    """The files below a folder that start as DICOM does: 128 bytes, then DICM."""
    if not folder.is_dir():
        raise DataError.of(
            str(folder), "is not a folder of DICOM files", allowed="a folder", found="nothing there",
            fix="name the folder with --dicom",
        )  # fmt: skip
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and _is_dicom(path)]
    if not files:
        raise DataError.of(
            str(folder), "holds no DICOM file", allowed="files with DICM after their first 128 bytes", found="none",
            fix="name the folder with --dicom",
        )  # fmt: skip
    return files


def _is_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _require_one_value(rows: Mapping[str, Mapping[str, set[str]]]) -> None:
    raise_collected(
        Problem(
            stem,
            f"is made of DICOM files that disagree on {tag}",
            "one value a frame",
            few(sorted(values)),
            fix="put each series into a folder of its own, or leave the tag out",
        )
        for stem, row in rows.items()
        for tag, values in row.items()
        if len(values) > 1
    )
