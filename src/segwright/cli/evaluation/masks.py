"""`segwright evaluate` of masks: stored ones beside their truth, or a model beside a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwright.cli.evaluation.judgement import Demands
from segwright.cli.evaluation.sides import columns_of, predicted_pairs, refuse_mixed, stored_pairs
from segwright.cli.face import Face

if TYPE_CHECKING:
    from segwright.core import ClassTable, Listener
    from segwright.evaluate import Evaluation, PredictedPairs, StoredPairs
    from segwright.evaluate.reconcile import Convention


def score_masks(face: Face, given: Mapping[str, Any], model: Path | None, json_file: Path | None) -> None:
    """Score, write what was asked for, print the answer, then fail where a demand is not met; `given` are the options.

    Raises:
        ConfigError, DataError, ArtefactError: what cannot be read, compared or demanded.
        GateFailed: demands that are not met.
    """
    from segwright.cli.evaluation.answer import answer_of
    from segwright.cli.evaluation.comparison import write_comparison_report
    from segwright.cli.evaluation.conventions import conventions_table, with_conventions, write_with_conventions
    from segwright.cli.evaluation.judgement import judged

    demands, report = _demands(given), given["report"]
    pairs, evaluation = _scored(given, model, face.listener)
    conventions = _conventions(evaluation) if given["reconcile"] else ()
    _write(evaluation, pairs, report)
    if json_file is not None:
        write_with_conventions(json_file, evaluation.to_stream(), conventions)
    judgement = judged(evaluation, demands)
    write_comparison_report(judgement, pairs)
    written = [path for path in (json_file, report, demands.report) if path is not None]
    more = [*judgement.tables(), *([conventions_table(conventions)] if conventions else [])]
    answer = with_conventions(judgement.to_stream(), conventions)
    face.finish(answer, answer_of(evaluation, written, more), gate=judgement.enforce)


def _demands(given: Mapping[str, Any]) -> Demands:
    names = ("no_worse_than", "compare", "compare_report", "tolerance", "groups")
    gate, compare, report, tolerance, groups = (given[name] for name in names)
    return Demands.read(given["fail_if"] or [], gate, compare, report, tolerance, groups)


def _scored(
    given: Mapping[str, Any], model: Path | None, listener: Listener
) -> tuple[StoredPairs | PredictedPairs, Evaluation]:
    """The pairs that were asked for, and their evaluation."""
    from segwright.evaluate import evaluate_predicted, evaluate_stored

    stored = given["predictions"], given["truth"], given["classes"], given["map_"] or [], given["images"]
    of_model = given["data"], given["split"], given["part"], given["fold"]
    distances, also, conditions = given["boundary_px"] or [3], _also(given), given["fail_if"]
    refuse_mixed(model, of_model, stored)
    if model is None:
        pairs, known = stored_pairs(*stored, columns_of(given))
        columns = [pairs.truth.columns(stem) for stem in pairs.truth.stems]
        _check(conditions, pairs.classes, columns, distances, also)
        return pairs, evaluate_stored(pairs, boundary_px=distances, also=also, listener=listener, provenance=known)
    pairs, known = predicted_pairs(model, of_model, columns_of(given))
    pairs.with_curves = given["report"] is not None  # the report draws them
    columns = [frame.columns for frame in pairs.frames]
    _check(conditions, pairs.dataset.classes, columns, distances, also, of_model=True)
    return pairs, evaluate_predicted(pairs, boundary_px=distances, also=also, listener=listener, provenance=known)


def _check(
    conditions: Sequence[str] | None,
    classes: ClassTable,
    columns: Sequence[Mapping[str, str]],
    distances: Sequence[int],
    also: Sequence[str],
    *,
    of_model: bool = False,
) -> None:
    """Refuse conditions that will name nothing, before an hour of frames is scored; raises as `gate.parse`."""
    if conditions:
        from segwright.evaluate.gate import parse
        from segwright.evaluate.preview import preview_masks

        parse(preview_masks(classes, columns, boundary_px=distances, also=also, of_model=of_model), conditions)


def _also(given: Mapping[str, Any]) -> list[str]:
    """The further families, surfaces at the tolerances that were named.

    Raises:
        ConfigError: tolerances, and no surfaces to count.
    """
    from segwright.core import ConfigError
    from segwright.evaluate.further import surface_at

    also, tolerances = given["also"] or [], given["surface_tolerance"]
    if not tolerances:
        return also
    if "surface" not in also:
        raise ConfigError.of(
            "--surface-tolerance", "says nothing alone: it is how far surfaces may lie apart",
            allowed="together with --also surface, or --task volume",
            found=" ".join(f"{each:g}" for each in tolerances), fix="add --also surface",
        )  # fmt: skip
    return [surface_at(tolerances) if name == "surface" else name for name in also]


def _conventions(evaluation: Evaluation) -> tuple[Convention, ...]:
    """From the evaluation's own counts: nothing is read or predicted again."""
    from segwright.evaluate.reconcile import reconcile_evaluation

    return reconcile_evaluation(evaluation)


def _write(evaluation: Evaluation, pairs: StoredPairs | PredictedPairs, report: Path | None) -> None:
    if report is not None:
        from segwright.evaluate import PredictedPairs
        from segwright.evaluate.report import worst_panels, write_report

        scored = evaluation.provenance.get("model") or evaluation.provenance["predictions"]
        title = f"Evaluation of {Path(str(scored)).name}"
        curves = pairs.curves if isinstance(pairs, PredictedPairs) else None
        write_report(report, evaluation, worst_panels(evaluation, pairs), title=title, curves=curves)
