"""Panoptic predictions beside their truth, frame by frame; each can be read again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from segwright.core import ClassTable, DataError, Problem
from segwright.evaluate.panoptic.frame import PanopticFrame
from segwright.evaluate.panoptic.sources import PanopticSource, open_panoptic
from segwright.evaluate.sources import few


@dataclass(frozen=True)
class PanopticPairs:
    """Two sources, and the stem of the prediction for each stem of the truth."""

    predicted: PanopticSource
    true: PanopticSource
    partners: Mapping[str, str]
    notes: tuple[str, ...] = ()

    @property
    def classes(self) -> ClassTable:
        return self.true.classes

    def pair(self, stem: str) -> tuple[PanopticFrame, PanopticFrame]:
        """Prediction and truth of one frame; raises DataError with all that is wrong with either."""
        problems: list[Problem] = []
        frames = []
        for source, name in ((self.predicted, self.partners[stem]), (self.true, stem)):
            try:
                frames.append(source.read(name))
            except DataError as error:
                problems += error.problems
        if problems:
            raise DataError(*problems)
        return frames[0], frames[1]


def pair_panoptic(predictions: Path | str, truth: Path | str, classes: ClassTable | None = None) -> PanopticPairs:
    """The frames of both places, matched by image id where both have image ids in common, else by stem.

    Predictions without a truth are left out, with a note.

    Raises:
        DataError: frames without prediction, all of them; a place that holds no panoptic frames.
        ConfigError: no class table, or two that contradict each other.
    """
    true = open_panoptic(Path(truth), classes)
    predicted = open_panoptic(Path(predictions), true.classes)
    return pair_sources(predicted, true)


def pair_sources(predicted: PanopticSource, true: PanopticSource) -> PanopticPairs:
    """As `pair_panoptic`, of two sources that are open."""
    return PanopticPairs(predicted, true, *_partners(predicted, true))


def _partners(predicted: PanopticSource, true: PanopticSource) -> tuple[dict[str, str], tuple[str, ...]]:
    """The prediction's stem for each stem of the truth, and a note on predictions that have no truth."""
    ids = {image_id: stem for stem, image_id in predicted.image_ids.items()}
    if ids.keys() & set(true.image_ids.values()):
        found = {stem: ids[each] for stem, each in true.image_ids.items() if each in ids}
    else:
        found = {stem: stem for stem in set(true.stems) & set(predicted.stems)}
    missing = set(true.stems) - found.keys()
    if missing:
        raise DataError.of(
            predicted.place,
            f"lacks predictions for {len(missing)} of {len(true.stems)} frames",
            allowed=f"a panoptic map for every frame of {true.place}",
            found=f"missing: {few(missing)}; there: {few(predicted.stems, 4)}",
            fix="predict the missing frames, or evaluate only the part that was predicted",
        )
    extra = set(predicted.stems) - set(found.values())
    if extra:
        return found, (f"{len(extra)} predictions have no truth and were left out: {few(extra)}",)
    return found, ()
