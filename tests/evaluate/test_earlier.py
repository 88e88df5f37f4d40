"""The predictions of an earlier evaluation, found again: or the reason why they are not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segwright.core import ArtefactError, ClassTable, DataError, Image, LabelMap, SegwrightError
from segwright.evaluate import Evaluation, StoredPairs, evaluate_stored, pair_up
from segwright.evaluate.earlier import earlier_predictions, reason
from segwright.evaluate.sources import open_source
from tests.evaluate.folders import frame, write_masks
from tests.evaluate.maps import CLASSES, VOID, labels

TRUTH = {f"f{seed}": frame(seed)[1] for seed in range(2)}
OLD = {stem: np.roll(np.where(ids == VOID, 0, ids), 2, axis=1) for stem, ids in TRUTH.items()}
PICTURE = Image(np.zeros((48, 64, 3), np.uint8))


class Model:
    """Answers with the old masks, in turn; `turned` pixels of the first row as scratch."""

    def __init__(self, classes: ClassTable = CLASSES, turned: int = 0) -> None:
        self.classes, self.turned = classes, turned

    def predict(self, frame, *, confidence=True, probabilities=False):
        ids = OLD["f0"].copy()
        ids[0, 10 : 10 + self.turned] = 1
        return type("Answer", (), {"label_map": labels(ids), "probabilities": None})


def no_model(path: Path):
    raise AssertionError(f"{path} was opened as a model")


def stored(root: Path, masks=None, **mapping: int) -> StoredPairs:
    predictions = write_masks(root / "old", OLD if masks is None else masks)
    truth = write_masks(root / "truth", TRUTH)
    renamed = {int(key.removeprefix("v")): value for key, value in mapping.items()}
    return pair_up(open_source(predictions, CLASSES, renamed), open_source(truth, CLASSES, {}), CLASSES)


@pytest.fixture
def pairs(tmp_path) -> StoredPairs:
    return stored(tmp_path)


@pytest.fixture
def old(pairs) -> Evaluation:
    return evaluate_stored(pairs)


def of_model(old: Evaluation) -> Evaluation:
    return replace(old, provenance={"model": str(Path(__file__).parent)})


def test_earlier_predictions__files_are_read_again(pairs, old):
    earlier = earlier_predictions(old, pairs, no_model)
    found = earlier.of(pairs.pair("f1"), None)
    assert found == labels(OLD["f1"])


def test_earlier_predictions__with_the_renamings_they_were_read_with(tmp_path):
    shifted = {stem: np.where(ids == 1, 7, ids).astype(np.uint8) for stem, ids in OLD.items()}
    pairs = stored(tmp_path, shifted, v7=1)
    old = evaluate_stored(pairs, provenance={"map": "7=1"})
    assert earlier_predictions(old, pairs, no_model).of(pairs.pair("f0"), None) == labels(OLD["f0"])
    garbled = replace(old, provenance={**old.provenance, "map": "7 to 1"})
    with pytest.raises(ArtefactError, match="renamings nobody can read"):
        earlier_predictions(garbled, pairs, no_model)


def test_earlier_predictions__files_changed_since_are_not_shown(tmp_path, pairs, old):
    other = OLD["f1"].copy()
    other[20:30] = 2
    write_masks(tmp_path / "old", {"f1": other})
    earlier = earlier_predictions(old, pairs, no_model)
    assert earlier.of(pairs.pair("f0"), None) == labels(OLD["f0"])
    with pytest.raises(DataError, match="f1: old prediction: gives other counts") as caught:
        earlier.of(pairs.pair("f1"), None)
    assert reason(caught.value) == "f1: old prediction: gives other counts than were scored: it was changed since"


def test_earlier_predictions__a_pixel_changed_under_void_is_no_change(tmp_path, pairs, old):
    other = OLD["f1"].copy()
    other[0, 0] = 2  # the truth is void there
    write_masks(tmp_path / "old", {"f1": other})
    assert earlier_predictions(old, pairs, no_model).of(pairs.pair("f1"), None) == labels(other)


def test_earlier_predictions__files_of_another_size_are_not_shown(tmp_path, pairs, old):
    write_masks(tmp_path / "old", {"f0": OLD["f0"][:-1]})
    with pytest.raises(DataError, match="not of the truth's size"):
        earlier_predictions(old, pairs, no_model).of(pairs.pair("f0"), None)


@pytest.mark.parametrize(
    ("provenance", "why"),
    [
        ({}, "old evaluation: does not say where its predictions are"),
        ({"predictions": "nowhere/at/all"}, "nowhere/at/all: no longer holds the old predictions"),
        ({"model": "nowhere/net.bundle"}, "nowhere/net.bundle: no longer holds the old model"),
    ],
)
def test_earlier_predictions__says_why_there_are_none(pairs, old, provenance, why):
    with pytest.raises(SegwrightError) as caught:
        earlier_predictions(replace(old, provenance=provenance), pairs, no_model)
    assert reason(caught.value) == why


def test_earlier_predictions__a_model_is_asked_again(pairs, old):
    earlier = earlier_predictions(of_model(old), pairs, lambda path: Model())
    assert isinstance(earlier.of(pairs.pair("f0"), PICTURE), LabelMap)
    with pytest.raises(DataError, match="f0: has no picture to ask the old model about"):
        earlier.of(pairs.pair("f0"), None)


def test_earlier_predictions__a_model_may_round_otherwise_and_no_more(pairs, old):
    valid = sum(old.frames[0].truth_px)
    near = earlier_predictions(of_model(old), pairs, lambda path: Model(turned=valid // 1000))
    assert isinstance(near.of(pairs.pair("f0"), PICTURE), LabelMap)
    far = earlier_predictions(of_model(old), pairs, lambda path: Model(turned=valid // 1000 + 1))
    with pytest.raises(DataError, match="gives other counts"):
        far.of(pairs.pair("f0"), PICTURE)


def test_earlier_predictions__a_model_of_other_classes_is_another_model(pairs, old):
    with pytest.raises(DataError, match="it is another model now"):
        earlier_predictions(of_model(old), pairs, lambda path: Model(ClassTable.of(["background", "hole"])))


def test_earlier_predictions__of_a_run_that_wrote_its_own_evaluation(pairs, old, tmp_path):
    opened = []

    def open_model(path: Path) -> Model:
        opened.append(path)
        return Model()

    earlier_predictions(replace(old, provenance={"run": "x"}), pairs, open_model, run=tmp_path)
    assert opened == [tmp_path]
