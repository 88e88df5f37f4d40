"""The same predictions scored as other libraries score them, and one sentence each why the number differs from ours.

A library is a module here with one function, `conventions(tallies)`, and a line in `LIBRARIES`. None of the libraries
is imported: each convention is computed from the counts that an evaluation holds anyway, so nothing is predicted or
read twice, and an old `evaluation.json` can be reconciled too. What a library does to frames before it counts
(resizing to the network's size, batches, float32 sums) is not part of its convention.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from segwright.core import ClassTable, Listener, silent
from segwright.evaluate.counts import Counts, FramePair
from segwright.evaluate.evaluation import count_frames, no_frame_to_score
from segwright.evaluate.reconcile import (
    cityscapes_scripts,
    mmsegmentation,
    monai,
    scikit_learn,
    segmentation_models,
    torchmetrics,
    ultralytics,
)
from segwright.evaluate.reconcile.convention import Convention, Tallies
from segwright.evaluate.result import Evaluation

__all__ = ["LIBRARIES", "Convention", "reconcile", "reconcile_counts", "reconcile_evaluation"]

LIBRARIES: Mapping[str, Callable[[Tallies], Iterator[Convention]]] = {
    "torchmetrics": torchmetrics.conventions,
    "mmsegmentation": mmsegmentation.conventions,
    "ultralytics": ultralytics.conventions,
    "cityscapesScripts": cityscapes_scripts.conventions,
    "monai": monai.conventions,
    "segmentation-models-pytorch": segmentation_models.conventions,
    "scikit-learn": scikit_learn.conventions,
}


def reconcile(
    pairs: Iterable[FramePair], classes: ClassTable, *, listener: Listener = silent
) -> tuple[Convention, ...]:
    """The scores of a stream of frames by every library's convention; holds one frame at a time.

    Void truth is left out as each library leaves it out; where a library has no void, it is handed frames without it.

    Raises:
        DataError: every frame whose size or class table differs from its truth's, a stem that comes twice, no frame.
    """
    return reconcile_counts(count_frames(pairs, classes, boundary_px=(), listener=listener))


def reconcile_counts(counts: Counts) -> tuple[Convention, ...]:
    """The scores of counted frames by every library's convention, from however many workers the counts were added.

    Raises:
        DataError: the counts hold no frame.
    """
    if not counts.frames:
        raise no_frame_to_score()
    return _all(Tallies.of_counts(counts))


def reconcile_evaluation(evaluation: Evaluation) -> tuple[Convention, ...]:
    """The scores of an evaluation's frames by every library's convention, from the counts that it holds."""
    return _all(Tallies.of_evaluation(evaluation))


def _all(tallies: Tallies) -> tuple[Convention, ...]:
    return tuple(row for conventions in LIBRARIES.values() for row in conventions(tallies))
