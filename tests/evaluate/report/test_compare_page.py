from __future__ import annotations

import re

import cv2
import numpy as np
import pytest

from segwright.core import Image
from segwright.evaluate import Evaluation, FramePair, compare, score_frames
from segwright.evaluate.difference import CHANGE_COLOURS, CHANGE_MEANINGS, PixelChange
from segwright.evaluate.earlier import EarlierPredictions
from segwright.evaluate.report import pictures
from segwright.evaluate.report.changed import ChangedPanel, changed_panels, draw_changed
from segwright.evaluate.report.compare_page import Compared, write_comparison
from tests.evaluate.maps import CLASSES, labels, pair
from tests.evaluate.report.balanced import Balanced
from tests.evaluate.report.test_pictures import decoded


def square(offset: int = 0) -> np.ndarray:
    ids = np.zeros((40, 50), np.uint8)
    ids[5 + offset : 15 + offset, 5:25] = 1
    return ids


STEMS = {"a <b>": "A", "b": "A", "c": "B"}
# how far each frame's prediction lies off: the first got worse, the second better, the third stayed
OLD, NEW = {"a <b>": 1, "b": 6, "c": 3}, {"a <b>": 8, "b": 0, "c": 3}


def side(offsets: dict[str, int]) -> dict[str, FramePair]:
    return {stem: pair(square(offsets[stem]), square(), stem, line=line) for stem, line in STEMS.items()}


def compared(**changes) -> Compared:
    old, new = (score_frames(side(offsets).values(), CLASSES, provenance={"seed": 7}) for offsets in (OLD, NEW))
    return Compared(old, new, compare(old, new), **changes)


class Pairs:
    """The new predictions, read again by stem."""

    def pair(self, stem):
        return side(NEW)[stem]

    def image(self, stem):
        return Image(np.full((40, 50, 3), 90, np.uint8))


def earlier(old: Evaluation, moved: int = 0) -> EarlierPredictions:
    """The old predictions; `moved` rows further, they are no longer what was scored."""
    return EarlierPredictions({row.stem: row for row in old.frames}, lambda stem, _: labels(square(OLD[stem] + moved)))


def written(tmp_path, given: Compared, predictions: EarlierPredictions | None) -> str:
    lost, won = (
        changed_panels(rows(5), Pairs(), predictions) for rows in (given.comparison.lost, given.comparison.won)
    )
    path = tmp_path / "compare.html"
    write_comparison(path, given, lost, won)
    assert [entry.name for entry in tmp_path.iterdir()] == ["compare.html"]
    return path.read_text(encoding="utf-8")


@pytest.fixture
def text(tmp_path) -> str:
    given = compared(names=("net & old", "net"))
    return written(tmp_path, given, earlier(given.old))


def test_write_comparison__needs_no_network(text):
    assert not re.search(r"""(?:src|href)=["'](?!data:|#)""", text)
    assert not re.search(r"https?://|@import|url\(", text)


def test_write_comparison__is_well_formed_and_escapes_names(text):
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    assert "a &lt;b&gt;" in text
    assert "a <b>" not in text
    assert "net against net &amp; old" in text


def test_write_comparison__says_old_new_change_and_p_of_each_score(tmp_path, text):
    row = compared().comparison.scores["pooled_miou"]
    plain = re.sub(r"<[^>]+>|\s+", " ", text[text.index('id="overall"') :])
    line = plain[plain.index("mIoU, all classes") :][:120].split()
    assert line[3:5] == [f"{row.old:.3f}", f"{row.new:.3f}"]
    assert line[5] == f"{row.difference:+.3f}".replace("-", "−")
    assert line[6] == f"{row.p_value:.2f}"
    scratch = compared().comparison.classes["scratch"]["iou"]
    assert f"{scratch.old:.3f} → {scratch.new:.3f}" in text
    assert "none can be below 0.25" in text  # three frames: all 8 swaps


def test_write_comparison__in_the_order_that_a_reader_asks(text):
    places = [text.index(f'id="{name}"') for name in ("overall", "classes", "domains", "frames", "worse", "better")]
    assert places == sorted(places)
    assert [int(count) for count in re.findall(r"<b(?: class=\"\w+\")?>(\d+)</b><span>", text)] == [1, 1, 1]


def test_write_comparison__changes_by_domain_where_both_have_them(tmp_path, text):
    section = text[text.index('id="domains"') : text.index('id="frames"')]
    assert re.findall(r"<th>(\w)<small>(\d) images", section) == [("A", "2"), ("B", "1")]
    given = compared()
    other = {"press": given.old.by_domain["line"]}
    bare = Compared(given.old.__class__(**{**vars(given.old), "by_domain": other}), given.new, given.comparison)
    assert 'id="domains"' not in written(tmp_path, bare, None)


def test_write_comparison__shows_both_predictions_and_the_change_of_each_frame(text):
    shown = re.findall(r'<img src="data:image/jpeg;base64,[^"]+" alt="([^"]+)"', text)
    assert shown == [
        f"{name} of {stem}" for stem in ("a &lt;b&gt;", "b") for name in ("truth", "net &amp; old", "net", "change")
    ]
    assert all(meaning in text for meaning in CHANGE_MEANINGS.values())
    assert re.search(r"<b class=\"gain\">0</b> px fixed", text)


def test_write_comparison__without_old_predictions_says_why_and_shows_the_new_ones(tmp_path):
    text = written(tmp_path, compared(note="old.bundle: no longer holds the old model"), None)
    assert "The old predictions cannot be shown.</b> old.bundle: no longer holds the old model" in text
    assert text.count("No old prediction.") == 2
    assert text.count("<img ") == 4


def test_write_comparison__a_frame_whose_old_prediction_was_changed_says_so(tmp_path):
    given = compared()
    text = written(tmp_path, given, earlier(given.old, moved=1))
    assert text.count("gives other counts than were scored") == 2
    assert "cannot be shown" not in text


def test_write_comparison__opens_with_what_fell(tmp_path):
    given = compared()
    change = given.comparison.classes["scratch"]["iou"]
    text = written(tmp_path, given, None)
    assert f"<b>scratch IoU</b> {change.old:.3f} → {change.new:.3f}" in text
    assert text.index("Worse than before.") < text.index('id="overall"')
    assert "fell by more than 2" in written(tmp_path, compared(tolerance=2), None)


def test_write_comparison__a_model_against_itself(tmp_path):
    same = compared().old
    text = written(tmp_path, Compared(same, same, compare(same, same)), None)
    assert "No frame got worse." in text
    assert "No frame got better." in text
    assert "What the colours mean" not in text


def test_draw_changed__fixed_and_broken_pixels_in_their_colours():
    truth = labels(square())
    panel = ChangedPanel(compared().comparison.frames[0], None, truth, labels(square(3)), labels(square()))
    drawn = draw_changed(panel)
    assert (drawn.fixed, drawn.broken) == (2 * 3 * 20, 0)
    change = decoded(drawn.change)
    assert np.abs(change[6, 15].astype(int) - CHANGE_COLOURS[PixelChange.FIXED]).max() < 60
    assert len(set(change[30, 40].tolist())) == 1


def test_draw_changed__of_a_large_frame_the_window_with_the_most_changes(monkeypatch):
    monkeypatch.setattr(pictures, "WINDOW_PX", 16)
    truth = np.zeros((90, 60), np.uint8)
    wrong, fixed = truth.copy(), truth.copy()
    wrong[2:12, 2:12] = fixed[2:12, 2:12] = 1  # wrong in both
    wrong[80:84, 40:44] = 1
    panel = ChangedPanel(compared().comparison.frames[0], None, labels(truth), labels(wrong), labels(fixed))
    drawn = draw_changed(panel)
    assert int(re.search(r"row (\d+)", drawn.caption)[1]) > 60
    assert cv2.countNonZero((decoded(drawn.change)[..., 1] > 120).astype(np.uint8))
