"""Which cleanup to switch on, from frames that the network had not seen: by one score, and not for noise.

Settings are tried one after the other on top of what was kept so far. One is kept where the score named by the plan
rises by at least `MARGIN` and the rise is no chance: the p-value of a paired permutation test over groups (see
`evaluate.compare`) is below `ALPHA` divided by the number of values tried in all (Bonferroni), because the best of many
is better than none even where none does anything.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import GREY, RGB, ClassTable, Image, LabelMap, Listener, Probabilities, adopt, silent, tracked
from segwright.data.regions import measured_regions
from segwright.evaluate.compare import compare
from segwright.evaluate.counts import FramePair
from segwright.evaluate.evaluation import score_frames
from segwright.evaluate.result import Evaluation
from segwright.infer.cleanup import Cleanup, clean
from segwright.infer.crf import Crf, refine
from segwright.infer.decide import decide

MARGIN = 0.002  # what an export may change a class's IoU by and still pass its parity proof
ALPHA = 0.05
ROUNDS = 9999
FEWEST_GROUPS = 12  # with fewer no p-value is small enough for fifty values: then frames are swapped one by one
RADII_PX = (1, 2, 3)
AREA_QUANTILES = (0.05, 0.1, 0.2, 0.35, 0.5)
HOLE_QUANTILES = (0.5, 0.9, 1.0)
LARGEST_AREAS = 20_000  # regions remembered of a class: enough for quantiles


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that can be switched on: a key of `cleanup`, of one class or (None) of all, and what to try."""

    key: str
    name: str | None
    values: tuple[Any, ...]

    @property
    def label(self) -> str:
        """As it stands in segwright.yaml: `min_area_px.scratch`."""
        return self.key if self.name is None else f"{self.key}.{self.name}"

    def on(self, cleanup: Cleanup, value: Any) -> Cleanup:
        """The cleanup with this setting at `value`."""
        if self.name is None:
            return replace(cleanup, **{self.key: value})
        if self.key == "largest_only":
            return replace(cleanup, largest_only=(*cleanup.largest_only, self.name))
        given = getattr(cleanup, self.key)
        return replace(cleanup, **{self.key: {**(given if isinstance(given, Mapping) else {}), self.name: value}})


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a setting: the score of each value, the best one, its gain over what was there, and the verdict."""

    setting: str
    scores: Mapping[str, float | None]
    best: str
    gain: float
    p_value: float | None
    kept: bool
    reason: str


@dataclass(frozen=True)
class CleanupSearch:
    """The cleanup that was chosen, why, and the score before and after; both are of the frames that chose it."""

    cleanup: Cleanup
    score: str
    before: float | None
    after: float | None
    frames: int
    swapped: str
    tried: int
    trials: tuple[Trial, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "cleanup": self.cleanup.to_json(),
            "score": self.score,
            "before": self.before,
            "after": self.after,
            "frames": self.frames,
            "rule": f"kept where {self.score} rises by {MARGIN} or more and p < {ALPHA} / {self.tried} by swapping "
            f"{self.swapped}",
            "settings": [{name: getattr(row, name) for name in Trial.__slots__} for row in self.trials],
        }


@dataclass
class SearchFrames:
    """Decided label maps of held-out frames beside their truth, packed: a few kilobytes a frame.

    With `crf` the map after the CRF is kept too, where a frame is grey or RGB; `full_scale` is its white.
    """

    classes: ClassTable
    crf: Crf | None
    full_scale: float
    _rows: list[_Row] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._rows)

    def add(
        self, stem: str, probabilities: Probabilities, image: Image, truth: LabelMap, columns: Mapping[str, str]
    ) -> None:
        """Take in one frame: what the network says of it before any cleanup."""
        maps = {False: decide(probabilities).ids}
        if self.crf is not None and image.bands in (GREY, RGB):
            refined = refine(probabilities.values, image, self.crf, self.full_scale)
            maps[True] = decide(Probabilities(adopt(refined), self.classes)).ids
        packed = {refined: _packed(ids) for refined, ids in maps.items()}
        shape = (truth.size.height, truth.size.width)
        self._rows.append(_Row(stem, packed, _packed(truth.ids), shape, str(truth.ids.dtype), dict(columns)))

    @property
    def has_crf(self) -> bool:
        """Whether there is a map after the CRF of every frame."""
        return bool(self._rows) and all(True in row.maps for row in self._rows)

    def pairs(self, cleanup: Cleanup) -> Iterator[FramePair]:
        """Each frame after `cleanup`, beside its truth."""
        for row in self._rows:
            truth = LabelMap(adopt(_unpacked(row.truth, row.kind, row.shape)), self.classes)
            yield FramePair(
                row.stem, clean(self.map_of(row, refined=cleanup.crf is not None), cleanup), truth, row.columns
            )

    def maps(self, *, refined: bool) -> Iterator[LabelMap]:
        """Each decided map, before or after the CRF."""
        return (self.map_of(row, refined=refined) for row in self._rows)

    def map_of(self, row: _Row, *, refined: bool) -> LabelMap:
        ids = _unpacked(row.maps[refined and True in row.maps], str(np.dtype(self.classes.id_type)), row.shape)
        return LabelMap(adopt(ids), self.classes)

    def groups(self, by: str | None) -> int:
        """How many groups the frames are in by a column; 0 where they lack it."""
        values = {row.columns.get(by or "") for row in self._rows}
        return 0 if by is None or None in values else len(values)


@dataclass(frozen=True, slots=True)
class _Row:
    stem: str
    maps: Mapping[bool, bytes]
    truth: bytes
    shape: tuple[int, int]
    kind: str
    columns: Mapping[str, str]


def search_cleanup(
    frames: SearchFrames,
    *,
    start: Cleanup,
    fixed: Collection[str],
    score: str,
    by: str | None = None,
    listener: Listener = silent,
) -> CleanupSearch:
    """The cleanup that the frames speak for, from `start` on; keys and `key.class` in `fixed` are left as they are.

    `score` is one of those that choose a checkpoint; `by` the column whose groups are swapped whole, where there are
    at least `FEWEST_GROUPS`.
    """
    by = by if frames.groups(by) >= FEWEST_GROUPS else None
    swapped = f"{frames.groups(by)} groups by {by}" if by else f"{len(frames)} frames"
    settings = [row for row in _settings(frames, start) if row.key not in fixed and row.label not in fixed]
    tried = max(1, sum(len(setting.values) for setting in settings))
    chosen, current = start, _scored(frames, start)
    before, trials = current.scores.get(score), []
    for setting in tracked(settings, listener, "cleanup", len(settings), "settings"):
        results = {value: _scored(frames, setting.on(chosen, value)) for value in setting.values}
        best = max(results, key=lambda value: results[value].scores.get(score) or 0.0)
        trial = _judged(setting, results, best, (current, score, by), ALPHA / tried)
        trials.append(trial)
        if trial.kept:
            chosen, current = setting.on(chosen, best), results[best]
    after = current.scores.get(score)
    return CleanupSearch(chosen, score, before, after, len(frames), swapped, tried, tuple(trials))


def _judged(
    setting: Setting,
    results: Mapping[Any, Evaluation],
    best: Any,
    against: tuple[Evaluation, str, str | None],
    alpha: float,
) -> Trial:
    current, score, by = against
    change = compare(current, results[best], by=by, rounds=ROUNDS).scores[score]
    gain = change.difference or 0.0
    scores = {_shown(value): evaluation.scores.get(score) for value, evaluation in results.items()}
    p_value = change.p_value
    numbers = f"{_shown(best)}: {score} {change.old or 0:.4f} -> {change.new or 0:.4f}"
    if gain <= 0:
        reason = f"off: no value of {', '.join(scores)} is better ({numbers})"
    elif gain < MARGIN:
        reason = f"off: the best gains {gain:.4f}, less than the margin of {MARGIN} ({numbers})"
    elif p_value is None or p_value >= alpha:
        shown = "unknown" if p_value is None else f"{p_value:.4f}"
        reason = f"off: the best gains {gain:.4f}, which may be chance: p {shown}, needed below {alpha:.4f} ({numbers})"
    else:
        reason = f"on at {numbers}, p {p_value:.4f}"
    kept = reason.startswith("on")
    return Trial(setting.label, scores, _shown(best), round(gain, 6), p_value, kept, reason)


def _settings(frames: SearchFrames, start: Cleanup) -> list[Setting]:
    """What is tried, in the order of the pipeline; areas come from the regions that were predicted."""
    found = [Setting("crf", None, (frames.crf,))] if frames.has_crf and start.crf is None else []
    areas, holes = _areas(frames)
    names = [spec.name for spec in frames.classes.foreground if len(areas[spec.name])]
    found += [Setting("opening_radius_px", name, RADII_PX) for name in names]
    for name in names:
        sizes = _sizes(areas[name], AREA_QUANTILES)
        found += [Setting("min_area_px", name, sizes)] if sizes else []
    found += [Setting("largest_only", name, (True,)) for name in names]
    sizes = _sizes(holes, HOLE_QUANTILES)
    return [*found, *([Setting("fill_holes_px", None, sizes)] if sizes else [])]


def _areas(frames: SearchFrames) -> tuple[dict[str, list[int]], list[int]]:
    """The areas of the predicted regions of each class, and of the background's regions that no edge cuts."""
    areas: dict[str, list[int]] = {spec.name: [] for spec in frames.classes.foreground}
    holes: list[int] = []
    for labels in frames.maps(refined=False):
        for spec in frames.classes.foreground:
            if len(areas[spec.name]) < LARGEST_AREAS:
                areas[spec.name] += measured_regions(labels.ids == spec.class_id).areas.tolist()
        if frames.classes.background_id is not None and len(holes) < LARGEST_AREAS:
            holes += _inner(labels.ids == frames.classes.background_id)
    return areas, holes


def _inner(mask: npt.NDArray[np.bool_]) -> list[int]:
    found = measured_regions(mask)
    height, width = mask.shape
    top, left, bottom, right = found.boxes.T if len(found.boxes) else np.zeros((4, 0))
    inside = (top > 0) & (left > 0) & (bottom < height) & (right < width)
    return found.areas[inside].tolist()


def _sizes(areas: list[int], quantiles: tuple[float, ...]) -> tuple[int, ...]:
    """Different whole sizes above 1 px at the quantiles of the areas, each one px above what it is to take away."""
    if not areas:
        return ()
    return tuple(sorted({int(value) + 1 for value in np.quantile(areas, quantiles)} - {1}))


def _scored(frames: SearchFrames, cleanup: Cleanup) -> Evaluation:
    return score_frames(frames.pairs(cleanup), frames.classes, boundary_px=())


def _shown(value: Any) -> str:
    return "on" if isinstance(value, bool | Crf) else str(value)


def _packed(ids: npt.NDArray) -> bytes:
    return zlib.compress(np.ascontiguousarray(ids).tobytes(), 1)


def _unpacked(packed: bytes, kind: str, shape: tuple[int, int]) -> npt.NDArray:
    return np.frombuffer(zlib.decompress(packed), kind).reshape(shape).copy()
