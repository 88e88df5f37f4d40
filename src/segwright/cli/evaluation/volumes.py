"""`segwright evaluate --task volume`: stored label volumes beside their truth."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segwright.cli.evaluation.judgement import Demands, judged
from segwright.cli.evaluation.sides import columns_of
from segwright.cli.face import Face


def score_volumes(face: Face, given: Mapping[str, Any], _model: Path | None, json_file: Path | None) -> None:
    """Score, write what was asked for, print the answer, then fail where a demand is not met; `given` are the options.

    Raises:
        ConfigError: a missing side, conditions that cannot be read.
        DependencyMissing: nibabel is not installed.
        DataError: everything that cannot be read or compared.
        GateFailed: demands that are not met.
    """
    from segwright.cli.evaluation.answer import answer_of

    demands = Demands.read(
        given["fail_if"] or [], given["no_worse_than"], given["compare"], None, given["tolerance"], given["groups"]
    )
    evaluation = _scored(given, face)
    if json_file is not None:
        evaluation.write(json_file)
    judgement = judged(evaluation, demands)
    written = [path for path in (json_file, given["report"]) if path is not None]
    face.finish(judgement.to_stream(), answer_of(evaluation, written, judgement.tables()), gate=judgement.enforce)


def _scored(given: Mapping[str, Any], face: Face) -> Any:
    """The evaluation, its report written where one was asked for."""
    from dataclasses import replace

    from segwright.data.class_files import read_class_file
    from segwright.evaluate.gate import parse
    from segwright.evaluate.preview import preview_volumes
    from segwright.evaluate.report import write_report
    from segwright.evaluate.report.volume_panels import volume_panels
    from segwright.evaluate.surface.count import TOLERANCES
    from segwright.evaluate.volume_evaluation import evaluate_volume_pairs
    from segwright.evaluate.volume_pairs import VolumeFiles, pair_volumes

    table = None if given["classes"] is None else read_class_file(given["classes"])
    true = VolumeFiles.open(given["truth"])
    described, notes = columns_of(given).of(list(true.files), true.place)
    pairs = pair_volumes(VolumeFiles.open(given["predictions"]), true, table, described)
    pairs = replace(pairs, notes=(*pairs.notes, *notes))
    tolerances = given["surface_tolerance"] or TOLERANCES
    if given["fail_if"]:
        parse(preview_volumes(pairs, tolerances), given["fail_if"])
    evaluation = evaluate_volume_pairs(pairs, tolerances_mm=tolerances, listener=face.listener)
    if given["report"] is not None:
        title = f"Evaluation of {given['predictions'].name}"
        write_report(given["report"], evaluation, volume_panels(evaluation, pairs, given["images"]), title=title)
    return evaluation
