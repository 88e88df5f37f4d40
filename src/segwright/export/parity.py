"""The proof that an exported pipeline says what the trained one says, over whole frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, Image, LabelMap, Listener, Probabilities, silent
from segwright.evaluate import PixelCounts, count_pixels
from segwright.export.proof import over_frames
from segwright.infer.predictor import Predictor

WORST_KEPT = 3


@dataclass(frozen=True)
class Tolerance:
    """How far an export may be from its reference.

    pixel_share: of all pixels, how many may get another class.
    class_share: of the pixels that either pipeline calls a class, how many may be called so by only one of them.
    score: by how much a class's pooled IoU against the truth may change.
    few_px: a class that differs in no more pixels than this, over all frames, passes: one borderline pixel of a
        class with forty is already 2 %.
    """

    pixel_share: float = 1e-3
    class_share: float = 5e-3
    score: float = 2e-3
    few_px: int = 10


@dataclass(frozen=True)
class ParityFrame:
    """A frame to compare on; with its truth the scores are compared too."""

    stem: str
    image: Image
    truth: LabelMap | None = None


@dataclass(frozen=True, eq=False)
class Disagreement:
    """A frame the pipelines disagree on: `differs` (height, width) is True where they name another class."""

    stem: str
    image: Image
    differs: npt.NDArray[np.bool_]

    @property
    def pixels(self) -> int:
        """How many pixels of the frame differ."""
        return int(np.count_nonzero(self.differs))


@dataclass(frozen=True)
class ParityProof:
    """What was compared, by how much it differs, and whether that is within `tolerance`.

    `class_shares` and `score_differences` are None for a class that neither pipeline names, or no truth has.
    `thresholds` and the rest of the pipeline were the same on both sides.
    """

    reference: str
    exported: str
    frames: int
    pixels: int
    pixel_share: float
    class_shares: Mapping[str, float | None]
    largest_probability_difference: float
    score_differences: Mapping[str, float | None]
    thresholds: Mapping[str, float] | None
    tolerance: Tolerance
    reasons: tuple[str, ...]
    worst: tuple[Disagreement, ...] = field(default=(), compare=False)

    @property
    def passed(self) -> bool:
        """Whether nothing exceeds the tolerance: there is no reason against it."""
        return not self.reasons

    def to_json(self) -> dict[str, Any]:
        """The proof as JSON values, shares as fractions of 1; of the worst frames the name and the pixels only."""
        return {
            "passed": self.passed,
            "reference": self.reference,
            "exported": self.exported,
            "frames": self.frames,
            "pixels": self.pixels,
            "pixel_share": self.pixel_share,
            "class_shares": dict(self.class_shares),
            "largest_probability_difference": self.largest_probability_difference,
            "score_differences": dict(self.score_differences),
            "thresholds": None if self.thresholds is None else dict(self.thresholds),
            "tolerance": asdict(self.tolerance),
            "reasons": list(self.reasons),
            "worst": [{"stem": frame.stem, "pixels": frame.pixels} for frame in self.worst],
        }


def parity(
    reference: Predictor,
    exported: Predictor,
    frames: Iterable[ParityFrame],
    tolerance: Tolerance = Tolerance(),
    *,
    total: int = 0,
    listener: Listener = silent,
) -> ParityProof:
    """Run both pipelines, from pixels to cleaned label map, on whole `frames` and compare what they say.

    Void truth is left out of the scores, not of the comparison. `total` is only for the progress shown.

    Raises:
        ConfigError: there is no frame to compare on.
    """
    seen = _Seen(reference.classes)
    over_frames(frames, lambda frame: seen.add(frame, reference, exported), total=total, listener=listener)
    shares = {name: seen.class_share(name) for name in reference.classes.names}
    differences = dict(zip(reference.classes.names, seen.score_differences(), strict=True))
    return ParityProof(
        reference=reference.runtime.name,
        exported=exported.runtime.name,
        frames=seen.frames,
        pixels=seen.pixels,
        pixel_share=seen.differing / seen.pixels,
        class_shares=shares,
        largest_probability_difference=seen.largest,
        score_differences=differences,
        thresholds=exported.decision.thresholds,
        tolerance=tolerance,
        reasons=tuple(_reasons(seen, tolerance)),
        worst=tuple(seen.worst),
    )


class _Seen:
    """Sums over the frames so far."""

    def __init__(self, classes: ClassTable) -> None:
        self.classes = classes
        self.frames = self.pixels = self.differing = 0
        self.largest = 0.0
        self.only_one = dict.fromkeys(classes.names, 0)
        self.either = dict.fromkeys(classes.names, 0)
        self.scores = (PixelCounts.none(classes), PixelCounts.none(classes))
        self.worst: list[Disagreement] = []

    def add(self, frame: ParityFrame, reference: Predictor, exported: Predictor) -> None:
        """Ask both pipelines about one frame and count where they differ."""
        ours, theirs = (model.predict(frame.image, probabilities=True) for model in (reference, exported))
        one, other = (cast("Probabilities", says.probabilities).values for says in (ours, theirs))
        differs = ours.label_map.ids != theirs.label_map.ids
        self.frames += 1
        self.pixels += differs.size
        self.differing += int(np.count_nonzero(differs))
        self.largest = max(self.largest, float(np.abs(one - other).max()))
        for name in self.classes.names:
            one, other = ours.label_map.mask(name), theirs.label_map.mask(name)
            self.only_one[name] += int(np.count_nonzero(one ^ other))
            self.either[name] += int(np.count_nonzero(one | other))
        if frame.truth is not None:
            pairs = zip(self.scores, (ours, theirs), strict=True)
            self.scores = tuple(so_far + count_pixels(says.label_map, frame.truth) for so_far, says in pairs)
        if differs.any():
            self.worst.append(Disagreement(frame.stem, frame.image, differs))
            self.worst = sorted(self.worst, key=lambda row: -row.pixels)[:WORST_KEPT]

    def class_share(self, name: str) -> float | None:
        return self.only_one[name] / self.either[name] if self.either[name] else None

    def score_differences(self) -> Iterator[float | None]:
        """|pooled IoU of one - pooled IoU of the other| against the truth, in table order."""
        ratios = [_pooled_iou(counts) for counts in self.scores]
        for one, other in zip(*ratios, strict=True):
            yield None if one is None or other is None else abs(one - other)


def _pooled_iou(counts: PixelCounts) -> list[float | None]:
    unions = counts.truth_px + counts.predicted_px - counts.correct_px
    pairs = zip(counts.correct_px, unions, counts.truth_px, strict=True)
    return [float(correct / union) if truth else None for correct, union, truth in pairs]


def _reasons(seen: _Seen, tolerance: Tolerance) -> Iterator[str]:
    worst = f"; most in {seen.worst[0].stem} ({seen.worst[0].pixels} px)" if seen.worst else ""
    share = seen.differing / seen.pixels
    if share > tolerance.pixel_share and seen.differing > tolerance.few_px:
        yield f"{share:.2%} of all pixels differ, tolerance {tolerance.pixel_share:.2%}{worst}"
    for name, difference in zip(seen.classes.names, seen.score_differences(), strict=True):
        few = seen.only_one[name] <= tolerance.few_px
        share = seen.class_share(name) or 0.0
        if share > tolerance.class_share and not few:
            yield f"{name}: {share:.2%} of its pixels differ, tolerance {tolerance.class_share:.2%}{worst}"
        if (difference or 0.0) > tolerance.score and not few:
            yield f"{name}: pooled IoU differs by {difference:.4f}, tolerance {tolerance.score:.4f}{worst}"
