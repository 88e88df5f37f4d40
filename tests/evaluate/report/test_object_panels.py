"""The frames of instance and panoptic reports: what is painted is what is counted, and it is painted to be seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segwright.core import Box, ClassSpec, ClassTable, DataError, Image
from segwright.data.codecs import encode_image
from segwright.evaluate.compare_objects import outcome_of
from segwright.evaluate.difference import OUTCOME_COLOURS, Outcome
from segwright.evaluate.instances import evaluate_instances, pair_instances
from segwright.evaluate.instances.outcomes import outcomes_of
from segwright.evaluate.panoptic import PanopticFrame, Segment
from segwright.evaluate.report.instance_panels import instance_panels, instance_views, least_score
from segwright.evaluate.report.object_page import write_object_report
from segwright.evaluate.report.object_pictures import FrameImages, worst_rows
from segwright.evaluate.report.paint import Region, paint
from segwright.evaluate.report.panoptic_panels import panoptic_views, segment_outcomes
from tests.evaluate.instances.sets import random_set

CLASSES = ClassTable((ClassSpec(1, "road"), ClassSpec(2, "car", "thing")))


@pytest.mark.parametrize("rule", ["coco", "lvis"])
@pytest.mark.parametrize("kind", ["mask", "box", "boundary"])
@pytest.mark.parametrize("seed", range(4))
def test_outcomes_of__are_as_many_as_were_counted(seed: int, kind: str, rule: str) -> None:
    truth, results = random_set(seed, boxes=True, federated=rule == "lvis")
    pairs = pair_instances(results, truth, kinds=[kind], rule=rule)  # type: ignore[list-item]
    evaluation = evaluate_instances(results, truth, kinds=[kind], rule=rule)  # type: ignore[list-item]
    least = least_score(evaluation, pairs)
    for position, row in enumerate(evaluation.details["frames"]):
        frame = pairs.frames.frame(position)
        for shown, from_score in ((row[kind], None), (row[kind]["at_best_f1"], least)):
            found = outcomes_of(
                frame, pairs.kinds[0], pairs.rule, boundary_ratio=pairs.boundary_ratio, least_score=from_score
            )
            counted = len(found.found), len(found.invented), len(found.missed)
            assert counted == tuple(shown[name] for name in ("tp", "fp", "fn"))
    assert least is None or 0 <= least <= 1


def test_best_f1__takes_the_detections_that_pay(tmp_path: Path) -> None:
    def box(left: int) -> dict[str, object]:
        return {"image_id": 1, "category_id": 1, "bbox": [left, 0, 4, 4]}

    truth = {
        "images": [{"id": 1, "file_name": "plate.png", "height": 8, "width": 40}],
        "categories": [{"id": 1, "name": "dent"}],
        "annotations": [{"id": 1, "area": 16, **box(0)}, {"id": 2, "area": 16, **box(10)}],
    }
    results = [{"score": score, **box(left)} for score, left in ((0.9, 0), (0.6, 20), (0.5, 10), (0.2, 30))]
    evaluation = evaluate_instances(results, truth, kinds=["box"])
    # 1 of 1 and 1 of 2: 2/3; then 2/4; then 2 of 3 and 2 of 2: 4/5; then 4/6
    assert evaluation.details["best_f1"]["box"] == {"score": 0.5, "f1": pytest.approx(0.8)}
    assert outcome_of(evaluation.details["frames"][0]) == {"tp": 2, "fp": 1, "fn": 0}


def test_segment_outcomes__one_of_each() -> None:
    truth = PanopticFrame(
        "a", np.array([[1, 1, 1, 1, 2, 2, 3, 0, 4, 4]], np.uint32),
        {1: Segment(1), 2: Segment(2), 3: Segment(2), 4: Segment(2, is_crowd=True)}, CLASSES,
    )  # fmt: skip
    prediction = PanopticFrame(
        "a", np.array([[1, 1, 1, 5, 5, 5, 0, 5, 0, 0]], np.uint32), {1: Segment(1), 5: Segment(1)}, CLASSES
    )
    found = segment_outcomes(prediction, truth, "coco")[0].tolist()
    right, missed, false, confused, void = (
        Outcome.RIGHT, Outcome.MISSED, Outcome.FALSE, Outcome.CONFUSED, Outcome.VOID,
    )  # fmt: skip
    assert found == [right, right, right, false, confused, confused, missed, void, void, void]
    views = panoptic_views(prediction, truth, None, "coco")
    assert views.truth.shape == views.difference.shape == (1, 10, 3)


def test_paint__a_thin_object_is_still_seen_on_a_thumbnail() -> None:
    canvas = np.full((700, 700, 3), 225, np.uint8)
    colour = OUTCOME_COLOURS[Outcome.MISSED]
    scratch = Region(Box(300, 100, 302, 600), np.ones((2, 500), np.bool_), colour)
    paint(canvas, [scratch], Box(0, 0, 700, 700))
    assert (canvas[300:302, 100:600] == colour).all()
    assert (canvas[299, 100:600] == 255).all()
    square = Region(Box(10, 10, 110, 110), np.ones((100, 100), np.bool_), colour)
    paint(canvas, [square], Box(0, 0, 700, 700))
    assert (canvas[10:15, 10:110] == colour).all()  # five px of seven hundred
    assert not (canvas[60, 60] == colour).all()


def test_paint__only_what_lies_in_the_window() -> None:
    canvas = np.zeros((4, 4, 3), np.uint8)
    region = Region(Box(0, 0, 6, 6), np.ones((6, 6), np.bool_), (10, 20, 30))
    paint(canvas, [region, Region(Box(20, 20, 30, 30), None, (1, 1, 1))], Box(4, 4, 8, 8))
    assert canvas[0, 0].tolist() == [10, 20, 30]
    assert canvas[3, 3].tolist() == [0, 0, 0]


def test_instance_panels__show_the_worst_frames_over_their_images(tmp_path: Path) -> None:
    truth, results = random_set(5)
    (tmp_path / "images").mkdir()
    for row in truth["images"][:2]:
        pixels = np.full((row["height"], row["width"], 3), 90, np.uint8)
        (tmp_path / "images" / row["file_name"]).write_bytes(encode_image(Image(pixels), ".png"))
    pairs = pair_instances(results, truth, kinds=["mask"])
    evaluation = evaluate_instances(results, truth, kinds=["mask"])
    names = [row["name"].removesuffix(".png") for row in evaluation.details["frames"]]
    images = FrameImages.in_folder(tmp_path / "images", names)
    panels = list(instance_panels(evaluation, pairs, images))
    worst = [row["name"].removesuffix(".png") for _, row in worst_rows(evaluation)]
    assert [panel.name for panel in panels] == worst
    assert sum(panel.pictures.image is not None for panel in panels) == 2
    write_object_report(tmp_path / "page.html", evaluation, panels)
    page = (tmp_path / "page.html").read_text()
    assert page.count("<figure>") == len(worst)
    assert "right: a detection that found its object" in page


def test_instance_views__boxes_alone_are_drawn_as_boxes() -> None:
    truth, results = random_set(2, boxes=True)
    pairs = pair_instances(results, truth, kinds=["box"])
    views = instance_views(pairs.frames.frame(0), None, pairs, None)
    assert views.difference.shape == (110, 130, 3)


def test_frame_images__by_path_or_by_name_and_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "val").mkdir()
    (tmp_path / "val" / "a.png").write_bytes(encode_image(Image(np.zeros((3, 3, 3), np.uint8)), ".png"))
    assert set(FrameImages.in_folder(tmp_path, ["val/a", "b"]).paths) == {"val/a"}
    assert set(FrameImages.in_folder(tmp_path, ["elsewhere/a"]).paths) == {"elsewhere/a"}
    assert FrameImages.in_folder(None, ["a"]).paths == {}
    with pytest.raises(DataError, match=r"(?s)holds no image of the frames.*allowed: b.*found:   val/a"):
        FrameImages.in_folder(tmp_path, ["b"])
    size = Image(np.zeros((4, 3, 3), np.uint8)).size
    with pytest.raises(DataError, match=r"(?s)a\.png: is not of its frame's size.*3x4"):
        FrameImages.in_folder(tmp_path, ["val/a"]).of("val/a", size)
