"""DICOM series: the slices of each series are frames; labels are DICOM SEG files, or series in a folder of labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from segwright.core import ClassTable, ConfigError, DataError, Problem, few, raise_collected
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.annotated import name_classes
from segwright.data.formats.dicom_files import (
    DicomSegmentation,
    DicomSeries,
    SliceHeader,
    ordered,
    read_slice_header,
    segments_of,
    series_referred_to,
)
from segwright.data.formats.dicom_writing import write
from segwright.data.formats.format import Format, Options
from segwright.data.formats.volume_frames import value_mapping
from segwright.data.listing import Listing
from segwright.data.volumes import VolumeFile, VolumeLabels, VolumeSlice
from segwright.data.workers import in_threads

_SUFFIXES = (".dcm", ".dicom", ".ima")
_LABELS = ("labels", "label", "masks", "mask", "seg", "segmentations")
_IMAGES = ("images", "image", "volumes")
_SNIFFED = 200


def recognise(listing: Listing) -> str | None:
    """Files named .dcm, or without a suffix and with DICOM's mark."""
    found = _files(listing, _SNIFFED)
    return f"{len(found)} DICOM files" if found else None


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames of the slices of every series, in the order of their positions.

    Slope and intercept are applied. The columns are patient, study, series, modality, case, slice and spacing. A series
    without labels gives frames without labels, which are counted.

    Raises:
        DataError: no DICOM files, damaged ones, or slices of one series of several sizes; all of them.
        ConfigError: segments that a given table does not name.
    """
    headers, problems, others = _headers(listing)
    raise_collected(problems)
    series = {key: ordered(slices) for key, slices in headers.items()}
    raise_collected(_misfits(series))
    pictures = {key: one for key, one in series.items() if not key.is_labels and key.modality != "SEG"}
    if not pictures:
        raise DataError.of(
            str(listing.root),
            "has no DICOM series of pictures",
            allowed="folders of .dcm slices",
            found=f"{len(listing.files)} files",
            fix="export the series as DICOM, one file a slice",
        )
    found = _labels(series, pictures)
    table, mappings = _table(found, classes, options)
    frames = tuple(
        frame
        for key, one in sorted(pictures.items())
        for frame in _frames(key, one, found.get(key), mappings.get(key, {}))
    )
    notes = [f"{len(others)} DICOM files hold no picture and were left out: {few(others)}"] if others else []
    bare = [key.name for key in pictures if key not in found]
    notes += [f"{len(bare)} series have no labels; their frames are unlabelled: {few(bare)}"] if bare else []
    uneven = [f"{key.name} ({one.gaps})" for key, one in pictures.items() if one.gaps]
    notes += [f"{len(uneven)} series have slices at uneven distances: {few(uneven)}"] if uneven else []
    return Dataset(listing.root, table, frames, "dicom_series", tuple(notes))


@dataclass(frozen=True, order=True)
class _Key:
    """Which series: its folder without the part that only says images or labels, and what tells series apart there."""

    name: str
    uid: str
    modality: str
    is_labels: bool


def _files(listing: Listing, most: int | None = None) -> list[str]:
    found = [name for name in listing.files if name.lower().endswith(_SUFFIXES)]
    bare = [name for name in listing.files if not PurePosixPath(name).suffix][:most]
    return sorted([*found, *(name for name in bare if _has_mark(listing.path(name)))])


def _has_mark(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _headers(listing: Listing) -> tuple[dict[_Key, list[SliceHeader]], list[Problem], list[str]]:
    """The slices of each series, what cannot be read, and files without a picture."""
    by_folder: dict[tuple, list[SliceHeader]] = defaultdict(list)
    problems: list[Problem] = []
    others: list[str] = []
    names = _files(listing)
    for name, header in zip(names, in_threads(lambda name: read_slice_header(listing.path(name)), names), strict=True):
        if isinstance(header, Problem):
            problems.append(header)
        elif header is None:
            others.append(name)
        else:
            folder, is_labels = _folder(name)
            apart = header.path.name if header.frames > 1 else ""
            texts = header.texts
            by_folder[(folder, texts["SeriesInstanceUID"], texts["Modality"], is_labels, apart)].append(header)
    several: dict[tuple, int] = defaultdict(int)
    for folder, _, modality, is_labels, _ in by_folder:
        several[(folder, is_labels)] += modality != "SEG"
    keyed: dict[_Key, list[SliceHeader]] = {}
    for (folder, uid, modality, is_labels, apart), slices in by_folder.items():
        ending = slices[0].texts["SeriesNumber"] or uid[-8:]
        ending = f"{ending}_{PurePosixPath(apart).stem}" if apart else ending
        name = f"{folder}/series_{ending}" if several[(folder, is_labels)] > 1 else folder
        keyed[_Key(name.removeprefix("./"), f"{uid}{apart}", modality, is_labels)] = slices
    return keyed, problems, others


def _folder(name: str) -> tuple[str, bool]:
    parts = PurePosixPath(name).parts[:-1]
    at = next((at for at, part in enumerate(parts) if part.lower() in (*_LABELS, *_IMAGES)), None)
    is_labels = at is not None and parts[at].lower() in _LABELS
    return "/".join(part for nth, part in enumerate(parts) if nth != at) or "series", is_labels


def _misfits(series: Mapping[_Key, DicomSeries]) -> Iterator[Problem]:
    for key, one in series.items():
        sizes = sorted({header.size for header in one.slices})
        if len(sizes) > 1:
            found = ", ".join(f"{width}x{height}" for width, height in sizes)
            fix = "move the slices of another size into a folder of their own"
            yield Problem(key.name, "has slices of several sizes", "one size a series", found, fix)


def _labels(
    series: Mapping[_Key, DicomSeries], pictures: Mapping[_Key, DicomSeries]
) -> dict[_Key, tuple[VolumeFile, dict[int, str]]]:
    """For each series of pictures its labels, and the names of the values where the file gives them."""
    found: dict[_Key, tuple[VolumeFile, dict[int, str]]] = {}
    for key, one in series.items():
        names = segments_of(one.slices[0].path) if key.modality == "SEG" else None
        if names is not None:
            referred = series_referred_to(one.slices[0].path)
            for picture, slices in pictures.items():
                files = referred.get(slices.slices[0].texts["SeriesInstanceUID"])
                if files is not None and (not files or files & {header.uid for header in slices.slices}):
                    found[picture] = DicomSegmentation(one.slices[0].path, slices), names
        elif key.is_labels:
            for picture in pictures:
                if picture.name == key.name:
                    found[picture] = one, {}
    return found


def _table(
    found: Mapping[_Key, tuple[VolumeFile, dict[int, str]]], given: ClassTable | None, options: Options
) -> tuple[ClassTable, dict[_Key, dict[int, int]]]:
    """The class table, and for each series what its label values mean."""
    names = list(dict.fromkeys(name for _, segments in found.values() for name in segments.values()))
    if given is None and not names and found:
        raise ConfigError.of(
            "label series",
            "have no class table: nobody says what their values mean",
            allowed="`classes:` in segwright.yaml",
            found="series in a folder of labels",
            fix="write `classes: {names: {background: 0, organ: 1}}`",
        )
    naming = name_classes(
        dict.fromkeys(names), given or (None if names else ClassTable.of(["background"])), options, "SEG"
    )
    raise_collected(naming.problems, ConfigError)
    table = naming.classes
    plain = {} if names else value_mapping(table, options)
    mappings = {
        key: {0: table.unpainted_id, **{number: naming.ids[name] for number, name in segments.items()}}
        if segments
        else plain
        for key, (_, segments) in found.items()
    }
    return table, mappings


def _frames(
    key: _Key, series: DicomSeries, labels: tuple[VolumeFile, dict[int, str]] | None, mapping: Mapping[int, int]
) -> Iterator[Frame]:
    texts = series.slices[0].texts
    count = series.shape[2]
    digits = len(str(count - 1))
    spacing = {f"spacing_{name}_mm": f"{side:g}" for name, side in zip("xyz", series.spacing_mm, strict=False)}
    columns = {
        "patient": texts["PatientID"],
        "study": texts["StudyInstanceUID"],
        "series": texts["SeriesDescription"] or texts["SeriesNumber"],
        "modality": texts["Modality"],
        "case": key.name,
        **spacing,
    }
    known = {name: text for name, text in columns.items() if text}
    for index in range(count):
        stem = key.name if count == 1 else f"{key.name}/{index:0{digits}d}"
        mask = None if labels is None else VolumeLabels(labels[0], 2, index, mapping)
        yield Frame(stem, VolumeSlice((series,), 2, index), mask, {**known, "slice": str(index)})


DICOM_SERIES = Format(
    recognise,
    read,
    {"map": "segments to rename: [Tumor=tumour], or values of label series: [7=void]"},
    write,
    frozenset({"void", "unlabelled"}),
)
