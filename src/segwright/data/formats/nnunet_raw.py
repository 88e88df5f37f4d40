"""nnU-Net raw and Medical Segmentation Decathlon: dataset.json, imagesTr/, labelsTr/; volumes or 2-D pictures."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from segwright.core import ClassTable, ConfigError, DataError, Image, Problem, adopt, few, raise_collected
from segwright.data.codecs import FrameShape
from segwright.data.codecs.reading import bands_of
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.annotated import name_classes
from segwright.data.formats.format import Format, Options
from segwright.data.formats.nifti_files import NiftiFile
from segwright.data.formats.nnunet_writing import JSON, STEMS, write
from segwright.data.formats.volume_frames import AXIS_HELP, Case, axis_of, frames_of, misfits
from segwright.data.given_parts import part_column
from segwright.data.images import ImageFile, ImageSource
from segwright.data.listing import Listing
from segwright.data.masks import IndexMask

_CHANNEL = re.compile(r"^(?P<case>.+)_(?P<channel>\d{4})$")
_PARTS = (("Tr", "train"), ("Ts", "test"))


def recognise(listing: Listing) -> str | None:
    """dataset.json with imagesTr/ and labelsTr/."""
    folders = {PurePosixPath(name).parts[0] for name in listing.files if "/" in name}
    if JSON not in listing.files or not {"imagesTr", "labelsTr"} <= folders:
        return None
    return "nnU-Net's dataset.json with imagesTr/ and labelsTr/"


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames of the labelled cases: the slices of volumes along `axis`, or pictures; channels _0000, _0001 are bands.

    A label called ignore is void. The columns are those of `nifti_pairs`, and `part`: train, or test where labelsTs/
    has labels.

    Raises:
        DataError: dataset.json is none or holds regions; channels or labels that do not fit; all of them.
        ConfigError: labels that a given table does not name.
    """
    data = _load(listing.path(JSON))
    ending = str(data.get("file_ending") or _ending(listing))
    table, mapping = _naming(data, classes, options, listing.path(JSON))
    axis = axis_of(options)
    stems = _stems(data.get(STEMS))
    frames: list[Frame] = []
    problems: list[Problem] = []
    notes: list[str] = []
    for part, subset in _PARTS:
        channels, labels = _channels(listing, f"images{part}", ending), _files(listing, f"labels{part}", ending)
        bare = sorted(channels.keys() - labels.keys())
        notes += [f"{len(bare)} cases in images{part} have no labels and were left out: {few(bare)}"] if bare else []
        alone = sorted(labels.keys() - channels.keys())
        notes += [f"{len(alone)} labels in labels{part} have no image and were left out: {few(alone)}"] if alone else []
        for name in sorted(channels.keys() & labels.keys()):
            paths = tuple(listing.path(channels[name][at]) for at in sorted(channels[name]))
            problems += _missing(name, channels[name], data)
            found = _Found(stems.get(name, name), paths, listing.path(labels[name]), subset)
            frames += _frames(found, axis, mapping, problems, is_volume=ending.startswith(".nii"))
    raise_collected(problems)
    if not frames:
        raise DataError.of(
            str(listing.root),
            "has no labelled cases",
            allowed=f"imagesTr/CASE_0000{ending} with labelsTr/CASE{ending}",
            found=f"{len(listing.files)} files",
            fix=f"correct file_ending in {JSON}, or unpack the set again",
        )
    return Dataset(listing.root, table, tuple(frames), "nnunet_raw", tuple(notes))


@dataclass(frozen=True)
class _Found:
    stem: str
    channels: tuple[Path, ...]
    labels: Path
    subset: str


def _frames(
    found: _Found, axis: int, mapping: Mapping[int, int], problems: list[Problem], *, is_volume: bool
) -> Iterator[Frame]:
    columns = part_column(found.subset)
    if not is_volume:
        image = ImageFile(found.channels[0]) if len(found.channels) == 1 else StackedFiles(found.channels)
        yield Frame(found.stem, image, IndexMask(found.labels, mapping), {"case": found.stem, **columns})
        return
    case = Case(found.stem, tuple(NiftiFile(path) for path in found.channels), NiftiFile(found.labels))
    try:
        wrong = list(misfits(case))
    except DataError as error:
        wrong = list(error.problems)
    problems.extend(wrong)
    for frame in () if wrong else frames_of(case, axis, mapping):
        yield Frame(frame.stem, frame.image, frame.mask, {**frame.columns, **columns})


@dataclass(frozen=True)
class StackedFiles:
    """A picture whose bands are grey files of their own."""

    paths: tuple[Path, ...]

    def __str__(self) -> str:
        return str(self.paths[0])

    @property
    def name(self) -> str:
        """The first file's name."""
        return self.paths[0].name

    @property
    def path(self) -> None:
        """No file holds the whole picture."""
        return

    @property
    def digest(self) -> str:
        """A hash of all files."""
        return hashlib.sha256("".join(ImageFile(path).digest for path in self.paths).encode()).hexdigest()

    def file_bytes(self) -> None:
        """None: these pixels are no image file of their own."""
        return

    def read(self) -> tuple[Image, FrameShape]:
        """The files as bands of one picture; they must have one size and type."""
        sources: list[ImageSource] = [ImageFile(path) for path in self.paths]
        images = [source.read()[0].pixels for source in sources]
        if len({(one.shape, one.dtype) for one in images}) > 1:
            found = ", ".join(f"{one.shape[1]}x{one.shape[0]} {one.dtype}" for one in images)
            fix = "export all channels on one grid"
            rule = "has channels of several sizes or types"
            raise DataError.of(str(self), rule, allowed="one size and type", found=found, fix=fix)
        pixels = np.dstack(images)
        image = Image(adopt(pixels), bands_of(pixels))
        return image, FrameShape(image.size)

    def shape(self) -> FrameShape:
        """The first file's size."""
        return ImageFile(self.paths[0]).shape()


def _load(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
        labels = data["labels"]
        sound = isinstance(labels, dict) and bool(labels)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        fix = "copy it again from the set"
        found = f"{type(error).__name__}: {error}"[:120]
        raise DataError.of(str(path), "is no dataset.json", allowed="JSON with labels", found=found, fix=fix) from error
    if sound and not any(isinstance(value, list) for value in labels.values()):
        return data
    raise DataError.of(
        str(path),
        "has labels that are no classes",
        allowed='"labels": {"background": 0, "tumour": 1, "ignore": 2}',
        found=str(labels)[:120],
        fix="regions overlap; name the classes they are made of instead, a number each",
    )


def _stems(said: object) -> dict[str, str]:
    """Case -> stem, where `write` noted that they differ."""
    named = said if isinstance(said, dict) else {}
    return {case: stem for case, stem in named.items() if isinstance(stem, str) and stem}


def _naming(
    data: Mapping[str, Any], given: ClassTable | None, options: Options, path: Path
) -> tuple[ClassTable, dict[int, int]]:
    """The class table, and the class id of each value."""
    pairs = [
        (str(value), str(name)) if str(name).isdigit() else (str(name), str(value))
        for name, value in data["labels"].items()
    ]
    wrong = [f"{name}: {number}" for name, number in pairs if not number.isdigit() or int(number) > 65534]
    if wrong:
        fix = "number them 0, 1, 2, ..."
        raise DataError.of(str(path), "has labels without a number", allowed="0-65534", found=few(wrong), fix=fix)
    labels: dict[str, int | None] = {name: int(number) for name, number in pairs}
    if given is not None and given.background is None:  # background is what nobody painted: void in such a table
        labels.pop("background", None)
    naming = name_classes(labels, given, options, str(path))
    raise_collected(naming.problems, ConfigError)
    mapping = {int(number): naming.ids[name] for name, number in pairs if name in naming.ids}
    return naming.classes, {0: naming.classes.unpainted_id, **mapping}


def _ending(listing: Listing) -> str:
    """Decathlon sets do not say it: the ending of the first label."""
    labels = [PurePosixPath(name).name for name in listing.files if name.startswith("labelsTr/")]
    return "." + labels[0].partition(".")[2] if labels else ".nii.gz"


def _files(listing: Listing, folder: str, ending: str) -> dict[str, str]:
    """Case -> file."""
    names = (name for name in listing.files if name.startswith(f"{folder}/") and name.endswith(ending))
    return {name.removeprefix(f"{folder}/").removesuffix(ending): name for name in names}


def _channels(listing: Listing, folder: str, ending: str) -> dict[str, dict[int, str]]:
    """Case -> channel -> file; Decathlon sets have one file of all channels, without a number."""
    found: dict[str, dict[int, str]] = {}
    for bare, name in _files(listing, folder, ending).items():
        match = _CHANNEL.match(bare)
        case, channel = (match["case"], int(match["channel"])) if match else (bare, 0)
        found.setdefault(case, {})[channel] = name
    return found


def _missing(case: str, channels: Mapping[int, str], data: Mapping[str, Any]) -> Iterator[Problem]:
    named = data.get("channel_names")
    expected = len(named) if isinstance(named, dict) else None
    several = expected is not None and len(channels) not in (1, expected)
    if sorted(channels) != list(range(len(channels))) or several:
        found = ", ".join(f"_{channel:04d}" for channel in sorted(channels))
        allowed = f"_0000 to _{(expected or max(channels) + 1) - 1:04d}"
        yield Problem(f"imagesTr/{case}", "lacks channels", allowed, found, "copy the missing channels there")


NNUNET_RAW = Format(
    recognise,
    read,
    {"axis": AXIS_HELP, "map": "labels to rename: [tumour core=tumour]"},
    write,
    frozenset({"void"}),
)
