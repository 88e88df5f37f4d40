"""The page of instance and panoptic evaluations: what stands on it, and that it needs nothing from outside."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from segwright.core import ClassTable
from segwright.evaluate.objects import ObjectEvaluation
from segwright.evaluate.report.object_page import write_object_report

CLASSES = ClassTable.of(["bolt", "nut", "rivet"], background=None)


def instance() -> ObjectEvaluation:
    curve = {"recall": [0.0, 0.5, 1.0], "precision": [1.0, 0.8, 0.0], "score": [0.9, 0.5, 0.0]}
    row = {"mask_ap": 0.75, "mask_ap50": 0.9, "mask_ap75": 0.7, "mask_ar@100": 0.8, "truths": 12, "images": 4}
    absent = {**dict.fromkeys(row), "truths": 0, "images": 0}
    return ObjectEvaluation(
        "instance",
        CLASSES,
        5,
        scores={"mask_ap": 0.5, "mask_ap50": 0.61, "mask_ap_small": None},
        classes={"bolt": row, "nut": {**row, "mask_ap": 0.25, "mask_ap50": 0.32}, "rivet": absent},
        definitions={"mask_ap": "Average precision of masks."},
        details={
            "precision_recall": {"mask": {"bolt": curve, "nut": curve, "rivet": None}},
            "frames": [
                {"image_id": 1, "name": "right.png", "mask": {"tp": 3, "fp": 0, "fn": 0}},
                {"image_id": 2, "name": "wrong <1>.png", "mask": {"tp": 1, "fp": 2, "fn": 4}},
            ],
        },
        notes=("rivet is nowhere true",),
    )


def panoptic() -> ObjectEvaluation:
    row = {"pq": 0.4, "sq": 0.8, "rq": 0.5, "tp": 2, "fp": 1, "fn": 3}
    absent = {**dict.fromkeys(row), "tp": 0, "fp": 0, "fn": 0}
    frames = [{"stem": "street/7", "pq": 0.4, "tp": 2, "fp": 1, "fn": 3, "void_px": 9}]
    return ObjectEvaluation(
        "panoptic",
        CLASSES,
        1,
        scores={"pq": 0.4, "sq": 0.8, "rq": 0.5, "pq_things": 0.4, "pq_stuff": None},
        classes={"bolt": row, "nut": absent, "rivet": absent},
        definitions={"pq": "Panoptic quality."},
        void_fraction=0.0123,
        details={"frames": frames},
    )


@pytest.mark.parametrize("evaluation", [instance(), panoptic()], ids=lambda each: each.task)
def test_object_page__is_one_file_that_asks_for_nothing(tmp_path: Path, evaluation: ObjectEvaluation) -> None:
    path = tmp_path / "new" / "report.html"
    write_object_report(path, evaluation, title="Bolts & nuts")
    text = path.read_text(encoding="utf-8")
    assert "Bolts &amp; nuts" in text
    assert not re.search(r"(src|href)=\"(https?:)?//", text)
    assert [each.name for each in path.parent.iterdir()] == ["report.html"]


def test_object_page__lowest_class_first_and_absent_last(tmp_path: Path) -> None:
    write_object_report(tmp_path / "report.html", instance())
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    table = text[text.index('id="classes"') : text.index('id="curves"')]
    assert table.index("nut") < table.index("bolt") < table.index("rivet")
    assert "0.610" in text
    assert "rivet is nowhere true" in text
    assert text.count("<polyline") == 2
    assert "wrong &lt;1&gt;.png" in text
    assert "right.png" not in text


def test_object_page__panoptic_shows_quality_and_void(tmp_path: Path) -> None:
    write_object_report(tmp_path / "report.html", panoptic())
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "1.23 % of pixels" in text
    assert "PQ, things" in text
    assert "street/7" in text
