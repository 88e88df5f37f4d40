"""The class table: what the ids in a mask mean."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Literal

import numpy as np

from segwright.core.errors import ConfigError, Problem

Kind = Literal["stuff", "thing"]
DEFAULT_VOID_ID = 255
WIDE_VOID_ID = 65535
SHOWN = 3

# Okabe & Ito (2008), "Color Universal Design": told apart with the common colour-vision deficiencies.
# Background is drawn black and is not in the cycle.
_COLOURS = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167),
    (153, 153, 153), (148, 103, 189), (140, 86, 75), (188, 189, 34), (23, 190, 207), (255, 127, 80), (60, 179, 113),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ClassSpec:
    """One class: the id masks hold, the name people read, whether it is countable, and its display colour (RGB)."""

    class_id: int
    name: str
    kind: Kind = "stuff"
    colour: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class ClassTable:
    """All classes of a project, ordered by id; the position in this order is the network's `channel`.

    `void_id` is never a class. `background` names the class a pixel falls back to when nothing else is sure
    enough (and which is left out of "defect" and "foreground" sums); None where every class is of equal standing.
    """

    classes: tuple[ClassSpec, ...]
    void_id: int = DEFAULT_VOID_ID
    background: str | None = None
    _by_name: dict[str, ClassSpec] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.classes, key=lambda spec: spec.class_id))
        object.__setattr__(self, "classes", ordered)
        object.__setattr__(self, "_by_name", {spec.name: spec for spec in ordered})
        problems = problems_of(ordered, self.void_id, self.background)
        if problems:
            raise ConfigError(*problems)

    @staticmethod
    def of(names: Iterable[str], *, void_id: int = DEFAULT_VOID_ID, background: str | None = None) -> ClassTable:
        """A table that gives `names` the ids 0, 1, 2, ... A first class called "background" becomes the background."""
        specs = tuple(ClassSpec(index, name) for index, name in enumerate(names))
        if background is None and specs and specs[0].name == "background":
            background = "background"
        return ClassTable(specs, void_id, background)

    def __len__(self) -> int:
        return len(self.classes)

    def __iter__(self) -> Iterator[ClassSpec]:
        return iter(self.classes)

    def __getitem__(self, name: str) -> ClassSpec:
        try:
            return self._by_name[name]
        except KeyError:
            close = get_close_matches(name, self.names, n=1)
            fix = f"did you mean '{close[0]}'?" if close else "name one of the table's classes"
            raise ConfigError.of(
                f"class '{name}'", "is not in the class table", allowed=", ".join(self.names), found=name, fix=fix
            ) from None

    @property
    def names(self) -> tuple[str, ...]:
        """The classes' names in channel order."""
        return tuple(spec.name for spec in self.classes)

    @property
    def ids(self) -> tuple[int, ...]:
        """The classes' ids in channel order, ascending; void is not among them."""
        return tuple(spec.class_id for spec in self.classes)

    @property
    def background_id(self) -> int | None:
        """The class id of `background`, or None."""
        return None if self.background is None else self[self.background].class_id

    @property
    def unpainted_id(self) -> int:
        """What a pixel is that nobody painted: the background, or void where the table has none."""
        return self.void_id if self.background_id is None else self.background_id

    @property
    def id_type(self) -> type[np.unsignedinteger]:
        """The smallest unsigned type that holds every id, void included: uint8 or uint16."""
        return np.uint8 if max(*self.ids, self.void_id) <= 255 else np.uint16

    @property
    def foreground(self) -> tuple[ClassSpec, ...]:
        """Every class but the background."""
        return tuple(spec for spec in self.classes if spec.name != self.background)

    def channel(self, name: str) -> int:
        """The network output channel of the class called `name`."""
        return self.names.index(self[name].name)

    def name(self, class_id: int) -> str:
        """The name of the class with this id.

        Raises:
            ConfigError: no class has this id; void has no name.
        """
        for spec in self.classes:
            if spec.class_id == class_id:
                return spec.name
        fix = "map it to a class, or to void"
        raise ConfigError.of(
            f"class id {class_id}", "is not a class", allowed=self.describe(), found=str(class_id), fix=fix
        )

    def colour(self, class_id: int) -> tuple[int, int, int]:
        """The class's display colour (RGB): its own, black for background, else from a colour-blind-safe cycle.

        Raises:
            ConfigError: no class has this id (void has no colour of its own).
        """
        spec = next((spec for spec in self.classes if spec.class_id == class_id), None)
        if spec is None:
            raise ConfigError.of(
                f"class id {class_id}", "is not a class", allowed=self.describe(), found=str(class_id),
                fix="give void and unknown ids a colour of your own",
            )  # fmt: skip
        if spec.colour is not None:
            return spec.colour
        if spec.name == self.background:
            return (0, 0, 0)
        return _COLOURS[self.foreground.index(spec) % len(_COLOURS)]

    def describe(self) -> str:
        """One line for messages: `0 background, 1 scratch, 255 void`."""
        return ", ".join([*(f"{spec.class_id} {spec.name}" for spec in self.classes), f"{self.void_id} void"])

    def to_json(self) -> dict[str, object]:
        """The table as plain values, colours included."""
        return {
            "classes": [
                {
                    "id": spec.class_id,
                    "name": spec.name,
                    "kind": spec.kind,
                    "colour": None if spec.colour is None else list(spec.colour),
                }
                for spec in self.classes
            ],
            "void_id": self.void_id,
            "background": self.background,
        }

    @staticmethod
    def from_json(data: dict) -> ClassTable:
        """The table that `to_json` gave; a missing kind is stuff, a missing void id 255."""
        specs = tuple(
            ClassSpec(
                row["id"], row["name"], row.get("kind", "stuff"), tuple(row["colour"]) if row.get("colour") else None
            )
            for row in data["classes"]
        )
        return ClassTable(specs, data.get("void_id", DEFAULT_VOID_ID), data.get("background"))

    @property
    def content_hash(self) -> str:
        """A hash of ids, names, kinds, void and background (colours are display only): equal tables, equal hash."""
        meaning = [[spec.class_id, spec.name, spec.kind] for spec in self.classes]
        text = json.dumps([meaning, self.void_id, self.background], ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def problems_of(classes: Sequence[ClassSpec], void_id: int, background: str | None) -> list[Problem]:
    """Everything that keeps these from being a class table; the place of each problem begins with `class table`."""
    place, names = "class table", [spec.name for spec in classes]
    problems = [*_twice(place, classes)]
    if not classes:
        problems.append(Problem(place, "has no classes", "at least one class", "none", "name one: `0 background`"))
    if void_id not in (*range(256), WIDE_VOID_ID):
        allowed = f"0-255, or {WIDE_VOID_ID} for 16-bit masks"
        problems.append(Problem(place, "has an impossible void id", allowed, str(void_id), "set void to 255"))
    problems += _collected(_class_problems(spec, void_id) for spec in classes)
    if background is not None and background not in names:
        fix = "name one of the classes, or leave the background out"
        problems.append(Problem(place, "names a background that is not a class", ", ".join(names), background, fix))
    return problems


def _twice(place: str, classes: Sequence[ClassSpec]) -> Iterator[Problem]:
    """Ids that two classes have, and names that two ids have, each with all its claimants."""
    for what, other, pairs in (
        ("id", "name", [(spec.class_id, spec.name) for spec in classes]),
        ("name", "id", [(spec.name, spec.class_id) for spec in classes]),
    ):
        claims: dict[object, list[str]] = {}
        for key, value in pairs:
            claims.setdefault(key, []).append(str(value))
        twice = [f"{key}: {', '.join(values)}" for key, values in claims.items() if len(values) > 1]
        if twice:
            fix = f"give each {other} a {what} of its own" if what == "id" else "rename one of them, or remove it"
            yield Problem(place, f"uses one {what} for two classes", f"each {what} once", "; ".join(twice), fix)


def _collected(problems: Iterable[Iterable[Problem]]) -> Iterator[Problem]:
    """One problem a rule: 300 classes that break the same one are told once, the first of them by name."""
    by_rule: dict[tuple[str, str, str], list[Problem]] = {}
    for problem in (each for found in problems for each in found):
        by_rule.setdefault((problem.rule, problem.allowed, problem.fix), []).append(problem)
    for found in by_rule.values():
        first, more = found[0], len(found) - SHOWN
        places = ", ".join(problem.place.removeprefix("class table: ") for problem in found[:SHOWN])
        values = ", ".join(problem.found for problem in found[:SHOWN])
        place = f"class table: {places}" + (f" and {more} more" if more > 0 else "")
        yield replace(first, place=place, found=values + (f" and {more} more" if more > 0 else ""))


def _class_problems(spec: ClassSpec, void_id: int) -> Iterator[Problem]:
    place = f"class table: '{spec.name}'"
    limit = WIDE_VOID_ID if void_id == WIDE_VOID_ID else 255
    if not 0 <= spec.class_id <= limit:
        fix = "give it the id the masks hold" + (
            "" if limit > 255 else f"; for 16-bit masks set void to {WIDE_VOID_ID}"
        )
        yield Problem(place, "has an id outside the mask's range", f"0-{limit}", str(spec.class_id), fix)
    if spec.class_id == void_id:
        fix = "choose another void_id, or leave the class out: void is what nobody is asked to get right"
        yield Problem(place, "has the void id", f"any id but {void_id}", str(spec.class_id), fix)
    if spec.kind not in ("stuff", "thing"):
        fix = "thing for objects that are counted, else stuff"
        yield Problem(place, "has an unknown kind", "stuff, thing", str(spec.kind), fix)
    if not spec.name or spec.name == "void":
        fix = "give it a name; void is no class, only an id: void_id"
        yield Problem(place, "has no usable name", "any text but 'void'", repr(spec.name), fix)
