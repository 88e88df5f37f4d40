"""Object scores of semantic masks: which connected regions were found, missed, invented, split and merged.

Nobody annotates again: the 8-connected regions of a foreground class are its objects, in the truth and in the
prediction. They are matched one to one where their IoU is at least `iou`, the highest IoU first. A matched pair is a
true positive, a true object without a match is missed (fn), a predicted one without a match is invented (fp). Regions
that touch are one object: where objects touch often, instance labels say more.

- A **split** is a true object that two or more predicted objects cover, each with at least 10 % of the true area.
- A **merge** is a predicted object that covers two or more true objects, of each at least 10 % of its area.

Both are counted beside tp, fp and fn, not instead of them.

**Void**: a pixel whose truth is void is of no class in either map, so what is predicted there joins, cuts and covers
nothing, and changes no count. (COCO panoptic forgives a predicted segment that lies mostly on void; here what is left
of it on valid ground counts.)

Source: F1 at IoU 0.5 is SpaceNet's building metric (Van Etten et al., "SpaceNet: A Remote Sensing Dataset and
Challenge Series", 2018, section 4), `score` and `evalfunction` of `spacenetutilities/evalTools.py` of
SpaceNetChallenge/utilities: each proposal takes the remaining truth of the highest IoU, a match at IoU >= 0.5. That
code takes proposals in file order; regions do not overlap, so from IoU 0.5 on any order counts the same. It scores an
image without objects 0, here it is absent. Splits and merges follow Caicedo et al., "Evaluation of Deep Learning
Strategies for Nucleus Segmentation in Fluorescence Images", Cytometry A 2019 (`get_splits_and_merges` of
`unet4nuclei/utils/evaluation.py`), with one change: they ask for an IoU over 0.1, which misses the merge of many
small objects (ten equal objects under one prediction have an IoU of 0.1 each), here it is 10 % of the true area.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segwright.core import ClassTable, LabelMap
from segwright.evaluate.component_overlap import ClassObjects, Integers, Matching, class_objects
from segwright.evaluate.scores import Score, Scores

# Whoever holds less than one pixel in ten of an object is a rough outline, not a second claim (Caicedo et al. 2019).
COVERED_ONE_IN = 10

FIELDS = ("tp", "fp", "fn", "splits", "merges")

DEFINITIONS: Mapping[str, str] = {
    "component_precision@T": "Share of the predicted objects (connected regions of a class) that are matched with a "
    "true one at an IoU of T or more, over all images; null where nothing is predicted.",
    "component_recall@T": "Share of the true objects (connected regions of a class) that are matched with a predicted "
    "one at an IoU of T or more, over all images; null where there is none.",
    "component_f1@T": "Harmonic mean of component precision and recall, 2 tp / (2 tp + fp + fn), over all images "
    "(SpaceNet's metric at T = 0.5); overall over the objects of all foreground classes; null where there is none.",
    "component_splits": "True objects of which two or more predicted objects cover 10 % or more of the area each.",
    "component_merges": "Predicted objects that cover 10 % or more of the area of two or more true objects each.",
}


@dataclass(frozen=True, eq=False)
class ComponentCounts:
    """Objects of each class, by what became of them, over `images` frames; equal by value, added with `+`.

    `counts` is int64 (5, classes): rows are `FIELDS`, columns the class table; the background's column is 0, what is
    not an object is not counted. True objects are tp + fn; predicted ones tp + fp.
    """

    classes: ClassTable
    rules: Matching
    counts: Integers
    images: int = 0

    def __post_init__(self) -> None:
        if self.counts.shape != (len(FIELDS), len(self.classes)):
            raise ValueError(f"counts are ({len(FIELDS)}, {len(self.classes)}), got shape {self.counts.shape}")
        counts = np.array(self.counts, dtype=np.int64)
        counts.flags.writeable = False
        object.__setattr__(self, "counts", counts)

    @staticmethod
    def none(classes: ClassTable, *, iou: float = 0.5, connectivity: int = 8, min_area_px: int = 1) -> ComponentCounts:
        """The counts of no frame at all: the zero of `+`. Raises ConfigError as `count_components`."""
        rules = Matching(iou, connectivity, min_area_px)
        return ComponentCounts(classes, rules, np.zeros((len(FIELDS), len(classes)), dtype=np.int64))

    @property
    def tp(self) -> Integers:
        """Matched pairs of each class (classes,)."""
        return self.counts[0]

    @property
    def fp(self) -> Integers:
        """Predicted objects without a match (classes,)."""
        return self.counts[1]

    @property
    def fn(self) -> Integers:
        """True objects without a match (classes,)."""
        return self.counts[2]

    @property
    def splits(self) -> Integers:
        """True objects that several predicted ones cover (classes,)."""
        return self.counts[3]

    @property
    def merges(self) -> Integers:
        """Predicted objects that cover several true ones (classes,)."""
        return self.counts[4]

    def __add__(self, other: ComponentCounts) -> ComponentCounts:
        if self.classes.content_hash != other.classes.content_hash or self.rules != other.rules:
            raise ValueError("only object counts of the same classes and the same rules add up")
        return ComponentCounts(self.classes, self.rules, self.counts + other.counts, self.images + other.images)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ComponentCounts):
            return NotImplemented
        mine = (self.classes.content_hash, self.rules, self.images)
        theirs = (other.classes.content_hash, other.rules, other.images)
        return mine == theirs and np.array_equal(self.counts, other.counts)

    __hash__ = None  # type: ignore[assignment]


def count_components(
    prediction: LabelMap, truth: LabelMap, *, iou: float = 0.5, connectivity: int = 8, min_area_px: int = 1
) -> ComponentCounts:
    """The objects of one frame: found, invented, missed, split, merged, for each foreground class.

    Objects of fewer than `min_area_px` pixels, void left out, are in neither map. A scratch that is predicted in two
    pieces, and a dent that nobody predicted:

        >>> import numpy as np
        >>> from segwright.core import ClassTable, LabelMap
        >>> classes = ClassTable.of(["background", "scratch", "dent"])
        >>> truth = LabelMap(np.array([[1, 1, 1, 1, 1], [0, 0, 0, 0, 0], [2, 2, 0, 0, 0]], np.uint8), classes)
        >>> prediction = LabelMap(np.array([[1, 1, 1, 0, 1], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]], np.uint8), classes)
        >>> counts = count_components(prediction, truth)
        >>> counts.tp.tolist(), counts.fp.tolist(), counts.fn.tolist(), counts.splits.tolist()
        ([0, 1, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0])

    Raises:
        DataError: the sizes or the class tables differ.
        ConfigError: an IoU outside 0..1, a connectivity other than 4 or 8, a smallest area below 1.
    """
    rules = Matching(iou, connectivity, min_area_px)
    return counts_of_objects(class_objects(prediction, truth, rules), truth.classes, rules)


def counts_of_objects(objects: Iterable[ClassObjects], classes: ClassTable, rules: Matching) -> ComponentCounts:
    """The counts of one frame whose objects are found already."""
    counts = np.zeros((len(FIELDS), len(classes)), dtype=np.int64)
    for found in objects:
        counts[:, found.channel] = _counts_of(found, rules.iou)
    return ComponentCounts(classes, rules, counts, images=1)


def score_components(counts: ComponentCounts) -> Scores:
    """Precision, recall and F1 of the objects, 0..1, and the splits and merges: overall, and for each foreground class.

    Overall is over the objects of all foreground classes together. Absent is None: precision where nothing is
    predicted, recall where nothing is true, F1 where there is no object at all; it is 0 where objects are on one side
    only.
    """
    classes = {
        spec.name: _scores(counts.counts[:, counts.classes.channel(spec.name)], counts.rules.iou)
        for spec in counts.classes.foreground
    }
    return Scores(counts.images, _scores(counts.counts.sum(axis=1), counts.rules.iou), classes)


def _counts_of(found: ClassObjects, iou: float) -> list[int]:
    matches = found.matched(iou)
    unmatched = np.ones(len(found.predicted_px), dtype=np.bool_)
    unmatched[matches[:, 1]] = False
    covered = found.pairs[COVERED_ONE_IN * found.shared_px >= found.true_px[found.pairs[:, 0]]]
    return [
        len(matches),
        int(np.count_nonzero(unmatched)),
        len(found.true_px) - len(matches),
        _repeated(covered[:, 0]),
        _repeated(covered[:, 1]),
    ]


def _repeated(numbers: Integers) -> int:
    """How many numbers come more than once."""
    return int(np.count_nonzero(np.bincount(numbers) > 1)) if numbers.size else 0


def _scores(counts: npt.NDArray[np.int64], iou: float) -> dict[str, Score]:
    tp, fp, fn, splits, merges = counts.tolist()
    return {
        f"component_precision@{iou:g}": tp / (tp + fp) if tp + fp else None,
        f"component_recall@{iou:g}": tp / (tp + fn) if tp + fn else None,
        f"component_f1@{iou:g}": 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else None,
        "component_splits": splits,
        "component_merges": merges,
    }
