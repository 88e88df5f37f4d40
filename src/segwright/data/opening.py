"""`open_dataset`: from a path to labelled frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Protocol

from segwright.core import ClassTable, ConfigError, DataError, Problem, raise_collected
from segwright.data.archive import unpacked
from segwright.data.class_files import CLASS_TABLE_FILE, read_class_file
from segwright.data.columns import column_files, columns_from_csv, columns_from_folder, columns_from_pattern
from segwright.data.dataset import Dataset
from segwright.data.formats import FORMATS, Format
from segwright.data.formats.coco_panoptic import is_panoptic_json
from segwright.data.formats.reading_shapes import load_json
from segwright.data.listing import Listing, list_files
from segwright.data.recorded_columns import columns_from_dicom, columns_from_exif
from segwright.data.store.place import is_store
from segwright.data.store.store import open_store

STORE_FORMAT = "store"
_READ_AGAIN = 20  # of the files that may be what makes a folder unknown
# formats with annotation files of their own: two of them in one folder are two sets of labels
_ANNOTATIONS = (
    "coco_panoptic", "coco_json", "cvat_xml", "datumaro_json", "supervisely", "label_studio", "via", "vott_json",
    "labelme_json", "labelme_xml",
)  # fmt: skip
_WITH_PICTURES = (
    "coco_panoptic",
    "datumaro_json",
    "supervisely",
    "labelme_xml",
)  # their own masks may look like others
_PLAIN_MASKS = ("index_png",)
_BY_SUFFIX = {".json": "coco_json", ".xml": "cvat_xml", ".geojson": "geojson"}


class DataSettings(Protocol):
    """How data is opened, as a project file or a plan says it."""

    @property
    def format(self) -> str:
        """A name of `FORMATS`, or auto."""
        ...

    @property
    def options(self) -> Mapping[str, Any]:
        """Settings of the format."""
        ...

    @property
    def columns_from(self) -> str | None:
        """A regular expression over the stems, or None."""
        ...

    @property
    def columns_csv(self) -> str | None:
        """A CSV whose first column names the image, or None."""
        ...

    @property
    def columns_exif(self) -> Sequence[str]:
        """EXIF tags that become columns."""
        ...

    @property
    def columns_dicom(self) -> Sequence[str]:
        """DICOM tags that become columns."""
        ...

    @property
    def dicom(self) -> str | None:
        """The folder of the DICOM files, or None: where the frames are."""
        ...


def open_with_settings(
    uri: str, settings: DataSettings, classes: ClassTable | None, base: Path | None = None
) -> Dataset:
    """The labelled frames at `uri` with the columns that `settings` give; paths are relative to `base`.

    Raises:
        DataError, ConfigError: as `open_dataset`.
    """
    folder = base or Path()
    dataset = open_dataset(
        uri if "://" in uri else folder / uri,
        format=settings.format,
        classes=classes,
        options=settings.options,
        columns_from=settings.columns_from,
        columns_csv=None if settings.columns_csv is None else folder / settings.columns_csv,
    )
    dicom = None if settings.dicom is None else folder / settings.dicom
    return with_recorded_columns(dataset, settings.columns_exif, settings.columns_dicom, dicom)


def with_recorded_columns(
    dataset: Dataset, exif: Sequence[str], dicom: Sequence[str], dicom_folder: Path | None
) -> Dataset:
    """The frames with the columns that their cameras and scanners recorded; DICOM files lie beside them if not said.

    Raises:
        DataError, ConfigError, DependencyMissing: as `columns_from_exif` and `columns_from_dicom`.
    """
    dataset = columns_from_exif(dataset, exif) if exif else dataset
    return columns_from_dicom(dataset, dicom, dicom_folder or dataset.root) if dicom else dataset


def open_dataset(
    uri: str | Path,
    *,
    format: str = "auto",  # noqa: A002  # the word users know
    classes: ClassTable | None = None,
    options: Mapping[str, Any] | None = None,
    columns_from: str | None = None,
    columns_csv: Path | None = None,
) -> Dataset:
    """The labelled frames in a folder, a .zip, a COCO .json, a CVAT .xml or a `STORE@VERSION`; none is decoded yet.

    `format` "auto" takes the first format of `segwright.data.FORMATS` that recognises the folder. A CSV in the root
    whose first column names images gives columns; frames in several folders get the column "folder". What was found but
    left out is counted in `notes`, and `reason` says what the format was recognised by. `columns_from` (see
    `columns_from_pattern`) and `columns_csv` (see `columns_from_csv`) add columns.

    Raises:
        DataError: nothing there, no format fits, files contradict each other; every finding at once.
        ConfigError: an unknown format or option, or no class table.
    """
    settings = dict(options or {})
    if is_store(uri):
        return _from_store(uri, classes, (format, settings), columns_from, columns_csv)
    path, chosen = _folder_and_format(Path(uri), format, settings)
    listing = list_files(path)
    found_out = chosen == "auto"
    chosen, reason = _recognised(listing) if found_out else (chosen, "")
    _require_known(chosen)
    _check_options(chosen, FORMATS[chosen], settings)
    dataset = replace(FORMATS[chosen].read(listing, classes or own_table(listing), settings), reason=reason)
    others = tuple(_also_there(listing, chosen)) if found_out else ()
    dataset = _with_columns(dataset, listing)
    dataset = replace(dataset, notes=(*dataset.notes, *others))
    dataset = columns_from_pattern(dataset, columns_from) if columns_from else dataset
    return columns_from_csv(dataset, columns_csv) if columns_csv else dataset


def _require_known(chosen: str) -> None:
    if chosen not in FORMATS:
        close = get_close_matches(chosen, FORMATS, n=1)
        raise ConfigError.of(
            "data: format",
            "is not a known format",
            allowed=f"auto, {', '.join(FORMATS)}",
            found=chosen,
            fix=f"did you mean '{close[0]}'?" if close else "leave it out: the folder tells",
        )


def _folder_and_format(path: Path, format_name: str, settings: dict[str, Any]) -> tuple[Path, str]:
    """The folder that holds the frames; an annotation file is put into `settings` and says its format."""
    suffix = path.suffix.lower()
    if suffix == ".zip" and path.is_file():
        return unpacked(path), format_name
    if suffix not in _BY_SUFFIX or path.is_dir():
        return path, format_name
    root = path.parent.parent if path.parent.name == "annotations" else path.parent  # COCO keeps images beside it
    settings.setdefault("annotations", path.relative_to(root).as_posix())
    if format_name != "auto":
        return root, format_name
    return root, "coco_panoptic" if suffix == ".json" and is_panoptic_json(path) else _BY_SUFFIX[suffix]


def _recognised(listing: Listing) -> tuple[str, str]:
    """The first format that recognises the folder, and what by."""
    for name, form in FORMATS.items():
        reason = form.recognise(listing)
        if reason is not None:
            return name, reason
    raise_collected(_damaged_annotations(listing))
    images = len(listing.images)
    if not listing.files:
        raise DataError.of(
            str(listing.root), "is empty", allowed="images and their labels", found="no file",
            fix="name the folder that holds the images and their labels",
        )  # fmt: skip
    if images == len(listing.files) and len(listing.by_folder) == 1:
        raise DataError.of(
            str(listing.root),
            "holds images in one folder, and nothing that labels them",
            allowed="images/ with masks/ beside it, a.png with a_mask.png, or an annotation file beside the images",
            found=f"{images} images, no other file",
            fix="name the folder that holds both images and labels: often the one above",
        )
    raise DataError.of(
        str(listing.root),
        "is not in a format that is recognised",
        allowed=f"images/ with masks/, X/ with Xannot/, CLASS/ folders, or one of {', '.join(FORMATS)}",
        found=f"{images} images in {len(listing.by_folder)} folders, {len(listing.files) - images} other files",
        fix="say the format and its folders: `data: {format: index_png, options: {images: A, masks: B}}`",
    )


def _also_there(listing: Listing, chosen: str) -> Iterator[str]:
    """A note for each other tool whose labels lie in the folder too: which are the right ones is not guessed."""
    masks = () if chosen in _WITH_PICTURES or chosen not in _ANNOTATIONS else _PLAIN_MASKS
    for name in (*_ANNOTATIONS, *masks):
        reason = FORMATS[name].recognise(listing) if name != chosen else None
        if reason is not None:
            rule, allowed = "labels of another tool lie here too, and were not read", "one set of labels, or --format"
            fix = f"--format {name} reads those, --format {chosen} says that these are meant"
            yield str(Problem(str(listing.root), rule, allowed, reason, fix))


def _damaged_annotations(listing: Listing) -> Iterator[Problem]:
    """JSON files of which no format can say what they are, as they end too early or are none at all."""
    for name in [name for name in listing.files if name.lower().endswith((".json", ".geojson"))][:_READ_AGAIN]:
        try:
            load_json(listing.path(name), "annotations as JSON")
        except DataError as error:
            yield from error.problems


def _from_store(
    uri: str | Path,
    classes: ClassTable | None,
    reading: tuple[str, Mapping[str, Any]],
    columns_from: str | None,
    columns_csv: Path | None,
) -> Dataset:
    """The frames of a store's version; a class table that is given must be the version's own."""
    _refuse_with_store(*reading)
    dataset = open_store(uri).dataset()
    if classes is not None and classes.content_hash != dataset.classes.content_hash:
        raise ConfigError.of(
            str(uri), "has another class table than the one given", allowed=dataset.classes.describe(),
            found=classes.describe(), fix="write the store's classes under `classes:`, or `segwright data relabel` it",
        )  # fmt: skip
    dataset = columns_from_pattern(dataset, columns_from) if columns_from else dataset
    return columns_from_csv(dataset, columns_csv) if columns_csv else dataset


def _refuse_with_store(format_name: str, settings: Mapping[str, Any]) -> None:
    """Refuse what says how files are read: a store holds no files of a format."""
    given = [*([] if format_name in ("auto", STORE_FORMAT) else [f"format {format_name}"]), *settings]
    if given:
        raise ConfigError.of(
            "a dataset store", "has its own format and no options", allowed="format auto, no options",
            found=", ".join(given), fix="leave them out: they belong to `segwright import`, which fills the store",
        )  # fmt: skip


def own_table(listing: Listing) -> ClassTable | None:
    """The class table that `export_dataset` wrote beside the frames, or None."""
    if CLASS_TABLE_FILE not in listing.files:
        return None
    return read_class_file(listing.path(CLASS_TABLE_FILE))


def _check_options(name: str, form: Format, settings: Mapping[str, Any]) -> None:
    problems = []
    for option in sorted(settings.keys() - form.options.keys()):
        close = get_close_matches(option, form.options, n=1)
        hint = f"did you mean '{close[0]}'?" if close else "remove it"
        problems.append(Problem(f"options of {name}", "has an unknown option", ", ".join(form.options), option, hint))
    raise_collected(problems, ConfigError)


def _with_columns(dataset: Dataset, listing: Listing) -> Dataset:
    twice = [frame.stem for frame in dataset.frames]
    if len(set(twice)) < len(twice):
        names = sorted({stem for stem in twice if twice.count(stem) > 1})
        raise DataError.of(
            str(dataset.root),
            "has frames of one name",
            allowed="one frame a name",
            found=", ".join(names),
            fix="rename the files, or open their folders one by one",
        )
    if len({frame.stem.rpartition("/")[0] for frame in dataset.frames}) > 1:
        dataset = columns_from_folder(dataset)
    for path in column_files(dataset, listing.files):
        dataset = columns_from_csv(dataset, path)
    return dataset
