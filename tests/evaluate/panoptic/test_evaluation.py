"""The published figures come out of the published files; what cannot be compared is refused, all at once."""

from __future__ import annotations

import doctest
import json
from pathlib import Path

import numpy as np
import pytest

from segwright.core import DataError
from segwright.evaluate.panoptic import (
    BDD100K_CLASSES,
    DEFINITIONS,
    RULES,
    PanopticCounts,
    PanopticFrame,
    count_panoptic_frame,
    evaluate_panoptic,
    open_panoptic,
    summarise_panoptic,
)
from tests.evaluate.panoptic import oracle
from tests.evaluate.panoptic.files import write_bitmask, write_coco
from tests.evaluate.panoptic.frames import CLASSES, frame, random_frame, random_ids

PAGE = Path(__file__).parents[3] / "docs" / "scores" / "pq.md"
PUBLISHED = {"PQ": "pq", "SQ": "sq", "RQ": "rq"}
PARTS = {"": "", "/STUFF": "_stuff", "/THING": "_things"}


def frames_of(seed: int, count: int = 3) -> list[PanopticFrame]:
    rng = np.random.default_rng(seed)
    return [random_frame(rng, random_ids(rng, (12, 17)) % 2**24, stem=f"f{at}", crowd=0.1) for at in range(count)]


def places_of(error: pytest.ExceptionInfo[DataError]) -> list[tuple[str, str]]:
    return [(Path(problem.place).name, problem.rule) for problem in error.value.problems]


def test_bdd100k__gives_the_published_figures(shared_data: Path) -> None:
    folder = shared_data / "metric_bdd100k"
    published = json.loads((folder / "EXPECTED.json").read_text(encoding="utf-8"))["pan_seg/gt vs pan_seg/pred"]
    evaluation = evaluate_panoptic(folder / "pan_seg" / "pred", folder / "pan_seg" / "gt", rule="bdd100k")
    for theirs, ours in PUBLISHED.items():
        for suffix, part in PARTS.items():
            assert 100 * evaluation.scores[ours + part] == pytest.approx(published[theirs + suffix], abs=1e-12)
    assert evaluation.details["classes_in_means"] == {"all": 17, "things": 2, "stuff": 15}
    assert 100 * evaluation.scores["pq"] == published["PQ"] == 66.46278879162743


def test_bdd100k__of_one_frame_gives_the_published_counts(shared_data: Path) -> None:
    folder = shared_data / "metric_bdd100k"
    published = json.loads((folder / "EXPECTED.json").read_text(encoding="utf-8"))
    pair = [open_panoptic(folder / "pan_seg" / part, None).read("a") for part in ("pred", "gt")]
    counts = PanopticCounts(BDD100K_CLASSES, "bdd100k", (count_panoptic_frame(*pair, rule="bdd100k"),))
    rows = summarise_panoptic(counts).classes
    names = {spec.class_id: spec.name for spec in BDD100K_CLASSES}
    for class_id, tp, fp, fn, iou_sum in published["pan_seg a.png per category [cat,tp,fp,fn,iou_sum]"]:
        row = rows[names[class_id]]
        assert [row["tp"], row["fp"], row["fn"]] == [tp, fp, fn]
        assert row["sq"] == pytest.approx(iou_sum / tp if tp else 0, abs=1e-15)


def test_bdd100k__a_missing_prediction_is_refused_and_a_void_one_is_published(shared_data: Path, tmp_path) -> None:
    folder = shared_data / "metric_bdd100k"
    published = json.loads((folder / "EXPECTED.json").read_text(encoding="utf-8"))
    expected = published["pan_seg/gt+ vs pan_seg/pred (one prediction missing)"]
    with pytest.raises(DataError, match=r"lacks predictions for 1 of 3 frames\n.*\n.*missing: c; there: a, b"):
        evaluate_panoptic(folder / "pan_seg" / "pred", folder / "pan_seg" / "gt+")
    for path in (folder / "pan_seg" / "pred").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    write_bitmask(tmp_path, PanopticFrame("c", np.zeros((720, 1280), np.uint32), {}, BDD100K_CLASSES))
    scores = evaluate_panoptic(tmp_path, folder / "pan_seg" / "gt+", rule="bdd100k").scores
    for name in ("PQ", "SQ", "RQ", "PQ/STUFF", "PQ/THING", "RQ/STUFF", "RQ/THING"):
        quality, _, part = name.partition("/")
        ours = PUBLISHED[quality] + PARTS[f"/{part}" if part else ""]
        assert 100 * scores[ours] == pytest.approx(expected[name], abs=1e-12)


def test_bdd100k__under_the_rule_of_coco(shared_data: Path) -> None:
    folder = shared_data / "metric_bdd100k" / "pan_seg"
    assert 100 * evaluate_panoptic(folder / "pred", folder / "gt").scores["pq"] == pytest.approx(66.46301051, abs=1e-8)


def test_formats__of_one_frame_are_one_frame(shared_data: Path, tmp_path: Path) -> None:
    """BDD100K's own pair of a bitmask and its conversion to COCO."""
    folder = shared_data / "metric_bdd100k"
    row = json.loads((folder / "panseg_coco" / "panseg_coco.json").read_text(encoding="utf-8"))
    (tmp_path / "panoptic.json").write_text(json.dumps({"annotations": [row]}), encoding="utf-8")
    (tmp_path / "panoptic").mkdir()
    (tmp_path / "panoptic" / row["file_name"]).write_bytes(
        (folder / "panseg_coco" / "panseg_mask.png").read_bytes()
    )  # fmt: skip
    bitmask = open_panoptic(folder / "panseg_bdd100k", None).read("panseg_mask")
    converted = open_panoptic(tmp_path, BDD100K_CLASSES)
    assert converted.read("panseg_mask") == bitmask
    assert converted.stale_areas(bitmask) == 0
    assert evaluate_panoptic(tmp_path, folder / "panseg_bdd100k").scores["pq"] == 1.0


def test_coco__sample_against_itself_is_perfect(shared_data: Path) -> None:
    folder = shared_data / "panoptic_coco_sample" / "sample_data"
    evaluation = evaluate_panoptic(folder / "panoptic_examples.json", folder)
    assert set(evaluation.scores.values()) == {1.0}
    assert evaluation.images == 2
    assert evaluation.notes == ()


@pytest.mark.parametrize("rule", RULES)
def test_coco__sample_shifted_is_the_definition(shared_data: Path, rule) -> None:
    """Real segments, crowds among them, at half size; the prediction is the truth two pixels to the right."""
    source = open_panoptic(shared_data / "panoptic_coco_sample" / "sample_data" / "panoptic_examples.json", None)
    rows, expected = [], []
    for stem in source.stems:
        ids, named = source.read(stem).ids[::2, ::2], source.read(stem).segments
        truth, prediction = (
            PanopticFrame(stem, each, {key: named[key] for key in np.unique(each).tolist() if key}, source.classes)
            for each in (ids, np.roll(ids, 2, axis=1))
        )
        rows.append(count_panoptic_frame(prediction, truth, rule=rule))
        expected.append({"coco": oracle.coco, "bdd100k": oracle.bdd100k}[rule](prediction, truth))
    evaluation = summarise_panoptic(PanopticCounts(source.classes, rule, tuple(rows)))
    qualities = oracle.qualities(expected)
    assert any(any(segment.is_crowd for segment in source.read(stem).segments.values()) for stem in source.stems)
    for spec in source.classes:
        found = [evaluation.classes[spec.name][name] for name in ("pq", "sq", "rq")]
        assert found == (pytest.approx(qualities[spec.class_id]) if spec.class_id in qualities else [None] * 3)


def test_evaluate__counts_files_as_frames(tmp_path: Path) -> None:
    truth, predictions = frames_of(0), frames_of(1)
    places = write_coco(tmp_path / "truth.json", truth), write_coco(tmp_path / "p" / "panoptic.json", predictions)
    pairs = zip(predictions, truth, strict=True)
    counts = PanopticCounts(CLASSES, "coco", tuple(count_panoptic_frame(*pair) for pair in pairs))
    expected = summarise_panoptic(counts)
    for workers in (1, 3, None):
        found = evaluate_panoptic(tmp_path / "p", places[0], workers=workers)
        assert (found.scores, found.classes, found.details) == (expected.scores, expected.classes, expected.details)
    assert found.void_fraction == pytest.approx(sum((each.ids == 0).mean() for each in truth) / 3)
    assert found.provenance["predictions"] == str(places[1])
    assert found.provenance["truth"] == str(places[0])
    assert found.task == "panoptic"
    found.write(tmp_path / "evaluation.json")
    written = json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))
    assert written["details"]["frames"][0]["stem"] == "f0"
    assert written["details"]["rule"] == "coco"


def test_evaluate__matches_by_image_id_where_there_are_some_in_common(tmp_path: Path) -> None:
    truth = frames_of(0)
    renamed = [PanopticFrame(f"r{each.stem}", each.ids, each.segments, CLASSES) for each in truth]
    true, predicted = write_coco(tmp_path / "t.json", truth), write_coco(tmp_path / "p.json", renamed)
    assert evaluate_panoptic(predicted, true).scores["pq"] == 1.0
    with pytest.raises(DataError, match="lacks predictions for 3 of 3 frames"):
        evaluate_panoptic(write_coco(tmp_path / "q.json", renamed, first_id=100), true)


def test_evaluate__leaves_out_predictions_without_truth_and_says_so(tmp_path: Path) -> None:
    truth = frames_of(0)
    true, predicted = write_coco(tmp_path / "t.json", truth[:2]), write_coco(tmp_path / "p.json", truth)
    said = []
    evaluation = evaluate_panoptic(predicted, true, listener=said.append)
    assert evaluation.notes == ("1 predictions have no truth and were left out: f2",)
    assert said[0].text == evaluation.notes[0]
    assert (said[-1].done, said[-1].total) == (2, 2)


def test_evaluate__notes_areas_that_are_stale(tmp_path: Path) -> None:
    path = write_coco(tmp_path / "t.json", frames_of(0, 1))
    data = json.loads(path.read_text(encoding="utf-8"))
    data["annotations"][0]["segments_info"][0]["area"] += 1
    path.write_text(json.dumps(data), encoding="utf-8")
    evaluation = evaluate_panoptic(path, path)
    assert evaluation.notes == (f"1 segments of {path} have another area in the JSON than in the PNG; the PNG counts",)


def test_evaluate__collects_what_cannot_be_compared(tmp_path: Path) -> None:
    truth, predictions = frames_of(0, 4), frames_of(1, 4)
    predictions[1] = frame([[1, 1]], {1: 1}, "f1")
    true, predicted = write_coco(tmp_path / "t.json", truth), write_coco(tmp_path / "p.json", predictions)
    (tmp_path / "p" / "f0.png").unlink()
    (tmp_path / "t" / "f2.png").write_bytes(b"\x89PNG")
    write_coco(tmp_path / "x.json", [frame([[9]], {9: 1}, "f3")])
    (tmp_path / "p" / "f3.png").write_bytes((tmp_path / "x" / "f3.png").read_bytes())
    with pytest.raises(DataError) as error:
        evaluate_panoptic(predicted, true)
    assert places_of(error)[:4] == [
        ("f0.png", "does not exist"),
        ("f1: prediction", "is not of the truth's size"),
        ("f2.png", "is not an image"),
        ("f3.png", "1 pixels have segment ids that no segment names"),
    ]


def test_summary__of_no_frame_is_refused() -> None:
    with pytest.raises(DataError, match="has no frame to score"):
        summarise_panoptic(PanopticCounts(CLASSES, "coco"))


def test_details__list_few_segments_and_count_all() -> None:
    ids = np.arange(1, 301).reshape(1, 300)
    many = frame(ids, dict.fromkeys(range(1, 301), 5))
    none = frame(np.zeros((1, 300)), {})
    row = summarise_panoptic(PanopticCounts(CLASSES, "coco", (count_panoptic_frame(none, many),))).details["frames"][0]
    assert row["fn"] == 300
    assert len(row["false_negatives"]) == 100
    assert row["pq"] == 0.0


def test_page__examples_print_what_they_say() -> None:
    results = doctest.testfile(str(PAGE), module_relative=False)
    assert results.attempted > 3
    assert results.failed == 0


def test_page__names_every_score() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in DEFINITIONS if name not in text.lower()] == []
