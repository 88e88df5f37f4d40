"""Instances and panoptic maps: what pycocotools, torchmetrics, lvis-api, panopticapi, bdd100k and Ultralytics print.

Each library's rule is one of ours, so a number is that of an evaluation under that rule, and the sentence says what the
rules do differently. Ultralytics matches by a rule of its own (`ultralytics_objects`); torchmetrics has one by
accident: that number is not counted here.

Source: pycocotools 2.0.11, `cocoeval.py` (`summarize`); torchmetrics 1.9.0, `detection/mean_ap.py`; lvis-api, `lvis/
eval.py`; panopticapi, `evaluation.py` (`pq_compute`); bdd100k, `eval/pan_seg.py`. tests/evaluate/instances and
tests/evaluate/panoptic compare with them, or with the figures they publish.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from segwright.evaluate.instances.pairs import InstancePairs
from segwright.evaluate.objects import ObjectEvaluation
from segwright.evaluate.reconcile import ultralytics_objects
from segwright.evaluate.reconcile.convention import Convention

_coco = partial(Convention, "pycocotools", "2.0.11, cocoeval.py: summarize")
_torchmetrics = partial(Convention, "torchmetrics", "1.9.0, detection/mean_ap.py: MeanAveragePrecision")
_lvis = partial(Convention, "lvis-api", "lvis/eval.py: LVISEval")
_panopticapi = partial(Convention, "panopticapi", "evaluation.py: pq_compute")
_bdd100k = partial(Convention, "bdd100k", "eval/pan_seg.py: evaluate_pan_seg")

_SINGLE = (
    "its thresholds are rounded to single precision (0.55 is 0.550000012), so an IoU or a recall that lies on one "
    "falls on the other side of it than in pycocotools: some thousandths on small sets; a class without a truth is -1 "
    "in its list"
)

KINDS = {"mask": "segm", "box": "bbox"}


def instance_conventions(
    coco: ObjectEvaluation, lvis: ObjectEvaluation | None = None, pairs: InstancePairs | None = None
) -> tuple[Convention, ...]:
    """The rows for instances, of an evaluation under the rule `coco` and, where there is one, under `lvis`.

    With `pairs`, also those of a library that matches by a rule of its own.
    """
    own = () if pairs is None else ultralytics_objects.conventions(pairs)
    return (*_instance_rows(coco), *(() if lvis is None else _lvis_rows(lvis)), *own)


def panoptic_conventions(coco: ObjectEvaluation, bdd100k: ObjectEvaluation) -> tuple[Convention, ...]:
    """The rows for panoptic maps, of an evaluation under either rule."""
    return tuple(_panoptic_rows(coco, bdd100k))


def _instance_rows(coco: ObjectEvaluation) -> Iterator[Convention]:
    for kind, name in KINDS.items():
        if f"{kind}_ap" not in coco.scores:
            continue
        for printed, ours in (("AP", "ap"), ("AP50", "ap50"), ("AP75", "ap75"), ("AR maxDets=100", "ar@100")):
            score = f"{kind}_{ours}"
            yield _coco(f"{printed} ({name})", coco.scores[score], f"equal to {score} under --rule coco")
        yield _torchmetrics(f'map (iou_type="{name}")', None, f"not counted here: {kind}_ap, but {_SINGLE}")


def _lvis_rows(lvis: ObjectEvaluation) -> Iterator[Convention]:
    why = (
        "equal to mask_ap under --rule lvis: a class counts only in images where annotators looked for it, 300 "
        "detections an image are looked at, and crowds are plain truths"
    )
    if "mask_ap" in lvis.scores:
        yield _lvis("AP", lvis.scores["mask_ap"], why)


def _panoptic_rows(coco: ObjectEvaluation, bdd100k: ObjectEvaluation) -> Iterator[Convention]:
    for part, suffix in (("All", ""), ("Things", "_things"), ("Stuff", "_stuff")):
        for name in ("pq", "sq", "rq"):
            score = f"{name}{suffix}"
            yield _panopticapi(f"{part} {name.upper()}", coco.scores[score], f"equal to {score} under --rule coco")
    for name in ("pq", "sq", "rq"):
        why = f"equal to {name} under --rule bdd100k: {_difference(coco.scores[name], bdd100k.scores[name])}"
        yield _bdd100k(name.upper(), bdd100k.scores[name], why)


def _difference(coco: float | None, bdd100k: float | None) -> str:
    reason = (
        "predicted pixels on void truth stay in the union, and a predicted segment is forgiven where more than half of "
        "it lies off every true segment that counts"
    )
    return f"the same here, though {reason}" if coco == bdd100k else reason
