"""Scores have the names they were given, and pages with formula, rules, reference and a 4x4 example that is run."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from segwright.core import ClassSpec, ClassTable
from segwright.evaluate.instances import pair_instances
from segwright.evaluate.preview import preview_instances, preview_masks, preview_panoptic
from tests.contracts.repository import DOCS

CLASSES = ClassTable((ClassSpec(0, "background"), ClassSpec(1, "scratch", "thing")), background="background")
PAGES = sorted(path for path in (DOCS / "scores").glob("*.md") if path.stem not in ("conventions", "intervals"))
ROW = re.compile(r"^\.\.\.\s+\[*(?:\d+, ){3}\d+\]", re.MULTILINE)
DRAWN = re.compile(r"^ {4}(?:[\w.] ){3}[\w.]", re.MULTILINE)

SEMANTIC = {"pooled_miou", "mean_image_miou", "boundary_f@3", "boundary_iou", "nsd@2", "hd95", "pixel_accuracy", "ece"}
OF_CLASS = {"iou", "dice", "precision", "recall", "boundary_f@3", "boundary_iou", "nsd@2", "hd95", "ece"}
INSTANCE = {"mask_ap", "mask_ap50", "mask_ap75", "mask_ar@100", "box_ap"}
PANOPTIC = {"pq", "sq", "rq", "pq_things", "pq_stuff"}


def test_scores__are_produced_under_their_names() -> None:
    masks = preview_masks(CLASSES, [], boundary_px=(3,), also=("surface",), of_model=True)
    assert set(masks.scores) >= SEMANTIC
    assert list(masks.scores)[-1] == "pixel_accuracy"  # shown last
    assert set(masks.classes["scratch"]) >= OF_CLASS
    truth = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "dent"}]}
    objects = preview_instances(pair_instances([], truth), [])
    assert set(objects.scores) >= INSTANCE
    assert set(objects.classes["dent"]) >= INSTANCE
    panoptic = preview_panoptic(CLASSES, "coco", [])
    assert set(panoptic.scores) >= PANOPTIC
    assert set(panoptic.classes["scratch"]) >= {"pq", "sq", "rq"}


def test_scores__an_absent_class_is_null() -> None:
    masks = preview_masks(CLASSES, [], boundary_px=(3,), also=("surface", "cldice"), of_model=False)
    row = masks.classes["scratch"]
    assert {
        row[name] for name in ("iou", "dice", "precision", "recall", "boundary_f@3", "nsd@1", "hd95", "cldice")
    } == {None}
    assert np.isfinite(masks.scores["pooled_miou"] or 0)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_score_page__has_formula_rules_reference_and_a_4x4_example(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.search(r"^ {4}.*[=/]|\| .*/.* \|", text, re.MULTILINE), "no formula"
    assert re.search(r"void", text, re.IGNORECASE), "no word on void"
    assert re.search(r"absent|null", text, re.IGNORECASE), "no word on absent classes"
    assert re.search(r"^## (?:Sources|The reference it equals)", text, re.MULTILINE), "no reference"
    assert re.search(r"equal", text), "does not say what it equals"
    assert len(ROW.findall(text)) >= 4 or len(DRAWN.findall(text)) >= 4, "no 4x4 example"
    assert re.search(r"^```(?:python|pycon)$", text, re.MULTILINE), "no example that is run"
