"""segwright evaluate for objects, on real files with published figures; and further scores of masks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.verbs.test_evaluate import command, predictions, root  # noqa: F401  # fixtures
from tests.evaluate.folders import write_masks


@pytest.fixture
def coco(shared_data: Path) -> tuple[object, ...]:
    folder = shared_data / "metric_coco" / "cocoapi"
    results, truth = folder / "instances_val2014_fakesegm100_results.json", folder / "instances_val2014_100.json"
    return "--predictions", results, "--truth", truth


@pytest.fixture
def bdd(shared_data: Path) -> tuple[object, ...]:
    folder = shared_data / "metric_bdd100k" / "pan_seg"
    return "--predictions", folder / "pred", "--truth", folder / "gt"


def test_evaluate_instances__prints_writes_and_reports(command, coco, tmp_path: Path) -> None:  # noqa: F811
    written, report = tmp_path / "evaluation.json", tmp_path / "report.html"
    code, out, _ = command("evaluate", "--task", "instance", *coco, "--report", report, "--json", written)
    content = json.loads(written.read_text())
    assert code == 0
    assert round(content["scores"]["mask_ap"], 3) == 0.320  # what the COCO API prints for these files
    assert content["task"] == "instance"
    assert "mask_ap 0.3195" in out
    assert "umbrella" in report.read_text()


def test_evaluate_panoptic__under_the_rule_of_the_data(command, bdd) -> None:  # noqa: F811
    code, out, _ = command("evaluate", "--task", "panoptic", "--rule", "bdd100k", *bdd, "--json")
    assert code == 0
    assert json.loads(out)["scores"]["pq"] == pytest.approx(0.6646278879162743, abs=1e-12)  # published


def test_evaluate_objects__reconciled_with_the_libraries(command, bdd, coco) -> None:  # noqa: F811
    code, out, _ = command("evaluate", "--task", "panoptic", *bdd, "--reconcile", "--json")
    rows = {(row["library"], row["name"]): row for row in json.loads(out)["conventions"]}
    assert code == 0
    assert rows["bdd100k", "PQ"]["value"] == pytest.approx(0.6646278879162743, abs=1e-12)  # published
    assert rows["panopticapi", "All PQ"]["value"] == pytest.approx(0.6646301051, abs=1e-9)
    assert "off every true segment" in rows["bdd100k", "PQ"]["why"]
    code, out, _ = command("evaluate", "--task", "instance", *coco, "--reconcile")
    assert code == 0
    assert "pycocotools" in out
    assert "0.3195" in out


def test_evaluate_objects__a_condition_that_holds_is_exit_code_1(command, bdd) -> None:  # noqa: F811
    code, _, err = command("evaluate", "--task", "panoptic", *bdd, "--fail-if", "pq < 0.99")
    assert code == 1
    assert "pq < 0.99: holds" in err
    code, _, err = command("evaluate", "--task", "panoptic", *bdd, "--fail-if", "miou < 0.9")
    assert code == 2
    assert "names a score that was not scored" in err


def test_evaluate__a_failed_gate_is_part_of_the_one_json_answer(command, bdd, predictions, root) -> None:  # noqa: F811
    masks = ("--predictions", predictions, "--truth", root, "--fail-if", "scratch.iou <= 1")
    for words in (("--task", "panoptic", *bdd, "--fail-if", "pq < 0.99"), masks):
        code, out, err = command("evaluate", *words, "--json")
        answer = json.loads(out)
        assert code == 1
        assert answer["error"] == "GateFailed"
        assert len(answer["problems"]) == 1
        assert answer["images"] > 0
        assert "holds" in err


def test_evaluate__a_json_file_leaves_the_terminal_to_people(command, tmp_path: Path) -> None:  # noqa: F811
    missing = ("--predictions", tmp_path / "a.json", "--truth", tmp_path / "b.json")
    code, out, err = command("evaluate", "--task", "instance", *missing, "--json", tmp_path / "x.json")
    assert code == 2
    assert out == ""
    assert "  fix:" in err


def test_evaluate_objects__no_detection_at_all_is_said(command, coco, tmp_path: Path) -> None:  # noqa: F811
    empty = tmp_path / "empty.json"
    empty.write_text("[]")
    code, out, _ = command("evaluate", "--task", "instance", "--predictions", empty, *coco[2:])
    assert code == 0
    assert "no detection at all for 100 images" in out


def test_evaluate__one_class_and_nothing_else(command, tmp_path: Path) -> None:  # noqa: F811
    for name in ("p", "t"):
        write_masks(tmp_path / name, {"a": np.zeros((1, 1), np.uint8)})
    (tmp_path / "classes.txt").write_text("0 background\n")
    scored = ("--predictions", tmp_path / "p", "--truth", tmp_path / "t", "--classes", tmp_path / "classes.txt")
    more = ("--also", "surface", "--also", "cldice", "--also", "components", "--reconcile")
    code, out, err = command("evaluate", *scored, *more, "--report", tmp_path / "r.html", "--json")
    assert (code, "Traceback" in err) == (0, False)
    assert json.loads(out)["scores"]["pooled_miou"] == 1.0
    assert "NaN" not in out


def test_evaluate_objects__another_rule_is_no_comparison(command, bdd, tmp_path: Path) -> None:  # noqa: F811
    old = tmp_path / "old.json"
    assert command("evaluate", "--task", "panoptic", "--rule", "bdd100k", *bdd, "--json", old)[0] == 0
    code, _, err = command("evaluate", "--task", "panoptic", *bdd, "--no-worse-than", old)
    assert code == 2
    assert "rule: is not the same in both evaluations" in err


def test_evaluate__a_condition_on_a_score_that_was_not_asked_for(command, predictions, root) -> None:  # noqa: F811
    scored = ("evaluate", "--predictions", predictions, "--truth", root)
    code, _, err = command(*scored, "--fail-if", "scratch.nsd@1 < 0.5")
    assert code == 2
    assert "--also surface" in err


def test_evaluate_objects__against_an_earlier_evaluation(command, bdd, shared_data, tmp_path: Path) -> None:  # noqa: F811
    perfect, truth = tmp_path / "perfect.json", shared_data / "metric_bdd100k" / "pan_seg" / "gt"
    itself = ("--predictions", truth, "--truth", truth)
    assert command("evaluate", "--task", "panoptic", *itself, "--json", perfect)[0] == 0
    code, out, err = command("evaluate", "--task", "panoptic", *bdd, "--no-worse-than", perfect)
    assert code == 1
    assert "against the earlier evaluation" in out
    assert "pq: is worse than it was" in err
    assert "road.pq" in err
    assert command("evaluate", "--task", "panoptic", *bdd, "--compare", perfect)[0] == 0
    assert command("evaluate", "--task", "panoptic", *bdd, "--no-worse-than", perfect, "--tolerance", "1")[0] == 0
    code, _, err = command("evaluate", "--task", "instance", *bdd, "--no-worse-than", perfect)
    assert code == 2
    semantic = tmp_path / "semantic.json"
    semantic.write_text(perfect.read_text().replace('"task": "panoptic"', '"task": "semantic"'))
    code, _, err = command("evaluate", "--task", "panoptic", *bdd, "--compare", semantic)
    assert code != 0
    assert "is of another task" in err


def test_evaluate_objects__options_that_would_say_nothing_are_refused_together(command, tmp_path) -> None:  # noqa: F811
    code, _, err = command(
        "evaluate", "--task", "instance", "--groups", "line", "--also", "surface", "--map", "1=2", "--data", tmp_path
    )
    assert code == 2
    assert all(name in err for name in ("--groups", "--also", "--map", "--data"))
    code, _, err = command("evaluate", "--task", "instances", "--rule", "ade", "--kind", "mask")
    assert code == 2
    assert all(name in err for name in ("--task: is not known", "--rule", "--kind"))
    code, _, err = command("evaluate", "--task", "panoptic", "--truth", tmp_path)
    assert code == 2
    assert "no --predictions" in err


def test_evaluate__further_scores_are_printed_and_written(command, predictions, root) -> None:  # noqa: F811
    scored = ("evaluate", "--predictions", predictions, "--truth", root, "--also", "surface", "--also", "components")
    code, out, _ = command(*scored)
    assert code == 0
    assert "further scores" in out
    assert "nsd@1 1.0000" in out
    content = json.loads(command(*scored, "--json")[1])
    assert content["classes"]["scratch"]["component_f1@0.5"] == 1.0
    assert content["details"]["sizes"]["width"]["all"][0]["objects"] >= 0
    assert "clDice" not in out


def test_evaluate__an_unknown_family_of_scores(command, predictions, root) -> None:  # noqa: F811
    code, _, err = command("evaluate", "--predictions", predictions, "--truth", root, "--also", "surfaces")
    assert code == 2
    assert "surface, cldice, components" in err
