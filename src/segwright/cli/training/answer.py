"""What training says when it is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segwright.evaluate import Evaluation, ObjectEvaluation
    from segwright.train import Run

SHOWN = {"instance": ("mask_ap", "mask_ap50", "mask_ap75", "box_ap"), "panoptic": ("pq", "sq", "rq")}


def answer(run: Run, evaluation: Evaluation | ObjectEvaluation) -> str:
    """The scores of the best checkpoint, and what to do next."""
    frames = f"{run.path}: best checkpoint on {evaluation.images} held-out frames"
    if run.plan.objects is None:
        headline = f"{frames}, pooled mIoU {_number(evaluation.scores['pooled_miou'])}"
        rows = score_rows(evaluation)
    else:
        headline, rows = frames, object_rows(evaluation, SHOWN[run.plan.task])
    report, export = f"report: {run.path / 'report.html'}", f"next: segwright export {run.path} --to onnx"
    return "\n".join([headline, *rows, report, export])


def score_rows(evaluation: Evaluation | ObjectEvaluation) -> list[str]:
    """IoU and boundary F of every class, a line each under a heading."""
    rows = [f"{'':16}{'IoU':>8}{'boundary F@3px':>16}"]
    for name, scores in evaluation.classes.items():
        iou, boundary = (_number(scores.get(key)) for key in ("iou", "boundary_f@3"))
        rows.append(f"{name:16}{iou:>8}{boundary:>16}")
    return rows


def object_rows(evaluation: Evaluation | ObjectEvaluation, names: Sequence[str]) -> list[str]:
    """The scores `names` of all classes and of each, a line each under a heading."""
    rows = [" " * 16 + "".join(f"{name:>12}" for name in names)]
    for who, scores in {"all": evaluation.scores, **evaluation.classes}.items():
        rows.append(f"{who:16}" + "".join(f"{_number(scores.get(name)):>12}" for name in names))
    return rows


def _number(value: float | None) -> str:
    return "absent" if value is None else f"{value:.3f}"
