"""The `Evaluation`: scores with everything needed to believe them, as a value and as `evaluation.json`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol, TypeVar

from segwright._version import __version__
from segwright.core import ArtefactError, ClassTable
from segwright.evaluate.reliability import Reliability
from segwright.evaluate.rows import Streamed, write_json
from segwright.evaluate.scores import Score, Scores

SCHEMA_VERSION = 1
Value = TypeVar("Value")

# Below a tenth of overlap a class is not found, it is hit by chance: a mask of the right size dropped beside a blob and
# touching a fifth of it already scores 0.11. Nobody can act on such a class; it is listed whatever the mean is.
COLLAPSED_IOU = 0.1

# A class may collapse in every value of every column; a line lists the worst, the table by domain has them all.
MAX_DOMAINS_SHOWN = 3


@dataclass(frozen=True)
class FrameRow:
    """One frame's part: per-class IoU and boundary F of this image alone, and the counts they come from.

    `correct_px`, `truth_px`, `predicted_px` are in the order of the class table; None is an absent class.
    """

    stem: str
    columns: Mapping[str, str]
    image_miou: Score
    image_miou_foreground: Score
    iou: Mapping[str, Score]
    boundary_f: Mapping[str, Mapping[str, Score]]
    correct_px: tuple[int, ...]
    truth_px: tuple[int, ...]
    predicted_px: tuple[int, ...]
    void_px: int

    @property
    def wrong_px(self) -> int:
        """Valid pixels without the right class."""
        return sum(self.truth_px) - sum(self.correct_px)


@dataclass(frozen=True)
class Collapsed:
    """A class of the truth with a pooled IoU below `COLLAPSED_IOU`, overall or in one domain (`column=value`)."""

    name: str
    domain: str | None
    iou: float
    pixels: int

    def __str__(self) -> str:
        where = f"{self.domain}: " if self.domain else ""
        return f"{where}IoU {self.iou:.3f} on {self.pixels:,} true pixels"


def collapse_lines(rows: Iterable[Collapsed]) -> dict[str, str]:
    """Class -> one line: how far it collapsed overall, then its worst domains, the most pixels first among equals."""
    lines = {}
    for name, same in groupby(sorted(rows, key=lambda row: row.name), key=lambda row: row.name):
        everywhere, domains = [], []
        for row in sorted(same, key=lambda row: (row.iou, -row.pixels)):
            (domains if row.domain else everywhere).append(str(row))
        shown = domains[:MAX_DOMAINS_SHOWN]
        if len(domains) > len(shown):
            shown.append(f"and {len(domains) - len(shown)} other domains")
        place = [f"where {'; '.join(shown)}"] if shown else []
        lines[name] = f"collapsed{':' if everywhere else ''} {'; '.join([*everywhere, *place])}"
    return lines


@dataclass(frozen=True)
class Evaluation:
    """Scores of `images` frames, by class and by domain, with the confusion, frames and definitions behind them.

    `confusion` has a row a true class and a column a predicted class, in the order of `class_table`, then a column of
    undecided pixels. `by_domain` is column -> value -> `Scores`. `provenance` says what was scored: dataset and its
    hash, split part, seed, model, as far as the caller knew. `details` holds what further families say beyond scores,
    as plain values. Absent is None.
    """

    class_table: ClassTable
    images: int
    void_fraction: float
    scores: Mapping[str, Score]
    classes: Mapping[str, Mapping[str, Score]]
    by_domain: Mapping[str, Mapping[str, Scores]]
    confusion: tuple[tuple[int, ...], ...]
    definitions: Mapping[str, str]
    frames: Sequence[FrameRow] = ()
    collapsed: tuple[Collapsed, ...] = ()
    reliability: Reliability | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    task: str = "semantic"
    details: Mapping[str, Any] = field(default_factory=dict)

    def worst_frames(self, count: int) -> tuple[FrameRow, ...]:
        """The `count` frames with errors and the lowest foreground mean IoU; among equals, most wrong pixels first."""

        def key(row: FrameRow) -> tuple[float, int, str]:
            score = row.image_miou if row.image_miou_foreground is None else row.image_miou_foreground
            return (1.0 if score is None else score, -row.wrong_px, row.stem)

        return tuple(nsmallest(count, (row for row in self.frames if row.wrong_px), key=key))

    def to_json(self) -> dict[str, Any]:
        """The content of `evaluation.json`."""
        return {**self._content(), "frames": [_frame_json(row) for row in self.frames]}

    def to_stream(self) -> dict[str, Any]:
        """What `to_json` gives, to be written at once: the plain values of a frame are made when its turn comes."""
        return {**self._content(), "frames": Streamed(_frame_json, self.frames)}

    def _content(self) -> dict[str, Any]:
        """The content but for the frames."""
        collapsed = [
            {"class": row.name, "domain": row.domain, "iou": row.iou, "pixels": row.pixels} for row in self.collapsed
        ]
        confusion = {
            "rows": list(self.class_table.names),
            "columns": [*self.class_table.names, "undecided"],
            "pixels": [list(row) for row in self.confusion],
        }
        return {
            **common_content(self),
            "collapsed": collapsed,
            "confusion": confusion,
            "reliability": None if self.reliability is None else self.reliability.to_json(),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Evaluation:
        """The value that `to_json` wrote.

        Raises:
            ArtefactError: another schema version, or a field is missing.
        """
        return read_as(_from_json, data, ("semantic", "volume"))

    def write(self, path: Path) -> None:
        """Write `evaluation.json` at `path`: to a temporary name, then one rename."""
        write_json(path, self.to_stream())

    @staticmethod
    def read(path: Path) -> Evaluation:
        """The evaluation at `path`.

        Raises:
            ArtefactError: there is none, it is not JSON, or it is not an evaluation.
        """
        return Evaluation.from_json(content_of(path))


class _Written(Protocol):
    """What an evaluation of any task writes."""

    @property
    def task(self) -> str: ...
    @property
    def images(self) -> int: ...
    @property
    def void_fraction(self) -> float | None: ...
    @property
    def scores(self) -> Mapping[str, Score]: ...
    @property
    def classes(self) -> Mapping[str, Mapping[str, Score]]: ...
    @property
    def by_domain(self) -> Mapping[str, Mapping[str, Scores]]: ...
    @property
    def definitions(self) -> Mapping[str, str]: ...
    @property
    def details(self) -> Mapping[str, Any]: ...
    @property
    def provenance(self) -> Mapping[str, Any]: ...
    @property
    def notes(self) -> tuple[str, ...]: ...
    @property
    def class_table(self) -> ClassTable: ...


def common_content(evaluation: _Written) -> dict[str, Any]:
    """The fields that `evaluation.json` has for every task."""
    return {
        "schema_version": SCHEMA_VERSION,
        "segwright_version": __version__,
        "task": evaluation.task,
        "images": evaluation.images,
        "void_fraction": evaluation.void_fraction,
        "scores": dict(evaluation.scores),
        "classes": {name: dict(row) for name, row in evaluation.classes.items()},
        "by_domain": {
            column: {value: scores.to_json() for value, scores in values.items()}
            for column, values in evaluation.by_domain.items()
        },
        "definitions": dict(evaluation.definitions),
        "details": dict(evaluation.details),
        "provenance": dict(evaluation.provenance),
        "notes": list(evaluation.notes),
        "class_table": evaluation.class_table.to_json(),
    }


def content_of(path: Path) -> dict[str, Any]:
    """What an `evaluation.json` of any task holds.

    Raises:
        ArtefactError: there is none at `path`, or it is not a JSON object.
    """
    fix = "name an evaluation.json that `segwright evaluate --json FILE` wrote"
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ArtefactError.of(str(path), "does not exist", allowed="an evaluation.json", fix=fix) from error
    except (OSError, ValueError) as error:
        raise ArtefactError.of(str(path), f"is not a readable evaluation: {error}", fix=fix) from error
    if not isinstance(data, dict):
        found = type(data).__name__
        raise ArtefactError.of(str(path), "is not an evaluation", allowed="a JSON object", found=found, fix=fix)
    return data


def read_as(build: Callable[[Mapping[str, Any]], Value], data: Mapping[str, Any], tasks: Sequence[str]) -> Value:
    """What `build` makes of the content of an `evaluation.json` of one of `tasks`.

    Raises:
        ArtefactError: another schema version or task, or a field is missing.
    """
    place = "evaluation.json"
    if data.get("schema_version") != SCHEMA_VERSION:
        found, fix = str(data.get("schema_version")), "evaluate again with this version of segwright"
        raise ArtefactError.of(place, "is of another schema version", allowed=str(SCHEMA_VERSION), found=found, fix=fix)
    if data.get("task") not in tasks:
        found, fix = str(data.get("task")), "name an evaluation of the same task (--task)"
        raise ArtefactError.of(place, "is of another task", allowed=", ".join(tasks), found=found, fix=fix)
    try:
        return build(data)
    except (KeyError, TypeError, AttributeError) as error:
        fix = "evaluate again; the file was edited or cut short"
        raise ArtefactError.of(place, f"lacks or garbles a field: {error!r}", fix=fix) from error


def _frame_json(row: FrameRow) -> dict[str, Any]:
    fields = {name: getattr(row, name) for name in row.__dataclass_fields__}
    return {name: _plain(value) for name, value in fields.items()}


def _plain(value: Any) -> Any:
    """Lists and dicts in the place of tuples and mappings."""
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    return list(value) if isinstance(value, tuple) else value


def domains_of(data: Mapping[str, Any]) -> dict[str, dict[str, Scores]]:
    """`by_domain` as `to_json` wrote it: column -> value -> scores."""

    def scores(row: Mapping[str, Any]) -> Scores:
        overall = {name: value for name, value in row.items() if name not in ("images", "classes")}
        return Scores(row["images"], overall, row["classes"])

    return {column: {value: scores(row) for value, row in values.items()} for column, values in data.items()}


def _from_json(data: Mapping[str, Any]) -> Evaluation:
    def frame(row: Mapping[str, Any]) -> FrameRow:
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in row.items()
        }
        return FrameRow(**fields)

    return Evaluation(
        class_table=ClassTable.from_json(data["class_table"]),
        images=data["images"],
        void_fraction=data["void_fraction"],
        scores=data["scores"],
        classes=data["classes"],
        by_domain=domains_of(data["by_domain"]),
        confusion=tuple(tuple(row) for row in data["confusion"]["pixels"]),
        definitions=data["definitions"],
        frames=tuple(frame(row) for row in data["frames"]),
        collapsed=tuple(Collapsed(row["class"], row["domain"], row["iou"], row["pixels"]) for row in data["collapsed"]),
        reliability=None if data["reliability"] is None else Reliability.from_json(data["reliability"]),
        provenance=data["provenance"],
        notes=tuple(data["notes"]),
        task=data["task"],
        details=data.get("details", {}),
    )
