"""What long work says while it runs. The library emits these; faces draw them, stream them or print them as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` units of a stage are finished; `detail` is a short text such as the loss."""

    stage: str
    done: int
    total: int
    unit: str = "frames"
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth reading once: a choice that was made, a frame that was left out, a class that collapsed."""

    stage: str
    text: str
    level: str = "info"  # info | warning


@dataclass(frozen=True, slots=True)
class Measured:
    """Numbers known at one moment of a stage, such as a validation round; None is an absent class."""

    stage: str
    step: int
    values: Mapping[str, float | None] = field(default_factory=dict)


Event = Progress | Note | Measured
Listener = Callable[[Event], None]


def silent(event: Event) -> None:
    """The listener that drops everything."""


def tracked(items: Iterable[Item], listener: Listener, stage: str, total: int, unit: str = "frames") -> Iterator[Item]:
    """Yield `items`, saying how many of `total` are done after each."""
    listener(Progress(stage, 0, total, unit))
    for done, item in enumerate(items, start=1):
        yield item
        listener(Progress(stage, done, total, unit))
