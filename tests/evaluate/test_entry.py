from __future__ import annotations

import dataclasses
import importlib
import json

import numpy as np
import pytest

import segwright
from segwright.core import ClassTable, ConfigError, DataError, Note, Size
from segwright.data import open_dataset
from segwright.evaluate import evaluate
from segwright.infer import Predictor, Preprocessing, SemanticPrediction, TilePlan
from segwright.infer.bundle import Lineage, write_bundle
from tests.evaluate.folders import CLASS_LINES, frame, write_dataset, write_masks
from tests.evaluate.maps import CLASSES, VOID, labels
from tests.infer.bundles import make_bundle
from tests.infer.models import Colours

NAMES = ["background", "scratch", "dent"]
TRUTH = np.array([[0, 0, 1, 1], [2, 2, 0, VOID]])
PREDICTION = np.array([[0, 1, 1, 1], [2, 0, 0, 2]])


def test_evaluate__the_package_is_called_like_the_function():
    importlib.import_module("segwright.evaluate")
    for _ in range(2):
        assert segwright.evaluate(PREDICTION, TRUTH, classes=NAMES) == evaluate(PREDICTION, TRUTH, classes=NAMES)


def test_evaluate__arrays_with_names():
    evaluation = evaluate(PREDICTION, TRUTH, classes=NAMES)
    assert evaluation.images == 1
    assert evaluation.classes["scratch"]["iou"] == pytest.approx(2 / 3)
    assert evaluation.void_fraction == pytest.approx(1 / 8)


def test_evaluate__label_maps_predictions_iterables_and_mappings_agree():
    prediction, truth = labels(PREDICTION), labels(TRUTH)
    image = segwright.core.Image(np.zeros((2, 4, 3), np.uint8))
    expected = evaluate(prediction, truth).scores
    assert evaluate([prediction], [truth]).scores == expected
    assert evaluate(iter([prediction]), iter([truth])).scores == expected
    assert evaluate({"a": prediction}, {"a": truth}).scores == expected
    assert evaluate(SemanticPrediction(image, prediction), truth).scores == expected
    assert evaluate([PREDICTION], [TRUTH], classes=CLASSES).scores == expected


def test_evaluate__more_predictions_than_truths_is_refused():
    with pytest.raises(ValueError, match="shorter than argument 1"):
        evaluate([labels(TRUTH)] * 2, [labels(TRUTH)])


def test_evaluate__missing_stems_of_a_mapping_are_named():
    with pytest.raises(DataError, match="lack 1 of 2 frames") as caught:
        evaluate({"a": labels(TRUTH)}, {"a": labels(TRUTH), "b": labels(TRUTH)})
    assert "missing: b" in str(caught.value)


def test_evaluate__arrays_without_classes_are_refused():
    with pytest.raises(ConfigError, match="needed to read an array of ids"):
        evaluate(PREDICTION, TRUTH)


@pytest.mark.parametrize(
    "array", [np.zeros((2, 2)), np.zeros((1, 2, 2), int), np.full((2, 2), -1), np.zeros((2, 2), bool)]
)
def test_evaluate__an_array_of_anything_else_is_refused(array):
    with pytest.raises(DataError, match="does not hold class ids"):
        evaluate(array, array, classes=NAMES)


def test_evaluate__an_id_is_never_wrapped():
    with pytest.raises(DataError, match="not in the class table"):
        evaluate(np.array([[256]]), np.array([[0]]), classes=NAMES)


def test_evaluate__a_bundle_on_all_its_training_data_is_refused(tmp_path):
    dataset, bundle, path = open_dataset(write_dataset(tmp_path / "data")), make_bundle(tmp_path), tmp_path / "known"
    lineage = Lineage(dataset_hash=dataset.with_columns({"f0": {"lamp": "dim"}}).content_hash)
    write_bundle(dataclasses.replace(bundle, path=path, lineage=lineage), bundle.path / "model.onnx", path)
    for truth in (tmp_path / "data", dataset):
        with pytest.raises(ConfigError, match="the data the model was trained with"):
            evaluate(path, truth)
    assert evaluate(path, dataset.only(["f0", "f1"])).images == 2


def test_evaluate__nothing_is_refused():
    with pytest.raises(DataError, match="no frame to score"):
        evaluate([], [])


def test_evaluate__folders_of_masks(tmp_path):
    truth = write_masks(tmp_path / "truth", {"A/one": frame(0)[1], "B/one": frame(1)[1]})
    predictions = write_masks(
        tmp_path / "predictions", {"A/one": frame(0)[1], "B/one": frame(0)[1] * 0, "C/more": frame(2)[1]}
    )
    (truth / "classes.txt").write_text(CLASS_LINES)
    heard = []
    evaluation = evaluate(predictions, truth, listener=heard.append)
    assert evaluation.images == 2
    assert evaluation.by_domain["folder"]["A"].classes["scratch"]["iou"] == 1.0
    assert evaluation.by_domain["folder"]["B"].classes["scratch"]["iou"] == 0.0
    assert evaluation.notes == ("1 predictions have no truth and were left out: C/more",)
    assert any("left out: C/more" in event.text for event in heard if isinstance(event, Note))


def test_evaluate__a_prediction_folder_brings_its_class_table(tmp_path):
    masks = {"one": frame(0)[1]}
    truth = write_masks(tmp_path / "truth", masks)
    write_masks(tmp_path / "predictions" / "masks", masks)
    write_masks(tmp_path / "predictions" / "confidence", {"one": frame(0)[0][..., 0]})
    (tmp_path / "predictions" / "manifest.json").write_text(json.dumps({"classes": CLASSES.to_json()}))
    assert set(evaluate(tmp_path / "predictions", truth).classes) == set(NAMES)


def test_evaluate__two_files_need_not_share_a_name(tmp_path):
    write_masks(tmp_path, {"prediction": frame(0)[1], "truth": frame(0)[1]})
    evaluation = evaluate(tmp_path / "prediction.png", tmp_path / "truth.png", classes=CLASSES)
    assert evaluation.scores["pooled_miou"] == 1.0
    assert [row.stem for row in evaluation.frames] == ["truth"]


def test_evaluate__predictions_against_a_dataset(tmp_path):
    root = write_dataset(tmp_path / "data")
    predictions = write_masks(tmp_path / "out" / "masks", {f"f{seed}": frame(seed)[1] for seed in range(4)}).parent
    for truth in (root, open_dataset(root)):
        evaluation = evaluate(predictions, truth)
        assert evaluation.scores["pooled_miou"] == 1.0
        assert set(evaluation.by_domain["line"]) == {"A", "B"}


def test_evaluate__every_missing_prediction_is_named_at_once(tmp_path):
    root = write_dataset(tmp_path / "data")
    predictions = write_masks(tmp_path / "out", {"f1": frame(1)[1]})
    with pytest.raises(DataError, match="lacks predictions for 3 of 4 frames") as caught:
        evaluate(predictions, root)
    assert "missing: f0, f2, f3" in str(caught.value)


def test_evaluate__every_bad_mask_is_named_at_once(tmp_path):
    truth = write_masks(tmp_path / "truth", {name: frame(0)[1] for name in "abc"})
    small, unknown = frame(0)[1][::2, ::2], frame(0)[1] + np.uint8(40)
    predictions = write_masks(tmp_path / "out", {"a": small, "b": frame(0)[1], "c": unknown})
    with pytest.raises(DataError) as caught:
        evaluate(predictions, truth, classes=CLASSES)
    assert len(caught.value.problems) == 2
    assert "out: a: is not of the truth's size" in str(caught.value)
    assert "not in the class table" in str(caught.value)


def test_evaluate__masks_nobody_named_are_named_after_their_ids(tmp_path):
    masks = write_masks(tmp_path / "masks", {"one": frame(0)[1]})
    evaluation = evaluate(masks, masks)
    assert set(evaluation.classes) == {"class_0", "class_1", "class_2"}
    assert "255 is void" in evaluation.notes[0]


def test_evaluate__a_binary_mask_does_not_tell_whether_255_is_void(tmp_path):
    masks = write_masks(tmp_path / "masks", {"one": np.where(frame(0)[1] == 1, 255, 0)})
    with pytest.raises(ConfigError, match="its values do not tell what they mean") as caught:
        evaluate(masks, masks)
    assert "--map 255=1" in str(caught.value)
    evaluation = evaluate(masks, masks, classes=["background", "object"], mapping={255: 1})
    assert evaluation.classes["object"]["iou"] == 1.0


def test_evaluate__two_masks_of_one_name_are_refused(tmp_path):
    masks = write_masks(tmp_path / "masks", {"one": frame(0)[1]})
    (masks / "one.tif").write_bytes((masks / "one.png").read_bytes())
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(DataError, match="has two masks"):
        evaluate(tmp_path, tmp_path, classes=CLASSES)


def test_evaluate__a_folder_without_masks_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(DataError, match="holds no mask"):
        evaluate(tmp_path, tmp_path, classes=CLASSES)


def test_evaluate__a_model_on_a_dataset_has_reliability(tmp_path):
    root = write_dataset(tmp_path / "data")
    bundle = make_bundle(tmp_path)
    evaluation = evaluate(bundle.path, root)
    assert evaluation.images == 4
    assert evaluation.scores["pooled_miou"] > 0.95
    assert evaluation.reliability is not None
    assert evaluation.scores["ece"] == evaluation.reliability.ece


def test_evaluate__a_predictor_needs_a_dataset():
    predictor = Predictor(Colours(), CLASSES, Preprocessing(mean=(0, 0, 0), std=(1, 1, 1)), TilePlan(Size(32, 32), 8))
    with pytest.raises(ConfigError, match="must be a dataset"):
        evaluate(predictor, [labels(TRUTH)])


def test_evaluate__a_dataset_of_other_classes_is_refused(tmp_path):
    predictor = Predictor(Colours(), CLASSES, Preprocessing(mean=(0, 0, 0), std=(1, 1, 1)), TilePlan(Size(32, 32), 8))
    root = write_dataset(tmp_path / "data")
    dataset = open_dataset(root, classes=ClassTable.of(["a", "b", "c"]))
    with pytest.raises(DataError, match="another class table than the dataset"):
        evaluate(predictor, dataset)


def test_evaluate__a_path_needs_a_path(tmp_path):
    with pytest.raises(ConfigError, match="must be a path or a dataset"):
        evaluate(tmp_path, [labels(TRUTH)])


def test_evaluate__real_predictions(shared_data):
    root = shared_data / "video_davis2016"
    evaluation = evaluate(
        root / "predictions_osvos2017",
        root / "Annotations" / "480p",
        classes=["background", "object"],
        mapping={255: 1, 2: 1},
    )
    assert evaluation.images == 93
    assert evaluation.by_domain["folder"]["blackswan"].classes["object"]["iou"] == pytest.approx(0.943, abs=0.001)


def test_evaluate__single_training_frames_are_refused_by_name(tmp_path):
    dataset, bundle, path = open_dataset(write_dataset(tmp_path / "data")), make_bundle(tmp_path), tmp_path / "known"
    lineage = Lineage(dataset_hash="d" * 64, train_frames=dataset.image_hashes["f1"])
    write_bundle(dataclasses.replace(bundle, path=path, lineage=lineage), bundle.path / "model.onnx", path)
    with pytest.raises(ConfigError, match=r"(?s)holds 1 of 4 frames that the model was trained on.*found:   f1"):
        evaluate(path, dataset)
    assert evaluate(path, dataset.only(["f0", "f2"])).images == 2
