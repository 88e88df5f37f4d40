"""Scores by domain of instances and panoptic maps: those of the frames with that value alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from segwright.core import ConfigError, DataError
from segwright.evaluate import evaluate_instances, evaluate_panoptic
from segwright.evaluate.domains import ColumnSource
from tests.cli.verbs.test_evaluate import command  # noqa: F401  # a fixture
from tests.evaluate.instances.sets import random_set


def test_evaluate_instances__a_domain_scores_like_its_images_alone(tmp_path: Path) -> None:
    truth, results = random_set(3)
    for row in truth["images"]:
        row["file_name"] = f"line-{row['id'] % 2}_{row['id']}.png"
    evaluation = evaluate_instances(results, truth, columns=ColumnSource(pattern="(?P<line>[^_]+)_"))
    assert set(evaluation.by_domain) == {"line"}
    for value, scores in evaluation.by_domain["line"].items():
        images = {row["id"] for row in truth["images"] if row["file_name"].startswith(value)}
        part = {
            **truth,
            "images": [row for row in truth["images"] if row["id"] in images],
            "annotations": [row for row in truth["annotations"] if row["image_id"] in images],
        }
        alone = evaluate_instances([row for row in results if row["image_id"] in images], part)
        assert scores.images == len(images)
        assert (scores.overall, scores.classes) == (alone.scores, alone.classes)
    evaluation.write(tmp_path / "evaluation.json")
    written = json.loads((tmp_path / "evaluation.json").read_text())
    assert (
        written["by_domain"]["line"]["line-1"]["mask_ap"] == evaluation.by_domain["line"]["line-1"].overall["mask_ap"]
    )
    assert written["details"]["frames"][0]["columns"] == {"line": "line-1"}


def test_column_source__folder_pattern_and_csv_in_one(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("image,lamp\nx/a_1.png,warm\nelsewhere,cold\n")
    columns, notes = ColumnSource("(?P<name>[ab])_", tmp_path / "c.csv").of(["x/a_1", "y/b_2"], "masks")
    assert columns == {
        "x/a_1": {"folder": "x", "name": "a", "lamp": "warm"},
        "y/b_2": {"folder": "y", "name": "b"},
    }
    assert notes == ("c.csv: 1 rows name no frame: elsewhere", "c.csv: 1 frames have no row: y/b_2")
    with pytest.raises(DataError, match=r"(?s)masks: 1 of 2 frame names do not match the column pattern.*y/b_2"):
        ColumnSource("(?P<name>a)_").of(["x/a_1", "y/b_2"], "masks")
    with pytest.raises(ConfigError, match="names no column"):
        ColumnSource("a").of(["x/a_1"], "masks")


def test_evaluate__columns_of_every_task(command, shared_data: Path, tmp_path: Path) -> None:  # noqa: F811
    folder = shared_data / "metric_bdd100k" / "pan_seg"
    sides = ("--predictions", folder / "pred", "--truth", folder / "gt")
    stems = sorted(path.stem for path in (folder / "gt").glob("*.png"))
    rows = "".join(f"{stem},{'day' if number % 2 else 'night'}\n" for number, stem in enumerate(stems))
    (tmp_path / "light.csv").write_text(f"image,light\n{rows}")
    report = tmp_path / "report.html"
    told = ("--columns-csv", tmp_path / "light.csv", "--fail-if", "light=night/pq < 0.01")
    code, out, _ = command("evaluate", "--task", "panoptic", *sides, *told, "--report", report, "--json")
    tables = json.loads(out)["by_domain"]
    assert code == 0
    assert sum(row["images"] for row in tables["light"].values()) == len(stems)
    assert tables["light"]["day"]["classes"]["road"]["pq"] is not None
    assert "<h3>light" in report.read_text()
    evaluation = evaluate_panoptic(*sides[1::2], columns=ColumnSource(csv=tmp_path / "light.csv"))
    assert evaluation.by_domain["light"]["day"].overall["pq"] == tables["light"]["day"]["pq"]
