"""What an evaluation is going to have: the names of its scores, classes and domains, known before a frame is read.

A frame of one pixel is scored as all of them will be, so that no list of names has to be kept beside the code that
makes them. Its numbers mean nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from segwright.core import ClassTable, LabelMap, Probabilities, Size
from segwright.data.codecs.nifti import LabelVolume
from segwright.evaluate.counts import FramePair
from segwright.evaluate.domains import scores_by_domain
from segwright.evaluate.evaluation import score_frames, with_reliability
from segwright.evaluate.instances.counts import count_instances
from segwright.evaluate.instances.evaluate import summarise_instances
from segwright.evaluate.instances.frame import Detections, InstanceFrame, Truths
from segwright.evaluate.instances.pairs import InstancePairs
from segwright.evaluate.objects import ObjectEvaluation
from segwright.evaluate.panoptic.counts import PanopticCounts, PanopticRow
from segwright.evaluate.panoptic.evaluation import summarise_panoptic
from segwright.evaluate.panoptic.matching import Rule
from segwright.evaluate.reliability import count_reliability
from segwright.evaluate.result import Evaluation
from segwright.evaluate.scores import Scores
from segwright.evaluate.volume_evaluation import evaluate_volume_pairs
from segwright.evaluate.volume_pairs import VolumeFiles, VolumePair, VolumePairs

Columns = Sequence[Mapping[str, str]]
AnyEvaluation = TypeVar("AnyEvaluation", Evaluation, ObjectEvaluation)


def preview_masks(
    classes: ClassTable, columns: Columns, *, boundary_px: Sequence[int], also: Sequence[str], of_model: bool
) -> Evaluation:
    """The names of an evaluation of masks; `columns` are those of each frame. A model's has reliability as well.

    Raises:
        ConfigError: a family that is not known.
    """
    pixel = LabelMap(np.full((1, 1), classes.ids[0], np.uint8 if classes.ids[0] < 256 else np.uint16), classes)
    found = score_frames([FramePair("preview", pixel, pixel)], classes, boundary_px=boundary_px, also=also)
    if of_model:
        even = np.full((len(classes), 1, 1), 1 / len(classes), np.float32)
        found = with_reliability(found, count_reliability(Probabilities(even, classes), pixel))
    return _with_domains(found, columns)


def preview_instances(pairs: InstancePairs, columns: Columns) -> ObjectEvaluation:
    """The names of an evaluation of instances."""
    nothing, flags = np.empty(0, np.int64), np.empty(0, np.bool_)
    boxes, truth = np.empty((0, 4)), pairs.frames.truth
    frame = InstanceFrame(
        0, "preview", Size(1, 1), Truths(nothing, np.empty(0), flags, flags, boxes, ()),
        Detections(nothing, np.empty(0), np.empty(0), boxes, ()),
    )  # fmt: skip
    counts = count_instances(frame, truth.classes, kinds=pairs.kinds, rule=pairs.rule, workers=1)
    return _with_domains(summarise_instances(counts, frequency=truth.frequency), columns)


def preview_panoptic(classes: ClassTable, rule: Rule, columns: Columns) -> ObjectEvaluation:
    """The names of an evaluation of panoptic maps."""
    matched, unmatched = np.empty((0, 5), np.int64), np.empty((0, 2), np.int64)
    row = PanopticRow("preview", matched, unmatched, unmatched, 0, 1)
    return _with_domains(summarise_panoptic(PanopticCounts(classes, rule, (row,))), columns)


def preview_volumes(pairs: VolumePairs, tolerances_mm: Sequence[float]) -> Evaluation:
    """The names of an evaluation of volumes.

    Raises:
        ConfigError: a tolerance that is no length.
    """
    nowhere = VolumeFiles("preview", {})
    one = _OneVoxel(nowhere, nowhere, pairs.classes, {}, {})
    found = evaluate_volume_pairs(one, tolerances_mm=tolerances_mm)
    return _with_domains(found, [pairs.columns.get(stem, {}) for stem in pairs.truth.files])


class _OneVoxel(VolumePairs):
    """Pairs of a single case of one voxel."""

    def __iter__(self):  # as the class it stands for
        ids = np.full((1, 1, 1), self.classes.ids[0], np.uint8 if self.classes.ids[0] < 256 else np.uint16)
        volume = LabelVolume(ids, (1.0, 1.0, 1.0), np.eye(4))
        yield VolumePair("preview", volume, volume)


@dataclass(frozen=True)
class _Row:
    columns: Mapping[str, str] = field(default_factory=dict)


def _with_domains(found: AnyEvaluation, columns: Columns) -> AnyEvaluation:
    scores = Scores(1, found.scores, found.classes)
    tables, _ = scores_by_domain([_Row(each) for each in columns], lambda _: scores)
    return replace(found, by_domain=tables)
