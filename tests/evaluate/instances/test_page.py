"""The page on AP names every score, and its example runs as printed."""

from __future__ import annotations

import doctest

from segwright.evaluate.instances import DEFINITIONS, LVIS, evaluate_instances
from segwright.evaluate.instances.rules import AREA_RANGES, KINDS
from tests.contracts.repository import DOCS
from tests.evaluate.instances.sets import random_set

PAGE = DOCS / "scores" / "ap.md"


def test_page__example_runs() -> None:
    done = doctest.testfile(str(PAGE), module_relative=False)
    assert done.attempted >= 7
    assert done.failed == 0


def test_page__names_every_score() -> None:
    text = PAGE.read_text(encoding="utf-8")
    names = [name for name in DEFINITIONS if name != "ar@N"] + ["ar@1", "ar@10", "ar@100", "ar@300"]
    assert [name for name in (*names, *KINDS, *AREA_RANGES) if name not in text] == []
    assert [name for name in names if f"`{name}`" not in text] == []
    assert f"The best {LVIS.most_in_frame} detections" in text


def test_definitions__there_is_one_for_every_score() -> None:
    truth, results = random_set(1, federated=True)
    for rule in ("coco", "lvis"):
        evaluation = evaluate_instances(results, truth, kinds=["mask", "boundary"], rule=rule)
        names = {*evaluation.scores, *(name for row in evaluation.classes.values() for name in row)}
        assert set(evaluation.definitions) == {*names, "absent"}
        assert not any("N detections" in sentence for sentence in evaluation.definitions.values())
