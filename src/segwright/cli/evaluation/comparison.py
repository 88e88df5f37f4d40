"""The page of `segwright evaluate --compare-report`: the earlier predictions found again, and the page written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segwright.cli.evaluation.judgement import Judgement
    from segwright.evaluate import Evaluation, PredictedPairs, StoredPairs
    from segwright.evaluate.earlier import EarlierPredictions
    from segwright.infer import Predictor


def write_comparison_report(judgement: Judgement, pairs: StoredPairs | PredictedPairs) -> None:
    """Write the page where one was asked for; where the old predictions are not to be had, it says why."""
    from segwright.core import SegwrightError
    from segwright.evaluate.earlier import reason
    from segwright.evaluate.report.changed import changed_panels
    from segwright.evaluate.report.compare_page import FRAMES_SHOWN, TOLERANCE, Compared, write_comparison

    demands, comparison = judgement.demands, judgement.comparison
    if demands.report is None or demands.old is None or comparison is None:
        return
    earlier, note = None, ""
    try:
        earlier = _earlier(demands.old, demands.old_path, pairs)
    except SegwrightError as error:
        note = reason(error)
    tolerance = TOLERANCE if demands.tolerance is None else demands.tolerance
    names = _names(demands.old, judgement.evaluation)
    compared = Compared(demands.old, judgement.evaluation, comparison, names, tolerance, note)
    lost, won = (changed_panels(rows(FRAMES_SHOWN), pairs, earlier) for rows in (comparison.lost, comparison.won))
    write_comparison(demands.report, compared, lost, won)


def _earlier(old: Evaluation, path: Path | None, pairs: StoredPairs | PredictedPairs) -> EarlierPredictions:
    """A run writes its evaluation beside its plan, and names no path in it."""
    from segwright.evaluate.earlier import earlier_predictions

    wrote_it = path is not None and "run" in old.provenance and (path.parent / "plan.yaml").is_file()
    return earlier_predictions(old, pairs, _model, run=path.parent if path is not None and wrote_it else None)


def _model(path: Path) -> Predictor:
    if (path / "bundle.json").is_file():
        from segwright.infer import read_bundle
        from segwright.infer.loading import semantic_predictor

        return semantic_predictor(read_bundle(path))
    from segwright.train.run import open_run

    return open_run(path).predictor()


def _names(old: Evaluation, new: Evaluation) -> tuple[str, str]:
    """What people call the two: the last part of what was scored; told apart where that is the same."""
    before, after = (_name(side) for side in (old, new))
    return (before, after) if before != after else (f"{before} (old)", f"{after} (new)")


def _name(evaluation: Evaluation) -> str:
    known = evaluation.provenance
    return Path(str(known.get("model") or known.get("predictions") or known.get("run") or "evaluation")).name
