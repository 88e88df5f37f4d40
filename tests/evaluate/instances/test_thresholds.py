"""The score each class's objects need, chosen on frames whose detections are known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segwright.core import (
    ClassTable,
    ConfigError,
    DataError,
    Image,
    InstanceSet,
    LabelMap,
    Size,
    adopt,
    instance_from_mask,
)
from segwright.data import Dataset, open_dataset
from segwright.data.codecs import write_image, write_label_map
from segwright.evaluate.instances.predicted import PredictedObjects, predicted_objects, ranking
from segwright.evaluate.instances.thresholds import MARGIN, choose_object_thresholds
from segwright.infer.objects import InstancePrediction, ObjectDecision
from segwright.infer.predictor import as_image

CLASSES = ClassTable.of(["background", "bolt", "nut"])
SIZE = Size(20, 60)
Found = list[tuple[int, int, float]]  # column, class id, score


class Says:
    """A model that answers each frame with what is written for it: squares of 10 px at a column."""

    classes = CLASSES

    def __init__(self, *answers: Found) -> None:
        self._answers = list(answers)

    def predict(self, frame: Any, /) -> InstancePrediction:
        image = as_image(frame)
        made = [square(column, class_id, score) for column, class_id, score in self._answers.pop(0)]
        return InstancePrediction(image, InstanceSet(image.size, tuple(made), CLASSES))


def square(column: int, class_id: int, score: float | None = None) -> Any:
    return instance_from_mask(np.ones((10, 10), bool), class_id, at=(5, column), score=score)


def dataset(folder: Path, *frames: list[tuple[int, int]]) -> Dataset:
    """A frame each, with squares of a class at columns; index masks, so each region is an object."""
    for number, squares in enumerate(frames):
        ids = np.zeros((SIZE.height, SIZE.width), np.uint8)
        for column, class_id in squares:
            ids[5:15, column : column + 10] = class_id
        write_image(folder / "images" / f"{number}.png", Image(adopt(np.zeros((*ids.shape, 3), np.uint8))))
        write_label_map(folder / "masks" / f"{number}.png", LabelMap(adopt(ids), CLASSES))
    return open_dataset(folder, classes=CLASSES)


def asked(folder: Path, truth: list[list[tuple[int, int]]], *answers: Found) -> PredictedObjects:
    return predicted_objects(Says(*answers), dataset(folder, *truth), kinds=("mask",))


def test_choose__lies_halfway_below_the_last_detection_worth_having(tmp_path: Path) -> None:
    found = asked(
        tmp_path,
        [[(0, 1), (20, 1)], [(40, 1)]],
        [(0, 1, 0.9), (20, 1, 0.4), (40, 1, 0.2)],  # the last is none
        [(40, 1, 0.3), (10, 1, 0.1)],
    )
    chosen = choose_object_thresholds(found, ObjectDecision(score=0.5))
    assert chosen.proposed == {"bolt": pytest.approx(0.25)}
    assert chosen.kept
    assert chosen.before.classes["bolt"] == {"precision": 1.0, "recall": 1 / 3, "f1": 0.5, "iou": 1 / 3}
    assert chosen.after.classes["bolt"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0, "iou": 1.0}
    assert (chosen.before.objective, chosen.after.objective) == (0.5, 1.0)
    assert chosen.images == 2
    decided = chosen.decided(ObjectDecision(score=0.5, thresholds={"nut": 0.7}))
    assert decided.thresholds == {"nut": 0.7, "bolt": pytest.approx(0.25)}


def test_choose__a_class_that_is_not_there_keeps_its_threshold_and_is_named(tmp_path: Path) -> None:
    found = asked(tmp_path, [[(0, 1)]], [(0, 1, 0.4), (40, 2, 0.9)])
    chosen = choose_object_thresholds(found, ObjectDecision(thresholds={"nut": 0.8}))
    assert set(chosen.proposed) == {"bolt"}
    assert any(note.startswith("nut is not in the hold-out") for note in chosen.notes)
    assert chosen.after.classes["nut"]["recall"] is None
    assert chosen.after.objective == 1.0, "a class without truth is in no mean"


def test_choose__no_gain_keeps_the_decision_of_the_model(tmp_path: Path) -> None:
    found = asked(tmp_path, [[(0, 1)]], [(0, 1, 0.9)])
    chosen = choose_object_thresholds(found, ObjectDecision(score=0.5))
    assert not chosen.kept
    decision = ObjectDecision(score=0.5)
    assert chosen.decided(decision) is decision
    assert any("were not kept" in note for note in chosen.notes)
    assert chosen.proposed == {"bolt": pytest.approx(0.9)}


def test_choose__a_promise_of_precision_is_kept_before_recall_counts(tmp_path: Path) -> None:
    truth = [[(0, 1), (20, 1), (40, 1)]]
    rows = [(0, 1, 0.9), (20, 1, 0.6), (10, 1, 0.5), (30, 1, 0.4), (40, 1, 0.3)]  # the third and fourth are none
    careful = choose_object_thresholds(asked(tmp_path / "a", truth, rows), ObjectDecision(), target="precision>=0.9")
    greedy = choose_object_thresholds(asked(tmp_path / "b", truth, rows), ObjectDecision(), target="recall>=1")
    assert careful.proposed == {"bolt": pytest.approx(0.55)}
    assert greedy.proposed == {"bolt": pytest.approx(0.3)}
    assert greedy.after.classes["bolt"]["precision"] == 0.6


def test_choose__detections_of_one_score_stay_together(tmp_path: Path) -> None:
    found = asked(tmp_path, [[(0, 1), (20, 1)]], [(0, 1, 0.4), (20, 1, 0.4), (40, 1, 0.4)])
    chosen = choose_object_thresholds(found, ObjectDecision(score=0.5))
    assert chosen.proposed == {"bolt": pytest.approx(0.4)}
    assert chosen.after.classes["bolt"]["precision"] == 2 / 3


def test_choose__nothing_to_choose_on_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no object to calibrate on"):
        choose_object_thresholds(asked(tmp_path, [[]], [(0, 1, 0.4)]), ObjectDecision())


def test_choose__an_unknown_target_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="target: is not one that thresholds can be chosen for"):
        choose_object_thresholds(asked(tmp_path, [[(0, 1)]], [(0, 1, 0.4)]), ObjectDecision(), target="accuracy")


def test_to_json__is_what_a_bundle_keeps(tmp_path: Path) -> None:
    chosen = choose_object_thresholds(asked(tmp_path, [[(0, 1)]], [(0, 1, 0.4)]), ObjectDecision())
    kept = json.loads(json.dumps(chosen.to_json()))
    assert (kept["target"], kept["kept"], kept["iou"], kept["margin"]) == ("f1", True, 0.5, MARGIN)
    assert kept["before"]["classes"]["bolt"]["recall"] == 0.0
    assert replace(chosen, thresholds=None).to_json()["thresholds"] is None


def test_ranking__asks_for_candidates_a_user_would_not_be_shown() -> None:
    decision = ObjectDecision(score=0.6, thresholds={"bolt": 0.9}, most=7)
    assert (ranking(decision).score, ranking(decision).thresholds, ranking(decision).most) == (0.05, {}, 100)
    assert ranking(replace(decision, most=300), 0.2).most == 300


def test_predicted_objects__scores_and_notes(tmp_path: Path) -> None:
    found = asked(tmp_path, [[(0, 1), (20, 2)], []], [(0, 1, 0.9), (20, 2, 0.8)], [(40, 2, 0.3)])
    evaluation = found.evaluated(provenance={"bundle": "parts"})
    # a false detection below all true ones lowers no AP
    assert evaluation.scores["mask_ap50"] == pytest.approx(1.0)
    assert evaluation.provenance["bundle"] == "parts"
    assert "the labels tell no objects apart: each connected region counts as one" in evaluation.notes
    picture = found.images.of("0", SIZE)
    assert picture is not None
    assert picture.size == SIZE
    assert found.images.of("nowhere", SIZE) is None


def test_predicted_objects__frames_without_labels_are_counted_and_none_at_all_is_refused(tmp_path: Path) -> None:
    labelled, other = dataset(tmp_path, [(0, 1)], [(0, 1)]).frames
    held_out = replace(dataset(tmp_path, [(0, 1)], [(0, 1)]), frames=(labelled, replace(other, mask=None)))
    notes = predicted_objects(Says([(0, 1, 0.9)]), held_out, kinds=("mask",)).notes
    assert "1 frames have no labels and were left out" in notes
    with pytest.raises(DataError, match="has no frame to score"):
        predicted_objects(Says(), held_out.only([other.stem]), kinds=("mask",))


def test_predicted_objects__another_class_table_and_unreadable_labels_are_refused(tmp_path: Path) -> None:
    held_out = dataset(tmp_path, [(0, 1)], [(0, 1)])
    other = Says([])
    other.classes = ClassTable.of(["background", "bolt"])
    with pytest.raises(DataError, match="model: has another class table than the dataset"):
        predicted_objects(other, held_out)
    for number in (0, 1):
        (tmp_path / "masks" / f"{number}.png").write_bytes(b"broken")
    with pytest.raises(DataError, match="is not an image") as caught:
        predicted_objects(Says([], []), held_out)
    assert len(caught.value.problems) == 2
