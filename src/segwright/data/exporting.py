"""`export_dataset`: labelled frames into a folder of any format that can be written, and what is lost by it."""

from __future__ import annotations

import csv
import json
import os
import shutil
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from segwright.core import ConfigError, DataError, InstanceSet, Listener, Problem, raise_collected, silent
from segwright.data.class_files import CLASS_TABLE_FILE
from segwright.data.codecs import SUFFIXES
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats import FORMATS, Format
from segwright.data.formats.format import Carried, Writer
from segwright.data.masks import InstanceSource, PanopticSource
from segwright.data.shapes import Outlines, ShapeMask, Stroke
from segwright.data.workers import in_threads

COLUMNS_FILE = "columns.csv"

# feature of labels -> what is lost where a format does not carry it
LOSSES: dict[Carried, str] = {
    "void": "void pixels become background: {count} frames have some",
    "objects": "which pixel belongs to which object: {count} objects",
    "overlap": "what lies under another object: {count} objects",
    "crowd": "that a region is a crowd: {count} regions",
    "segments": "the segments of a frame: {count} frames",
    "outlines": "outlines as they were drawn (their pixels are kept): {count} outlines",
    "holes": "holes as rings of their own (their pixels are kept): {count} outlines with holes",
    "strokes": "lines and the width of their brush (their pixels are kept): {count} lines",
    "painted_crowd": "that a crowd is painted as its class, it is read as void (option crowd: class): {count} regions",
    "borders": "borders to the pixel (option tolerance_px): {count} frames",
    "unlabelled": "frames that nobody labelled: {count} are left out",
    "attributes": "what is said of objects beyond their class: {count} objects",
}


@dataclass(frozen=True)
class Exported:
    """A dataset that was written: where, as what, how many frames, and a sentence for everything that was lost."""

    folder: Path
    format: str
    frames: int
    losses: tuple[str, ...] = ()


def export_dataset(
    dataset: Dataset,
    folder: Path | str,
    format: str,  # noqa: A002  # the word users know
    *,
    options: Mapping[str, Any] | None = None,
    listener: Listener = silent,
) -> Exported:
    """Write all frames of a dataset into a new folder, or a new .zip, in the format called `format`.

    The class table and the columns are written beside, so that `open_dataset` gives back both. The folder or archive
    appears whole or not at all. Pictures are copied as they are; what labels lose is in `Exported.losses`, counted.

    Raises:
        ConfigError: an unknown format or option, or a format that is only read.
        DataError: the folder exists, frames cannot be read, or the disk is full.
    """
    form, write = _writable(format)
    settings = dict(options or {})
    _check_options(format, form, settings)
    target = Path(folder)
    if target.exists():
        raise DataError.of(str(target), "exists already", allowed="a new folder", fix="name another folder, or move it")
    raise_collected(_strays(dataset))
    lost = Counter({name: count for name, count in features_of(dataset).items() if name not in form.carries})
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        unfinished.mkdir(parents=True)
        lost += Counter(write(dataset, unfinished, settings, listener) or {})
        _write_beside(dataset, unfinished)
        _put_in_place(unfinished, target)
    except OSError as error:
        rule, what = "cannot be written", error.strerror or str(error)
        raise DataError.of(str(target), rule, found=what, fix="free space, or choose another folder") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    losses = tuple(text.format(count=lost[name]) for name, text in LOSSES.items() if lost[name])
    return Exported(target, format, len(dataset), losses)


def _strays(dataset: Dataset) -> Iterator[Problem]:
    """Frames whose names lead out of the folder: an annotation file may have given them."""
    for frame in dataset.frames:
        path = PurePosixPath(frame.stem)
        if path.is_absolute() or ".." in path.parts or "\\" in frame.stem or not path.parts:
            fix = "correct the name in the annotation file, or move the image below the root"
            yield Problem(str(frame.image), "has a name that leads out of the folder", "a path below", frame.stem, fix)


def _put_in_place(unfinished: Path, target: Path) -> None:
    """The finished folder under its name, or packed where that ends in .zip; packing goes to a temporary name first."""
    if target.suffix.lower() != ".zip":
        unfinished.replace(target)
        return
    packed = target.with_name(f".{target.name}.{os.getpid()}.zip.part")
    try:
        with zipfile.ZipFile(packed, "w") as archive:
            for path in sorted(path for path in unfinished.rglob("*") if path.is_file()):
                pictures = path.suffix.lower() in SUFFIXES  # compressed already
                how = zipfile.ZIP_STORED if pictures else zipfile.ZIP_DEFLATED
                archive.write(path, path.relative_to(unfinished).as_posix(), how)
        packed.replace(target)
    finally:
        packed.unlink(missing_ok=True)


def features_of(dataset: Dataset) -> dict[Carried, int]:
    """What the labels hold beyond a class id for each pixel, and how often; features that never occur are left out.

    Raises:
        DataError: labels that cannot be read; all of them.
    """

    def counted(frame: Frame) -> Counter[Carried] | DataError:
        try:
            return _features(dataset, frame)
        except DataError as error:
            return error

    total: Counter[Carried] = Counter({"unlabelled": sum(frame.mask is None for frame in dataset.frames)})
    problems: list[Problem] = []
    for answer in in_threads(counted, [frame for frame in dataset.frames if frame.mask is not None]):
        if isinstance(answer, DataError):
            problems += answer.problems
        else:
            total += answer
    raise_collected(problems)
    return {name: total[name] for name in LOSSES if total[name]}


def _features(dataset: Dataset, frame: Frame) -> Counter[Carried]:
    found: Counter[Carried] = Counter()
    labels = dataset.read_labels(frame)
    found["void"] += bool(labels.void_fraction)
    if isinstance(frame.mask, PanopticSource):
        found["segments"] += 1
    if isinstance(frame.mask, InstanceSource):
        objects = dataset.read_instances(frame)
        found["objects"] += len(objects)
        found["crowd"] += sum(one.crowd for one in objects)
        found["attributes"] += sum(bool(one.attributes) for one in objects)
        found["overlap"] += _covered(objects)
    if isinstance(frame.mask, ShapeMask):
        shapes = frame.mask.shapes
        found["outlines"] += sum(isinstance(shape, Outlines) for shape in shapes)
        found["holes"] += sum(isinstance(shape, Outlines) and bool(shape.holes) for shape in shapes)
        found["strokes"] += sum(isinstance(shape, Stroke) for shape in shapes)
    return found


def _covered(objects: InstanceSet) -> int:
    """How many objects share a pixel with another."""
    times = np.zeros((objects.size.height, objects.size.width), np.uint16)
    for one in objects:
        times[one.box.slices] += one.mask
    return sum(bool((times[one.box.slices][one.mask] > 1).any()) for one in objects)


def _writable(name: str) -> tuple[Format, Writer]:
    writable = {key: form.write for key, form in FORMATS.items() if form.write is not None}
    if name in writable:
        return FORMATS[name], writable[name]
    close = get_close_matches(name, writable, n=1)
    raise ConfigError.of(
        "format",
        "is only read, not written" if name in FORMATS else "is not a known format",
        allowed=", ".join(writable),
        found=name,
        fix=f"did you mean '{close[0]}'?" if close and close[0] != name else "name one that can be written",
    )


def _check_options(name: str, form: Format, settings: Mapping[str, Any]) -> None:
    unknown = sorted(settings.keys() - form.write_options.keys())
    allowed = ", ".join(form.write_options) or "none"
    place, rule = f"options of {name}", "has an unknown option for writing"
    raise_collected((Problem(place, rule, allowed, option, "leave it out") for option in unknown), ConfigError)


def _write_beside(dataset: Dataset, folder: Path) -> None:
    text = json.dumps(dataset.classes.to_json(), ensure_ascii=False, indent=1)
    (folder / CLASS_TABLE_FILE).write_text(text + "\n", encoding="utf-8")
    rows = list(_column_rows(dataset))
    if len(rows) > 1:
        with (folder / COLUMNS_FILE).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)


def _column_rows(dataset: Dataset) -> Iterator[list[str]]:
    names = dataset.column_names
    if names:
        yield ["image", *names]
        for frame in dataset.frames:
            yield [frame.stem, *(frame.columns.get(name, "") for name in names)]
