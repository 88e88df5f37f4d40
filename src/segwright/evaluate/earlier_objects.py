"""The instances or panoptic maps that an earlier evaluation scored, read again from where it found them.

What is read again is shown only if it still gives that evaluation's counts of the frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from segwright.core import ArtefactError, DataError
from segwright.evaluate.instances.frame import InstanceFrame
from segwright.evaluate.instances.frames import PairedFrames
from segwright.evaluate.instances.kept import kept
from segwright.evaluate.instances.matching import match_frame
from segwright.evaluate.instances.pairs import InstancePairs
from segwright.evaluate.instances.results import read_results
from segwright.evaluate.objects import ObjectEvaluation
from segwright.evaluate.panoptic.counts import count_panoptic_frame
from segwright.evaluate.panoptic.frame import PanopticFrame
from segwright.evaluate.panoptic.matching import Rule
from segwright.evaluate.panoptic.pairs import PanopticPairs, pair_sources
from segwright.evaluate.panoptic.scores import frame_sums
from segwright.evaluate.panoptic.sources import open_panoptic


@dataclass(frozen=True, eq=False)
class EarlierInstances:
    """The old detections beside the present truth; `rows` are those of the old evaluation, by position."""

    pairs: InstancePairs
    rows: tuple[Mapping[str, Any], ...]

    def frame(self, position: int) -> InstanceFrame:
        """The frame with its old detections.

        Raises:
            DataError: they have other matches than were scored.
        """
        frame, kind = self.pairs.frames.frame(position), self.pairs.kinds[0]
        matches = match_frame(frame, kind, self.pairs.rule, boundary_ratio=self.pairs.boundary_ratio)
        _require_same(frame.name, self.rows[position][kind].get("matches"), kept(matches))
        return frame


@dataclass(frozen=True, eq=False)
class EarlierPanoptic:
    """The old maps beside the present truth; `rows` are those of the old evaluation, by stem."""

    pairs: PanopticPairs
    rule: Rule
    rows: Mapping[str, Mapping[str, Any]]

    def frame(self, stem: str) -> PanopticFrame:
        """The old map of the frame.

        Raises:
            DataError: it cannot be read, or has other matches than were scored.
        """
        prediction, truth = self.pairs.pair(stem)
        sums = frame_sums(count_panoptic_frame(prediction, truth, rule=self.rule))
        _require_same(stem, self.rows[stem].get("by_class"), sums)
        return prediction


def earlier_instances(old: ObjectEvaluation, pairs: InstancePairs) -> EarlierInstances:
    """The detections behind `old`, beside the truth of `pairs`; raises as `earlier_predictions`."""
    results = read_results(_place(old), pairs.frames.truth, pairs.kinds)
    known = replace(pairs, frames=PairedFrames(pairs.frames.truth, results))
    return EarlierInstances(known, tuple(old.details["frames"]))


def earlier_panoptic(old: ObjectEvaluation, pairs: PanopticPairs) -> EarlierPanoptic:
    """The maps behind `old`, beside the truth of `pairs`; raises as `earlier_predictions`."""
    predicted = open_panoptic(_place(old), pairs.classes)
    rows = {row["stem"]: row for row in old.details["frames"]}
    return EarlierPanoptic(pair_sources(predicted, pairs.true), old.provenance["rule"], rows)


def _place(old: ObjectEvaluation) -> Path:
    stored = old.provenance.get("predictions")
    if not stored or not Path(str(stored)).exists():
        rule = "no longer holds the old predictions" if stored else "does not say where its predictions are"
        fix = "put them back, or run where the path leads to them" if stored else "evaluate the old predictions again"
        raise ArtefactError.of(str(stored or "old evaluation"), rule, fix=fix)
    return Path(str(stored))


def _require_same(name: str, scored: object, found: object) -> None:
    if scored != found:
        raise DataError.of(
            f"{name}: old prediction", "gives other matches than were scored: it was changed since",
            allowed="the matches that the old evaluation holds", found="others",
            fix="evaluate the old predictions again",
        )  # fmt: skip
