"""The dataset YAML of Ultralytics YOLO: class names, and which images belong to which part.

Paths in it are of the machine it was written on, as often as not; here the folders of the listing are matched by their
last components, so that no path leads out of the dataset.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from segwright.core import DataError, Problem, few, raise_collected
from segwright.data.formats.reading_shapes import shown
from segwright.data.listing import Listing, stem_of

PARTS = {"train": "train", "val": "validation", "calibration": "calibration", "test": "test"}  # key -> part
_LARGEST_BYTES = 4_000_000  # no dataset YAML is that long; lists of images are files of their own


@dataclass(frozen=True)
class YoloSet:
    """What a dataset YAML says: its listed name, class names by index, image -> part, and notes."""

    place: str
    names: Mapping[int, str]
    parts: Mapping[str, str]
    settings: Mapping[str, Any]
    notes: tuple[str, ...]


def yaml_files(listing: Listing) -> list[str]:
    """The listed YAML files that name classes and the images of a part."""
    found = (name for name in listing.files if name.lower().endswith((".yaml", ".yml")) and name.count("/") <= 1)
    return [name for name in found if _settings(listing.path(name)) is not None]


def settings_of(path: Path) -> dict[str, Any]:
    """The values of a dataset YAML; empty where it is none."""
    return _settings(path) or {}


def _settings(path: Path) -> dict[str, Any] | None:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            return None
        data = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError, ValueError):
        return None
    if not isinstance(data, dict) or not isinstance(data.get("names"), dict | list):
        return None
    return data if any(isinstance(data.get(part), str | list) for part in PARTS) else None


def read_yaml(listing: Listing, name: str) -> YoloSet:
    """What the dataset YAML `name` says.

    Raises:
        DataError: names that contradict each other, or no image of any part; all findings at once.
    """
    settings = settings_of(listing.path(name))
    problems: list[Problem] = []
    names = _names(settings, name, problems)
    parts: dict[str, str] = {}
    notes: list[str] = []
    for part in PARTS:
        values = settings.get(part)
        for value in values if isinstance(values, list) else [values] if isinstance(values, str) else []:
            images = list(_images(listing, name, str(value)))
            if not images:
                notes.append(f"{name}: {part}: {value} is not there, or holds no image")
            twice = [image for image in images if parts.get(image, PARTS[part]) != PARTS[part]]
            if twice:
                notes.append(f"{name}: {len(twice)} images of {part} are of an earlier part too: {few(twice)}")
            parts = {**dict.fromkeys(images, PARTS[part]), **parts}
    if not parts:
        fix = "put the images where `train:` says, or correct the file"
        problems.append(Problem(name, "names no image that is there", "folders below the root", few(notes), fix))
    raise_collected(problems)
    return YoloSet(name, names, parts, settings, tuple(notes))


def _names(settings: Mapping[str, Any], place: str, problems: list[Problem]) -> dict[int, str]:
    given = settings["names"]
    rows = given.items() if isinstance(given, dict) else enumerate(given)
    names = {index: str(name) for index, name in rows if isinstance(index, int) and 0 <= index < 65535}
    twice = sorted({name for name in names.values() if list(names.values()).count(name) > 1})
    fix = "write each name once, as `0: scratch`"
    if len(names) < len(given) or twice:
        found = few(twice) or shown(given)
        problems.append(Problem(f"{place}: names", "is no list of classes", "each name once, by index", found, fix))
    if isinstance(settings.get("nc"), int) and settings["nc"] != len(given):
        found = f"nc {settings['nc']}, {len(given)} names"
        problems.append(Problem(f"{place}: nc", "is not the number of names", str(len(given)), found, "correct it"))
    return names


def _images(listing: Listing, yaml_name: str, value: str) -> Iterator[str]:
    """The listed images of a folder, or of a text file of image paths."""
    root = PurePosixPath(yaml_name).parent
    wanted = unicodedata.normalize("NFC", value.replace("\\", "/"))
    if wanted.lower().endswith(".txt"):
        text = _ending(listing.files, root, wanted)
        if text is None:
            return
        lines = _lines(listing.path(text))
        for line in lines:
            image = _ending(listing.images, PurePosixPath(text).parent, line)
            if image is not None:
                yield image
        return
    folder = _ending(_folders(listing), root, wanted.rstrip("/"))
    if folder is not None:
        inside = "" if folder == "." else f"{folder}/"
        yield from (name for name in listing.images if name.startswith(inside))


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        fix = "save it as UTF-8, one path a line"
        raise DataError.of(str(path), "is no list of images", found=str(error), fix=fix) from error
    lines = (unicodedata.normalize("NFC", line.strip().replace("\\", "/")) for line in text.splitlines())
    return [line for line in lines if line]


def _folders(listing: Listing) -> list[str]:
    folders = {str(parent) for name in listing.images for parent in PurePosixPath(name).parents}
    return sorted(folders | {"."})


def _ending(names: Sequence[str], root: PurePosixPath, wanted: str) -> str | None:
    """The name that `wanted` means: below `root`, below the top, or the only one that ends as it does."""
    known = {unicodedata.normalize("NFC", name): name for name in names}
    parts = [part for part in PurePosixPath(wanted).parts if part not in ("..", ".", "/")]
    for start in range(len(parts) + (not parts)):
        ending = PurePosixPath(*parts[start:])
        for candidate in (str(root / ending), str(ending)):
            if candidate in known:
                return known[candidate]
    return None


def stem_without(name: str, folder: str) -> str:
    """A path without its suffix, and without the last of its folders that is called `folder`."""
    parts = list(PurePosixPath(stem_of(name)).parts)
    places = [at for at, part in enumerate(parts[:-1]) if part == folder]
    if places:
        del parts[places[-1]]
    return "/".join(parts)


def beside(name: str, folder: str, other: str, suffix: str) -> str:
    """Where Ultralytics looks for what belongs to an image: the last folder called `folder` replaced by `other`."""
    path = PurePosixPath(name)
    parts = list(path.with_suffix(suffix).parts)
    places = [at for at, part in enumerate(parts[:-1]) if part == folder]
    if places:
        parts[places[-1]] = other
    return "/".join(parts)
