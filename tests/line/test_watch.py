from __future__ import annotations

import numpy as np
import pytest

from segwright.core import DataError, Image, Note, Progress
from segwright.data.codecs import read_image, write_image
from segwright.infer import Predictor, Preprocessing
from segwright.line import AreaRule, FolderSource, Inspector, PartFromClasses, Records, WholeFrame, watch, watch_all
from tests.infer.models import CLASSES, Colours

BUNDLE = "b" * 64


def inspector(limit: float = 2.0, part=None) -> Inspector:
    predictor = Predictor(Colours(), CLASSES, Preprocessing(mean=(0, 0, 0), std=(1, 1, 1)))
    return Inspector(predictor, part or WholeFrame(), AreaRule(("scratch", "dent"), limit))


@pytest.fixture
def frames(tmp_path):
    for name, columns in (("good.jpg", 0), ("sub/bad.png", 10), ("worse.png", 40)):
        pixels = np.zeros((80, 100, 3), np.uint8)
        pixels[:, :columns, 0] = 255
        write_image(tmp_path / "frames" / name, Image(pixels), jpeg_quality=100)
    return FolderSource(tmp_path / "frames")


@pytest.fixture
def records(tmp_path):
    with Records(f"sqlite:///{tmp_path}/records.db") as opened:
        yield opened


def test_watch__one_record_and_one_overlay_a_frame(frames, records, tmp_path):
    events = []
    summary = watch_all(frames, inspector(), records, tmp_path / "out", bundle_hash=BUNDLE, listener=events.append)
    assert summary.verdicts == {"ok": 1, "alert": 2}
    assert summary.rejected == 2
    assert summary.frames_per_second > 0
    rows = {record.key.name: record for record in records}
    assert rows["sub/bad.png"].verdict == "alert"
    assert rows["sub/bad.png"].total_percent == 10.0
    assert rows["sub/bad.png"].areas == {"scratch": (800, 10.0), "dent": (0, 0.0)}
    for record in rows.values():
        overlay = read_image(tmp_path / "out" / record.overlay)
        assert overlay.size.width == 100
        assert overlay.size.height > 80
    assert [event for event in events if isinstance(event, Progress)][-1].done == 3
    assert any("10.00 % of the part" in event.text for event in events if isinstance(event, Note))


def test_watch__goes_on_after_an_interruption_and_inspects_nothing_twice(frames, records, tmp_path):
    running = watch(frames, inspector(), records, tmp_path / "out", bundle_hash=BUNDLE)
    next(running)
    running.close()
    assert len(list(records)) == 1
    summary = watch_all(frames, inspector(), records, tmp_path / "out", bundle_hash=BUNDLE)
    assert (summary.skipped, summary.inspected) == (1, 2)
    assert watch_all(frames, inspector(), records, tmp_path / "out", bundle_hash=BUNDLE).inspected == 0


def test_watch__another_bundle_rule_or_part_inspects_again(frames, records, tmp_path):
    for again in (inspector(), inspector(5.0), inspector(part=PartFromClasses(("scratch",)))):
        assert watch_all(frames, again, records, tmp_path / "out", bundle_hash=BUNDLE).inspected == 3
    assert watch_all(frames, inspector(), records, tmp_path / "out", bundle_hash="other").inspected == 3


def test_watch__a_bad_frame_is_recorded_as_refused_and_the_watch_goes_on(frames, records, tmp_path):
    (tmp_path / "frames" / "broken.jpg").write_bytes(b"\xff\xd8 no more of it")
    (tmp_path / "frames" / "link.png").symlink_to(tmp_path / "nowhere.png")
    write_image(tmp_path / "frames" / "deep.png", Image(np.zeros((9, 9, 3), np.uint16)))
    summary = watch_all(frames, inspector(), records, tmp_path / "out", bundle_hash=BUNDLE)
    assert summary.verdicts == {"ok": 1, "alert": 2, "refused": 3}
    rows = {record.key.name: record for record in records if record.verdict == "refused"}
    assert set(rows) == {"broken.jpg", "link.png", "deep.png"}
    assert "another pixel type" in rows["deep.png"].reasons[0]
    assert "cannot be opened" in rows["link.png"].reasons[0]
    assert rows["broken.jpg"].overlay is None


def test_watch__a_frame_without_a_part_is_an_alert_of_its_own(frames, records, tmp_path):
    part = PartFromClasses(("dent",))
    summary = watch_all(frames, inspector(part=part), records, tmp_path / "out", bundle_hash=BUNDLE)
    assert summary.verdicts == {"no_part": 3}


def test_watch__an_output_folder_that_cannot_be_written_is_no_fault_of_the_frame(frames, records, tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(DataError, match="cannot be written"):
        watch_all(frames, inspector(), records, tmp_path / "out", bundle_hash=BUNDLE)
    assert list(records) == []


def test_inspection__the_banner_hides_no_pixel_and_defects_have_their_colour(frames):
    inspection = inspector().inspect(read_image(frames.folder / "sub" / "bad.png"))
    picture = inspection.plot()
    banner = picture.shape[0] - 80
    assert picture[0, 0].tolist() == [190, 30, 20]
    assert picture[banner + 5, 9].tolist() == list(CLASSES.colour(1))
    assert picture[banner + 40, 50].tolist() == [0, 0, 0]
