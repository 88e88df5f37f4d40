"""Conditions are checked before anything is scored: a preview has the names that the evaluation will have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segwright.evaluate import evaluate_instances, evaluate_panoptic
from segwright.evaluate.domains import ColumnSource
from segwright.evaluate.instances import pair_instances
from segwright.evaluate.panoptic import pair_panoptic
from segwright.evaluate.preview import preview_instances, preview_masks, preview_panoptic, preview_volumes
from segwright.evaluate.volume_evaluation import evaluate_volumes
from segwright.evaluate.volume_pairs import VolumeFiles, pair_volumes
from tests.cli.verbs.test_evaluate import command  # noqa: F401  # a fixture
from tests.evaluate.folders import write_masks
from tests.evaluate.instances.sets import random_set
from tests.evaluate.maps import CLASSES, pair, random_map
from tests.evaluate.test_volume_evaluation import ball, write


def same_names(preview, evaluation) -> None:
    assert list(preview.scores) == list(evaluation.scores)
    assert {name: set(row) for name, row in preview.classes.items()} == {
        name: set(row) for name, row in evaluation.classes.items()
    }
    assert {column: set(values) for column, values in preview.by_domain.items()} == {
        column: set(values) for column, values in evaluation.by_domain.items()
    }


@pytest.mark.parametrize("rule", ["coco", "lvis"])
def test_preview_instances__names_what_will_be_scored(rule: str) -> None:
    truth, results = random_set(3, federated=rule == "lvis")
    columns = ColumnSource("(?P<number>[0-9])")
    pairs = pair_instances(results, truth, rule=rule)
    evaluation = evaluate_instances(results, truth, rule=rule, columns=columns)
    described, _ = columns.of([str(row["id"]) for row in truth["images"]], "truth")
    same_names(preview_instances(pairs, list(described.values())), evaluation)


def test_preview_panoptic__names_what_will_be_scored(shared_data: Path) -> None:
    folder = shared_data / "metric_bdd100k" / "pan_seg"
    pairs = pair_panoptic(folder / "pred", folder / "gt")
    same_names(preview_panoptic(pairs.classes, "coco", []), evaluate_panoptic(folder / "pred", folder / "gt"))


def test_preview_volumes__names_what_will_be_scored(tmp_path: Path) -> None:
    for side in ("found", "truth"):
        write(tmp_path / side / "a.nii", ball())
    pairs = pair_volumes(VolumeFiles.open(tmp_path / "found"), VolumeFiles.open(tmp_path / "truth"))
    same_names(
        preview_volumes(pairs, (1, 2.5)),
        evaluate_volumes(*(tmp_path / side for side in ("found", "truth")), tolerances_mm=(1, 2.5)),
    )


def test_preview_masks__names_what_will_be_scored_of_wide_ids_and_models_too() -> None:
    from segwright.evaluate import score_frames

    rng, classes = np.random.default_rng(3), CLASSES
    pairs = [
        pair(random_map(rng, (9, 12)), random_map(rng, (9, 12)), f"f{number}", line="ab"[number % 2])
        for number in range(4)
    ]
    for also in ((), ("surface@1,2.5", "cldice", "components")):
        evaluation = score_frames(pairs, classes, boundary_px=(2, 5), also=also)
        columns = [pair.columns for pair in pairs]
        same_names(preview_masks(classes, columns, boundary_px=(2, 5), also=also, of_model=False), evaluation)
    of_model = preview_masks(classes, [], boundary_px=(3,), also=(), of_model=True)
    assert {"ece", "brier", "classwise_ece"} <= set(of_model.scores)


def test_evaluate__a_wrong_condition_is_told_before_the_first_frame_is_read(command, tmp_path: Path) -> None:  # noqa: F811
    for side in ("p", "t"):
        write_masks(tmp_path / side, {"a": np.zeros((4, 4), np.uint8)})
    (tmp_path / "classes.txt").write_text("0 background\n1 scratch\n")
    (tmp_path / "p" / "a.png").write_bytes(b"no picture")  # what scoring would stumble over
    sides = ("--predictions", tmp_path / "p", "--truth", tmp_path / "t", "--classes", tmp_path / "classes.txt")
    code, _, err = command("evaluate", *sides, "--fail-if", "scratsh.iou < 0.5", "--fail-if", "pooled_miou < x")
    assert code == 2
    assert "did you mean 'scratch'?" in err
    assert "cannot be read" in err
    assert "a.png" not in err
