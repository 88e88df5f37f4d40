from __future__ import annotations

import re

import numpy as np
import pytest

from segwright.core import ClassTable, Image
from segwright.evaluate import (
    Reliability,
    ThresholdCurves,
    count_reliability,
    count_threshold_curves,
    score_frames,
    with_reliability,
)
from segwright.evaluate.report import FramePanel, worst_panels, write_report
from tests.evaluate.maps import CLASSES, labels, pair, soft
from tests.evaluate.report.balanced import Balanced


def square(offset: int = 0) -> np.ndarray:
    ids = np.zeros((40, 50), np.uint8)
    ids[5 + offset : 15 + offset, 5:25] = 1
    return ids


@pytest.fixture
def pairs():
    return {
        "good": pair(square(), square(), "good", line="A"),
        "bad <b>": pair(square(20), square(), "bad <b>", line="B"),
    }


def written(tmp_path, pairs, **changes) -> str:
    reliability = count_reliability(soft(square(), np.random.default_rng(0), evidence=2), labels(square()))
    evaluation = score_frames(
        pairs.values(),
        CLASSES,
        boundary_px=(1, 3),
        provenance={"seed": 7, "part": "validation", "dataset_hash": "ab" * 32},
    )
    image = Image(np.full((40, 50, 3), 90, np.uint8))
    panels = [
        FramePanel(row.stem, image, pairs[row.stem].truth, pairs[row.stem].prediction)
        for row in evaluation.worst_frames(3)
    ]
    path = tmp_path / "report.html"
    write_report(path, with_reliability(evaluation, reliability), panels, title="Brackets & co", **changes)
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]
    return path.read_text(encoding="utf-8")


def test_write_report__needs_no_network(tmp_path, pairs):
    text = written(tmp_path, pairs)
    assert not re.search(r"""(?:src|href)=["'](?!data:|#)""", text)
    assert not re.search(r"https?://|@import|url\(", text)


def test_write_report__is_well_formed_and_escapes_names(tmp_path, pairs):
    text = written(tmp_path, pairs)
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    assert "bad &lt;b&gt;" in text
    assert "bad <b>" not in text
    assert "Brackets &amp; co" in text


def test_write_report__classes_come_first_and_pixel_accuracy_is_marked_last(tmp_path, pairs):
    text = written(tmp_path, pairs)
    places = [
        text.index(f'id="{name}"') for name in ("classes", "domains", "confusion", "curves", "frames", "definitions")
    ]
    assert places == sorted(places)
    assert text.index("scratch") < text.index("mIoU, foreground")
    assert "misleading" in text
    assert text.rindex("<dt>pixel_accuracy</dt>") > text.rindex("<dt>iou</dt>")


def test_write_report__says_n_seed_part_hash_and_what_collapsed(tmp_path, pairs):
    text = written(tmp_path, pairs)
    facts = dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", text[: text.index("By class")]))
    assert facts["images"] == "2"
    assert facts["seed"] == "7"
    assert facts["part"] == "validation"
    assert facts["dataset hash"] == "ab" * 6
    assert "<b>scratch</b> collapsed where line=B" in text


def test_write_report__shows_four_pictures_a_frame_and_the_legend(tmp_path, pairs):
    text = written(tmp_path, pairs)
    assert text.count('<img src="data:image/jpeg;base64,') == 4
    assert "missed: a class in truth" in text


def test_write_report__threshold_curves_of_a_calibration(tmp_path, pairs):
    curves = count_threshold_curves(soft(square(), np.random.default_rng(0), evidence=2), labels(square()))
    text = written(tmp_path, pairs, curves=curves)
    assert "scratch: p ≥ t against the rest" in text
    assert "dent: p ≥ t" not in text
    assert written(tmp_path, pairs, curves=ThresholdCurves.none(CLASSES)).count("p ≥ t") == 0


def test_write_report__a_table_without_background_or_frames_with_errors(tmp_path):
    table = ClassTable.of(["sky", "road", "car"])
    evaluation = score_frames([pair_of(table, square())], table)
    path = tmp_path / "report.html"
    write_report(path, evaluation)
    text = path.read_text(encoding="utf-8")
    assert "1 of 1 images have nothing wrong" in text
    assert "No class that is in the truth has a pooled IoU below" in text
    assert "mIoU, all classes" in text


def test_worst_panels__are_read_again_by_stem(pairs):
    class Pairs:
        def pair(self, stem):
            return pairs[stem]

        def image(self, stem):
            return None

    panels = list(worst_panels(score_frames(pairs.values(), CLASSES), Pairs()))
    assert [panel.stem for panel in panels] == ["bad <b>"]


def test_write_report__reliability_by_class_where_it_was_counted(tmp_path, pairs):
    text = written(tmp_path, pairs)
    part = text[text.index('id="reliability"') : text.index('id="frames"')]
    assert text.index('id="curves"') < text.index('id="reliability"')
    assert part.count('class="chart"') == len(CLASSES.foreground)
    assert "share that is scratch" in part
    assert "share that is background" not in part
    assert part.count("<tr") == 1 + len(CLASSES)
    earlier = with_reliability(score_frames(pairs.values(), CLASSES), Reliability())
    write_report(tmp_path / "report.html", earlier)
    assert 'id="reliability"' not in (tmp_path / "report.html").read_text(encoding="utf-8")


def pair_of(table, ids):
    from segwright.evaluate import FramePair

    return FramePair("f", labels(ids, table), labels(ids, table))


def test_write_report__further_scores_and_sizes_stand_there_where_they_were_counted(tmp_path, pairs):
    assert 'id="further"' not in written(tmp_path, pairs)
    evaluation = score_frames(pairs.values(), CLASSES, also=("surface", "cldice", "components"))
    write_report(tmp_path / "report.html", evaluation)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    further = text[text.index('id="further"') : text.index('id="sizes"')]
    assert "NSD, 2 px" in further
    assert "component f1@0.5" in further
    sizes = text[text.index('id="sizes"') : text.index('id="confusion"')]
    assert "65 to 256" in sizes  # the two true squares have 200 px
    assert ">2<" in sizes
    assert "0.500" in sizes  # one of them is found
