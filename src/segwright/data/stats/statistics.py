"""`statistics`: one pass over the frames of a dataset, counted by class, by picture and by domain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, ConfigError, DataError, Listener, SegwrightError, raise_collected, silent
from segwright.core import tracked as told
from segwright.data.dataset import Dataset, Frame
from segwright.data.regions import measured_regions
from segwright.data.split import Split
from segwright.data.stats.counts import Counts, count_labels
from segwright.data.stats.image_numbers import (
    IMAGE_STATISTICS,
    FrameRow,
    RawNumbers,
    measure_image,
    scale_of,
    with_values,
)
from segwright.data.stats.samples import RegionSample, candidates, narrowed
from segwright.data.stats.shift import SHIFT, Shift, Sides, outliers, shifts
from segwright.data.workers import in_threads

PART = "part"
MOST_VALUES = 24
_FOLD = 32
_LOGARITHMIC = ("sharpness",)  # it varies by factors


@dataclass(frozen=True)
class DomainNumbers:
    """One value of a column: its counts, and the mean of each statistic of its pictures."""

    column: str
    value: str
    counts: Counts
    images: Mapping[str, float | None]


@dataclass(frozen=True)
class Statistics:
    """What the frames of a dataset hold; see `Counts`, `FrameRow` and `Shift`.

    `samples` holds, a class, the regions worth a picture. `outliers` are (statistic, stem, robust z-score). `white` is
    the raw value that is 255 on the scale of the pictures' numbers.
    """

    place: str
    format: str
    classes: ClassTable
    counts: Counts
    domains: tuple[DomainNumbers, ...]
    shifts: tuple[Shift, ...]
    rows: tuple[FrameRow, ...]
    outliers: tuple[tuple[str, str, float], ...]
    samples: tuple[tuple[RegionSample, ...], ...]
    white: float
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values: what the command answers with --json."""
        domains: dict[str, dict[str, Any]] = {}
        for row in self.domains:
            numbers = {**row.counts.to_json(self.classes), "images": dict(row.images)}
            domains.setdefault(row.column, {})[row.value] = numbers
        return {
            "schema": "segwright/statistics",
            "schema_version": 1,
            "data": self.place,
            "format": self.format,
            "class_table": self.classes.to_json(),
            **self.counts.to_json(self.classes),
            "images": {name: _spread(values) for name, values in self.image_values().items()},
            "by_domain": domains,
            "shifts": [row.to_json() for row in self.shifts],
            "outliers": [{"statistic": name, "stem": stem, "z": z} for name, stem, z in self.outliers],
            "frames_in_detail": [row.to_json() for row in self.rows],
            "notes": list(self.notes),
            "definitions": {**IMAGE_STATISTICS, "shift": SHIFT},
        }

    def image_values(self) -> dict[str, npt.NDArray[np.float64]]:
        """Each statistic of the pictures, a value a frame, NaN where a frame has none."""
        names = dict.fromkeys([*IMAGE_STATISTICS, *(name for row in self.rows for name in row.values)])
        return {name: _column(row.values.get(name) for row in self.rows) for name in names}


@dataclass(frozen=True)
class _Looked:
    """One frame's share: its row, its picture's raw numbers, its counts (None without labels), its samples."""

    row: FrameRow
    raw: RawNumbers | None
    counts: Counts | None
    samples: tuple[tuple[RegionSample, ...], ...]


@dataclass
class _Sums:
    """What has been counted so far; parts wait until there are some, as adding up sorts."""

    classes: int
    total: Counts
    waiting: list[Counts] = field(default_factory=list)

    def add(self, counts: Counts) -> None:
        self.waiting.append(counts)
        if len(self.waiting) >= _FOLD:
            self.fold()

    def fold(self) -> Counts:
        self.total, self.waiting = Counts.total([self.total, *self.waiting]), []
        return self.total


def statistics(
    dataset: Dataset, *, split: Split | None = None, by: Sequence[str] | None = None, listener: Listener = silent
) -> Statistics:
    """Count the frames of `dataset` in one pass: by class, by picture, and by each value of the columns `by`.

    Without `by` every column with 2 to 24 values is taken. With `split` its parts are the column `part`, and are
    compared with the training frames; other values are compared with all other frames. Frames without labels count
    among the pictures alone. Held in memory are the counts of each domain and a row of numbers a frame.

    Raises:
        DataError: no frames, frames that cannot be read, or pictures of different kinds; all at once.
        ConfigError: a column that no frame has.
    """
    if not dataset.frames:
        raise DataError.of(
            str(dataset.root), "has no frames to count", allowed="at least one", found="0",
            fix="name a folder with labelled frames",
        )  # fmt: skip
    columns, notes = _columns(dataset, split, by)
    sums: dict[tuple[str, str], _Sums] = {}
    looked: list[tuple[FrameRow, RawNumbers | None]] = []
    samples: list[list[RegionSample]] = [[] for _ in dataset.classes]
    for one in _look_at_all(dataset, split, listener):
        looked.append((one.row, one.raw))
        counts = one.counts or _unlabelled(len(dataset.classes))
        keys = [("", ""), *((name, one.row.columns[name]) for name in columns if name in one.row.columns)]
        for key in keys:
            sums.setdefault(key, _Sums(len(dataset.classes), Counts.nothing(len(dataset.classes)))).add(counts)
        for channel, found in enumerate(one.samples):
            samples[channel] = narrowed([*samples[channel], *found]) if found else samples[channel]
    _require_alike(dataset, looked)
    return _finished(dataset, columns, notes, sums, looked, samples)


def _finished(
    dataset: Dataset,
    columns: Sequence[str],
    notes: Sequence[str],
    sums: Mapping[tuple[str, str], _Sums],
    looked: Sequence[tuple[FrameRow, RawNumbers | None]],
    samples: Sequence[Sequence[RegionSample]],
) -> Statistics:
    """The counts turned into numbers that need all frames: the scale, the domains' means, shifts and outliers."""
    white = scale_of([raw for _, raw in looked if raw is not None])
    rows = tuple(with_values(row, raw, white) for row, raw in looked)
    domains = tuple(
        DomainNumbers(column, value, sums[column, value].fold(), _means(rows, column, value))
        for column in columns
        for value in sorted({found for name, found in sums if name == column})
    )
    return Statistics(
        place=str(dataset.root),
        format=dataset.format,
        classes=dataset.classes,
        counts=sums["", ""].fold(),
        domains=domains,
        shifts=tuple(_shifts(rows, dataset.classes, columns)),
        rows=rows,
        outliers=tuple(_outliers(rows)),
        samples=tuple(tuple(found) for found in samples),
        white=white,
        notes=(*dataset.notes, *notes, *_left_out(rows)),
    )


def _look_at_all(dataset: Dataset, split: Split | None, listener: Listener) -> Iterator[_Looked]:
    """Every frame's numbers, in order; what cannot be read is told at the end, all at once."""
    part_of = {} if split is None else {stem: part for part, stems in split.parts.items() for stem in stems}
    errors: list[SegwrightError] = []

    def look(frame: Frame) -> _Looked | SegwrightError:
        part = {PART: part_of[frame.stem]} if frame.stem in part_of else {}
        try:
            return _look(dataset, frame, {**frame.columns, **part})
        except SegwrightError as error:
            return error

    for answer in told(in_threads(look, dataset.frames), listener, "counting", len(dataset)):
        if isinstance(answer, SegwrightError):
            errors.append(answer)
        elif not errors:
            yield answer
    raise_collected(problem for error in errors for problem in error.problems)


def _look(dataset: Dataset, frame: Frame, columns: Mapping[str, str]) -> _Looked:
    if frame.mask is None:
        image = dataset.read_image(frame)
        valid = np.ones((image.size.height, image.size.width), bool)
        row = FrameRow(frame.stem, columns, image.size.height, image.size.width, {}, None)
        return _Looked(row, measure_image(image, valid), None, ())
    labelled = dataset.read(frame)
    labels, image = labelled.labels, labelled.image
    regions = [measured_regions(labels.ids == class_id) for class_id in dataset.classes.ids]
    counts = count_labels(labels, regions)
    shares = tuple(float(value) for value in counts.shares) if counts.pixels.any() else None
    row = FrameRow(frame.stem, columns, image.size.height, image.size.width, {}, shares)
    samples = tuple(tuple(candidates(frame.stem, channel, found)) for channel, found in enumerate(regions))
    return _Looked(row, measure_image(image, labels.valid), counts, samples)


def _unlabelled(classes: int) -> Counts:
    nothing = Counts.nothing(classes)
    return Counts(1, 0, 0, nothing.places, nothing.together, nothing.touching, nothing.regions)


def _columns(dataset: Dataset, split: Split | None, by: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """The columns to count by, and notes on those that were left out."""
    notes = []
    known = dataset.column_names
    unknown = [name for name in by or () if name not in known and not (name == PART and split)]
    if unknown:
        raise ConfigError.of(
            "--by", "names a column that no frame has", allowed=", ".join(known) or "none: the frames have no columns",
            found=", ".join(unknown), fix="--columns '(?P<line>[^_]+)_' makes one of the frames' names",
        )  # fmt: skip
    chosen = list(dict.fromkeys(by or ()))
    for name in () if by else known:
        values = len({frame.columns[name] for frame in dataset.frames if name in frame.columns})
        twin = next((other for other in chosen if _divide_alike(dataset, name, other)), None)
        if twin is not None:
            notes.append(f"column {name} divides the frames as {twin} does and is left out")
        elif 2 <= values <= MOST_VALUES:
            chosen.append(name)
        elif values > MOST_VALUES:
            notes.append(f"column {name} has {values} values and is left out; --by {name} counts by it all the same")
    return list(dict.fromkeys([*([PART] if split else []), *chosen])), notes


def _divide_alike(dataset: Dataset, one: str, other: str) -> bool:
    """Whether two columns say the same of every frame in other words."""
    pairs = {(frame.columns.get(one), frame.columns.get(other)) for frame in dataset.frames}
    return len(pairs) == len({first for first, _ in pairs}) == len({second for _, second in pairs})


def _require_alike(dataset: Dataset, looked: Sequence[tuple[FrameRow, RawNumbers | None]]) -> None:
    kinds: dict[str, list[str]] = defaultdict(list)
    for row, raw in looked:
        if raw is not None:
            kinds[raw.dtype].append(row.stem)
    if len(kinds) > 1:
        found = "; ".join(f"{len(stems)} of {kind} such as {stems[0]}" for kind, stems in kinds.items())
        raise DataError.of(
            str(dataset.root), "holds frames of different pixel kinds", allowed="one pixel type", found=found,
            fix="convert the odd ones, or keep them in a dataset of their own",
        )  # fmt: skip


def _left_out(rows: Sequence[FrameRow]) -> Iterator[str]:
    without = [row.stem for row in rows if row.shares is None]
    if without:
        shown = ", ".join(without[:5]) + (" ..." if len(without) > 5 else "")
        yield f"{len(without)} frames have no labels, or only void, and are in no number of a class: {shown}"


def _means(rows: Sequence[FrameRow], column: str, value: str) -> dict[str, float | None]:
    inside = [row for row in rows if row.columns.get(column) == value]
    found = {name: _column(row.values.get(name) for row in inside) for name in IMAGE_STATISTICS}
    return {name: float(np.nanmean(values)) if np.isfinite(values).any() else None for name, values in found.items()}


def _shifts(rows: Sequence[FrameRow], classes: ClassTable, columns: Sequence[str]) -> Iterator[Shift]:
    numbers = {
        ("class", name): _column(None if row.shares is None else row.shares[channel] for row in rows)
        for channel, name in enumerate(classes.names)
    }
    numbers |= {("image", name): _column(row.values.get(name) for row in rows) for name in IMAGE_STATISTICS}
    for column in columns:
        found = np.array([row.columns.get(column, "") for row in rows])
        for value in sorted(set(found.tolist()) - {""}):
            inside = found == value
            if column == PART:
                if value == "train":
                    continue
                yield from shifts(Sides(column, value, "train", inside, inside | (found == "train")), numbers)
            else:
                yield from shifts(Sides(column, value, "other frames", inside, np.ones(len(rows), bool)), numbers)


def _outliers(rows: Sequence[FrameRow]) -> Iterator[tuple[str, str, float]]:
    stems = [row.stem for row in rows]
    for name in IMAGE_STATISTICS:
        values = _column(row.values.get(name) for row in rows)
        values = np.log1p(values) if name in _LOGARITHMIC else values
        yield from ((name, stem, z) for stem, z in outliers(values, stems))


def _column(values: Iterable[float | None]) -> npt.NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], float)


def _spread(values: npt.NDArray[np.float64]) -> dict[str, float | None]:
    known = values[np.isfinite(values)]
    if not len(known):
        return dict.fromkeys(("mean", "std", "min", "q05", "median", "q95", "max"))
    low, q05, median, q95, high = (float(value) for value in np.quantile(known, (0, 0.05, 0.5, 0.95, 1)))
    return {
        "mean": float(known.mean()), "std": float(known.std()), "min": low, "q05": q05, "median": median, "q95": q95,
        "max": high,
    }  # fmt: skip
