"""What a dataset format is: a way to recognise its folder and a way to read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from segwright.core import ClassTable, ConfigError, Listener
from segwright.data.codecs import MaskOrientation
from segwright.data.dataset import Dataset
from segwright.data.listing import Listing

Options = Mapping[str, Any]

# What labels may hold beyond a class id for each pixel; what of it a format carries is in `Format.carries`.
Carried = Literal[
    "void", "objects", "overlap", "crowd", "painted_crowd", "segments", "outlines", "holes", "strokes", "attributes",
    "borders", "unlabelled",
]  # fmt: skip
# Gives how often something was lost that the format carries in general, but not in these data; None where nothing was.
Writer = Callable[[Dataset, Path, Options, Listener], Mapping[Carried, int] | None]


@dataclass(frozen=True)
class Format:
    """`recognise` gives the reason why a folder is of this format, or None; `read` makes a dataset of it.

    `options` names every setting `read` knows, with one sentence each. `write` puts a dataset into a new, empty folder,
    so that `read` gives it back but for what is not in `carries`; None where the format is only read. `write_options`
    names its settings. A writer is called by `export_dataset`, which makes the folder whole or not at all, says what is
    lost, and adds the class table and the columns.
    """

    recognise: Callable[[Listing], str | None]
    read: Callable[[Listing, ClassTable | None, Options], Dataset]
    options: Mapping[str, str]
    write: Writer | None = None
    carries: frozenset[Carried] = frozenset()
    write_options: Mapping[str, str] = field(default_factory=dict)


def renamings(value: object) -> dict[str, str]:
    """`map: [7=void, 9=scratch]`, `map: "7=void"` or a mapping, as what is found -> what it becomes.

    Raises:
        ConfigError: an entry without `=`.
    """
    if isinstance(value, Mapping):
        return {str(found): str(becomes) for found, becomes in value.items()}
    entries = value.split(",") if isinstance(value, str) else list(value or ())  # type: ignore[call-overload]
    wrong = [str(entry) for entry in entries if "=" not in str(entry)]
    if wrong:
        raise ConfigError.of(
            "options: map",
            "has an entry without '='",
            allowed="[7=void, 9=scratch]",
            found=", ".join(wrong),
            fix="write what is found, then what it becomes: map: [7=void]",
        )
    pairs = (str(entry).rpartition("=") for entry in entries)
    return {found.strip(): becomes.strip() for found, _, becomes in pairs}


def id_of(name: str, classes: ClassTable) -> int:
    """The id that masks hold for a class name, for "void", or for an id written as a number.

    Raises:
        ConfigError: neither.
    """
    if name == "void" or name == str(classes.void_id):
        return classes.void_id
    return int(name) if name.isdigit() and int(name) in classes.ids else classes[name].class_id


def orientation_of(options: Options, default: MaskOrientation = "auto") -> MaskOrientation:
    """The option `mask_orientation`.

    Raises:
        ConfigError: another value than auto, upright or stored.
    """
    value = options.get("mask_orientation", default)
    if value not in ("auto", "upright", "stored"):
        raise ConfigError.of(
            "options: mask_orientation",
            "has an unknown value",
            allowed="auto, upright, stored",
            found=str(value),
            fix="leave it out: auto tells upright from stored wherever the size does",
        )
    return value


def cut_of(options: Options, default: int = 128) -> int:
    """The option `cut`: the grey level, on the scale of 8 bits, from which a mask pixel is painted.

    Raises:
        ConfigError: not a whole number 1-255.
    """
    value = options.get("cut", default)
    if not isinstance(value, int) or not 1 <= value <= 255:
        raise ConfigError.of(
            "options: cut",
            "is no grey level",
            allowed="a whole number 1-255",
            found=str(value),
            fix="leave it out for 128",
        )
    return value
