"""Which pixels of a frame are the part. Defect areas are judged as a share of it, never of the frame with its belt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, ConfigError, Image, LabelMap
from segwright.line.background import PartFromBackground

Mask = npt.NDArray[np.bool_]


class PartSource(Protocol):
    """True on the part (height, width), False on the belt, in holes, and everywhere where no part was found."""

    @property
    def name(self) -> str:
        """What tells this source from another, for records and messages."""
        ...

    def __call__(self, image: Image, labels: LabelMap, /) -> Mask: ...


@dataclass(frozen=True)
class WholeFrame:
    """The frame shows nothing but the part."""

    name = "frame"

    def __call__(self, _image: Image, labels: LabelMap, /) -> Mask:
        return np.ones(labels.ids.shape, bool)


@dataclass(frozen=True)
class PartFromClasses:
    """The part is what the network calls one of `names`: the bare part's class and the defects on it."""

    names: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"classes {', '.join(self.names)}"

    def __call__(self, _image: Image, labels: LabelMap, /) -> Mask:
        return labels.mask(*self.names)


def part_source(setting: str | list[str] | tuple[str, ...], classes: ClassTable) -> PartSource:
    """The source that a project file's `alerts.part` names: `background`, `frame`, or a list of class names.

    Raises:
        ConfigError: another word, an empty list, or a class that is not in the table.
    """
    if setting == "frame":
        return WholeFrame()
    if setting == "background":
        return PartFromBackground()
    names = [] if isinstance(setting, str) else list(setting)
    foreign = [name for name in names if name not in classes.names]
    if foreign or not names:
        raise ConfigError.of(
            "alerts.part",
            "does not say where the part is",
            allowed=f"frame, background, or a list of classes from: {', '.join(classes.names)}",
            found=", ".join(foreign) or str(setting) or "nothing",
            fix="correct `alerts.part` in segwright.yaml and export again: the bundle carries it",
        )
    return PartFromClasses(tuple(names))


def part_setting(alerts: Mapping[str, Any] | None) -> str | list[str]:
    """`alerts.part` of a bundle; the whole frame where it says nothing."""
    return (alerts or {}).get("part", "frame")
