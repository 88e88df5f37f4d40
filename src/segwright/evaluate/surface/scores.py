"""Surface counts -> scores: `nsd@K`, `hd95` and `assd` of each class, and overall."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from segwright.core import LabelMap
from segwright.evaluate.surface.count import TOLERANCES, count_surfaces
from segwright.evaluate.surface.counts import PREDICTED, TRUE, Score, SurfaceCounts

# name -> one sentence; `nsd@K` stands for every tolerance K that was counted
DEFINITIONS: Mapping[str, str] = {
    "nsd@K": (
        "Surface Dice (normalised surface distance): surface of truth and prediction within K of the other's surface "
        "over the surface of both, pooled over all images; K in mm, or px where the spacing is 1; overall, the mean "
        "over foreground classes."
    ),
    "hd95": (
        "Larger of the two distances within which 95 % of one surface lies of the other (robust Hausdorff distance), "
        "mm, or px where the spacing is 1; mean over the images where truth and prediction both have the class; "
        "overall, the mean over foreground classes."
    ),
    "assd": (
        "Average distance from each surface to the other, over both surfaces together, mm, or px where the spacing is "
        "1; mean over the images where truth and prediction both have the class; overall, the mean over foreground "
        "classes."
    ),
    "assd_of_prediction": "Average distance from the predicted surface to the true one, averaged over images as assd.",
    "assd_of_truth": "Average distance from the true surface to the predicted one, averaged over images as assd.",
    "surface_images": "Number of images whose truth or prediction has the class.",
    "one_sided": (
        "Number of images where only truth or only prediction has the class: all of that surface is missed in nsd@K, "
        "and as its distance to nothing is infinite, the images are not in hd95 and assd."
    ),
}


def score_surfaces(
    prediction: LabelMap,
    truth: LabelMap,
    *,
    tolerances_px: Sequence[float] = TOLERANCES,
    spacing: Sequence[float] = (1.0, 1.0),
) -> dict[str, dict[str, Score]]:
    """One frame's surface scores of each class by name: `nsd@K` 0..1, `hd95` and `assd` in px, or the spacing's unit.

    A class in neither map has None for every score. One in a single map has `nsd` 0 and None for the distances, which
    are infinite in the reference and cannot be said in JSON; `one_sided` is 1 then. Void and errors as in
    `count_surfaces`, which takes what is to be added over frames; `docs/scores/nsd.md` has this example by hand:

        >>> import numpy as np
        >>> from segwright.core import ClassTable, LabelMap
        >>> classes = ClassTable.of(["background", "dent"])
        >>> truth = LabelMap(np.array([[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]], np.uint8), classes)
        >>> prediction = LabelMap(np.roll(truth.ids, 1, axis=1), classes)
        >>> scores = score_surfaces(prediction, truth, tolerances_px=(0, 1))["dent"]
        >>> round(scores["nsd@0"], 4), scores["nsd@1"], scores["hd95"]
        (0.5, 1.0, 1.0)

    Source: Nikolov et al., "Deep learning to achieve clinically applicable segmentation of head and neck anatomy",
    2018, as computed by google-deepmind/surface-distance (tests/evaluate/surface/test_reference.py compares).
    """
    return class_scores(count_surfaces(prediction, truth, tolerances_px=tolerances_px, spacing=spacing))


def class_scores(counts: SurfaceCounts) -> dict[str, dict[str, Score]]:
    """The surface scores and the counts of images, by class name; None as in `SurfaceCounts`."""
    columns: dict[str, Sequence[Score]] = {_nsd_name(each): counts.nsd(each) for each in counts.tolerances}
    columns |= {
        "hd95": counts.hd95(),
        "assd": counts.assd(),
        "assd_of_prediction": counts.directed_distance(PREDICTED),
        "assd_of_truth": counts.directed_distance(TRUE),
        "surface_images": counts.images(),
        "one_sided": counts.one_sided(),
    }
    return {
        spec.name: {name: values[channel] for name, values in columns.items()}
        for channel, spec in enumerate(counts.classes)
    }


def overall_scores(counts: SurfaceCounts) -> dict[str, Score]:
    """`nsd@K`, `hd95` and `assd`, each the mean over the foreground classes that have it; None where none has."""
    rows = class_scores(counts)
    foreground = [rows[spec.name] for spec in counts.classes.foreground]
    names = [*map(_nsd_name, counts.tolerances), "hd95", "assd"]
    return {name: _mean([row[name] for row in foreground]) for name in names}


def _nsd_name(tolerance: float) -> str:
    return f"nsd@{tolerance!r}".removesuffix(".0")


def _mean(values: Sequence[Score]) -> Score:
    found = [value for value in values if value is not None]
    return math.fsum(found) / len(found) if found else None
