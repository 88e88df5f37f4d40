from __future__ import annotations

import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwright.core import ArtefactError, ClassTable, DataError, Note, Progress
from segwright.evaluate import (
    Collapsed,
    Evaluation,
    FramePair,
    Reliability,
    collapse_lines,
    count_frames,
    score_frames,
    summarise,
    with_reliability,
)
from segwright.evaluate.domains import MAX_DOMAIN_VALUES
from tests.evaluate.maps import CLASSES, VOID, labels, map_pairs, pair


def square(offset: int = 0, class_id: int = 1) -> np.ndarray:
    ids = np.zeros((30, 30), np.uint8)
    ids[5 + offset : 15 + offset, 5:15] = class_id
    return ids


@pytest.fixture
def pairs():
    return [
        pair(square(), square(), "a", line="A"),
        pair(square(1), square(), "b", line="A"),
        pair(square(12), square(), "c", line="B"),
    ]


def test_score_frames__by_domain_and_overall(pairs):
    evaluation = score_frames(pairs, CLASSES, provenance={"seed": 3})
    assert evaluation.images == 3
    assert evaluation.by_domain["line"]["A"].images == 2
    assert evaluation.by_domain["line"]["A"].classes["scratch"]["iou"] == pytest.approx((100 + 90) / (100 + 110))
    assert evaluation.by_domain["line"]["B"].overall["pooled_miou_foreground"] == 0.0
    assert evaluation.provenance["seed"] == 3
    assert evaluation.provenance["class_table_hash"] == CLASSES.content_hash


def test_score_frames__names_what_collapsed_overall_and_by_domain(pairs):
    heard = []
    evaluation = score_frames(pairs, CLASSES, listener=heard.append)
    assert [(row.name, row.domain, row.iou, row.pixels) for row in evaluation.collapsed] == [
        ("scratch", "line=B", 0.0, 100)
    ]
    notes = [event.text for event in heard if isinstance(event, Note)]
    assert notes == ["scratch collapsed where line=B: IoU 0.000 on 100 true pixels"]
    assert [event.done for event in heard if isinstance(event, Progress)] == [1, 2, 3]


def test_score_frames__a_column_of_one_value_repeats_no_collapse():
    heard = []
    one = pair(square(12), square(), line="A", lamp="dim")
    assert [row.domain for row in score_frames([one], CLASSES, listener=heard.append).collapsed] == [None]
    assert [event.text for event in heard if isinstance(event, Note)] == [
        "scratch collapsed: IoU 0.000 on 100 true pixels"
    ]


def test_score_frames__a_column_of_measurements_is_no_domain():
    frames = [
        pair(square(), square(), f"f{index}", area=f"{index / 4}", station=str(index), name=name)
        for index, name in enumerate(("a", "1.5", "nan"))
    ]
    evaluation = score_frames(frames, CLASSES)
    assert set(evaluation.by_domain) == {"station", "name"}
    assert "column 'area' holds measurements" in evaluation.notes[0]


def test_collapse_lines__one_a_class_with_its_worst_domains():
    worst = {"A": 0.09, "B": 0.0, "C": 0.01, "D": 0.0, "E": 0.08}
    rows = [
        Collapsed("dent", "line=A", 0.05, 1234),
        Collapsed("scratch", None, 0.02, 500),
        *(Collapsed("scratch", f"line={line}", iou, 100) for line, iou in worst.items()),
    ]
    assert collapse_lines(rows) == {
        "dent": "collapsed where line=A: IoU 0.050 on 1,234 true pixels",
        "scratch": "collapsed: IoU 0.020 on 500 true pixels; where line=B: IoU 0.000 on 100 true pixels; "
        "line=D: IoU 0.000 on 100 true pixels; line=C: IoU 0.010 on 100 true pixels; and 2 other domains",
    }
    assert collapse_lines([]) == {}


def test_score_frames__a_class_not_in_the_truth_does_not_collapse():
    assert score_frames([pair(square(), square() * 0)], CLASSES).collapsed == ()


def test_score_frames__worst_frames_first(pairs):
    evaluation = score_frames(pairs, CLASSES)
    assert [row.stem for row in evaluation.worst_frames(5)] == ["c", "b"]
    assert evaluation.worst_frames(1)[0].wrong_px == 200


def test_score_frames__a_column_of_many_values_is_no_domain():
    names = [*range(MAX_DOMAIN_VALUES + 1), 0]
    many = [pair([[0]], [[0]], f"f{n}", name=str(name), line="A") for n, name in enumerate(names)]
    evaluation = score_frames(many, CLASSES)
    assert set(evaluation.by_domain) == {"line"}
    assert evaluation.notes == (
        f"column 'name' has {MAX_DOMAIN_VALUES + 1} values; scores by domain are given up to 20",
    )


def test_score_frames__a_frame_without_the_column_is_its_own_domain():
    evaluation = score_frames([pair([[0]], [[0]], "a", line="A"), pair([[0]], [[0]], "b")], CLASSES)
    assert set(evaluation.by_domain["line"]) == {"A", "(none)"}


def test_score_frames__all_mismatches_are_named_at_once():
    bad = [pair([[0, 0]], [[0]], "small"), pair([[0]], [[0]], "fine"), pair([[0]], [[0], [0]], "tall")]
    with pytest.raises(DataError, match="small: is not of the truth's size") as caught:
        score_frames(bad, CLASSES)
    assert [problem.place for problem in caught.value.problems] == ["small", "tall"]


def test_score_frames__a_truth_of_another_table_is_refused():
    other = ClassTable.of(["background", "x", "y"])
    with pytest.raises(DataError, match="a truth of another class table"):
        score_frames([FramePair("f", labels([[0]], other), labels([[0]], other))], CLASSES)


def test_score_frames__no_frame_is_refused():
    with pytest.raises(DataError, match="no frame to score"):
        score_frames([], CLASSES)


def test_score_frames__holds_a_few_frames_at_a_time():
    pulled, ahead = [], []

    def stream():
        for index in range(200):
            pulled.append(index)
            yield pair(square(), square(), f"f{index:03d}")

    scored = score_frames(stream(), CLASSES, listener=lambda event: ahead.append(len(pulled) - event.done))
    assert scored.images == len(ahead) == 200
    assert max(ahead) <= 2 * min(8, os.cpu_count() or 1)


@given(st.lists(map_pairs(), min_size=1, max_size=4), st.integers(0, 2**31))
def test_score_frames__whatever_stands_at_void_changes_nothing(maps, seed):
    rng = np.random.default_rng(seed)

    def evaluation(*, shuffled: bool):
        rows = []
        for index, (prediction, truth) in enumerate(maps):
            ids, at_void = prediction.copy(), truth == VOID
            if shuffled:
                ids[at_void] = rng.choice([0, 1, 2, VOID], int(at_void.sum()))
            rows.append(pair(ids, truth, f"f{index}"))
        return score_frames(rows, CLASSES, boundary_px=(1, 3))

    assert evaluation(shuffled=True) == evaluation(shuffled=False)


def test_summarise__counts_of_workers_give_the_same(pairs):
    parts = [count_frames([one], CLASSES) for one in reversed(pairs)]
    assert summarise(parts[0] + parts[1] + parts[2]) == score_frames(pairs, CLASSES)


def test_with_reliability__puts_ece_before_pixel_accuracy(pairs):
    reliability = Reliability((10, *(0,) * 14), (4, *(0,) * 14), (5.0, *(0.0,) * 14), 3.0)
    evaluation = with_reliability(score_frames(pairs, CLASSES), reliability)
    assert list(evaluation.scores)[-3:] == ["ece", "brier", "pixel_accuracy"]
    assert evaluation.scores["ece"] == pytest.approx(0.1)
    assert "calibration" in evaluation.definitions["ece"]


def test_evaluation__json_round_trip(pairs, tmp_path):
    evaluation = with_reliability(score_frames(pairs, CLASSES, boundary_px=(1, 3)), Reliability())
    path = tmp_path / "new" / "evaluation.json"
    evaluation.write(path)
    assert Evaluation.read(path) == evaluation
    assert [entry.name for entry in path.parent.iterdir()] == ["evaluation.json"]
    content = json.loads(path.read_text())
    assert content["task"] == "semantic"
    assert content["classes"]["dent"]["iou"] is None
    assert content["by_domain"]["line"]["B"]["pooled_miou_foreground"] == 0.0
    assert content["collapsed"] == [{"class": "scratch", "domain": "line=B", "iou": 0.0, "pixels": 100}]
    assert content["confusion"]["columns"][-1] == "undecided"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a readable evaluation"),
        ("[]", "is not an evaluation"),
        ('{"schema_version": 99}', "another schema version"),
        ('{"schema_version": 1, "task": "semantic"}', "lacks or garbles a field"),
        ('{"schema_version": 1, "task": "panoptic"}', "another task"),
    ],
)
def test_evaluation__a_damaged_file_is_refused(text, message, tmp_path):
    path = tmp_path / "evaluation.json"
    path.write_text(text)
    with pytest.raises(ArtefactError, match=message):
        Evaluation.read(path)


def test_score_frames__a_column_with_another_value_for_every_frame_is_no_domain():
    rows = [pair(square(), square(), f"f{index}", part_px=str(1000 + index), line="A") for index in range(6)]
    evaluation = score_frames(rows, CLASSES)
    assert set(evaluation.by_domain) == {"line"}
    assert any("part_px" in note for note in evaluation.notes)
    assert "part_px" in score_frames(rows[:5], CLASSES).by_domain  # of a few frames each may be a domain
