import numpy as np
import pytest

from segwright.core import DataError, Image
from segwright.demo.baseline import (
    BlobHeuristic,
    GlobalThreshold,
    JudgedFrame,
    choose_limit,
    measure,
    tune,
    tune_threshold,
    with_limit_from,
)
from segwright.demo.evidence import BlobParameters, find_part
from segwright.demo.frames import FrameSpec, make_frame

SPEC = FrameSpec(frames_per_line=24)


def plate(defect_side: int = 0) -> JudgedFrame:
    """A grey plate of 100 x 140 on a dark belt, with a dark square on it; noise so that there is a texture."""
    noise = np.random.default_rng(0).normal(0, 2, (160, 200))
    grey, labels, part = np.full((160, 200), 30.0), np.zeros((160, 200), np.uint8), np.zeros((160, 200), bool)
    part[30:130, 30:170] = True
    grey[part] = 150
    if defect_side:
        square = (slice(60, 60 + defect_side), slice(80, 80 + defect_side))
        grey[square] = 80
        labels[square] = 2
    pixels = np.repeat(np.clip(grey + noise, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)
    return JudgedFrame(Image(pixels), labels, part)


@pytest.fixture(scope="module")
def frames() -> list[JudgedFrame]:
    drawn = [(line, make_frame(SPEC, line, index)) for line in ("press-1", "press-2") for index in range(18)]
    return [JudgedFrame(Image(frame.image), frame.labels, frame.part, line) for line, frame in drawn]


def test_blob_heuristic__marks_a_dark_square_and_nothing_else():
    found = BlobHeuristic(BlobParameters(contrast_cut=15)).inspect(plate(20).image, plate(20).part)
    truth = plate(20).defect
    assert np.count_nonzero(found.blob_mask & truth) > 0.9 * np.count_nonzero(truth)
    assert found.defect_percent == pytest.approx(100 * 400 / 14000, rel=0.3)
    assert found.reject


def test_blob_heuristic__passes_a_sound_plate():
    found = BlobHeuristic(BlobParameters(contrast_cut=15)).inspect(plate().image, plate().part)
    assert found.defect_percent == 0
    assert not found.reject


def test_blob_heuristic__small_blobs_are_texture():
    found = BlobHeuristic(BlobParameters(contrast_cut=15, smallest_px=500)).inspect(plate(20).image, plate(20).part)
    assert not found.blob_mask.any()


def test_blob_heuristic__refuses_sixteen_bits():
    image = Image(np.zeros((20, 20, 3), np.uint16))
    with pytest.raises(DataError, match="8 bits only"):
        BlobHeuristic().inspect(image)


def test_find_part__is_the_bright_plate():
    part = find_part(plate(20).image)
    assert np.count_nonzero(part != plate().part) < 0.06 * part.size


def test_judged_frame__rejects_above_two_percent_of_the_part():
    assert not plate(16).reject  # 256 of 14,000 px: 1.83 %
    assert plate(17).reject  # 289 px: 2.06 %


def test_judged_frame__void_is_no_defect():
    frame = plate(20)
    assert not JudgedFrame(frame.image, np.where(frame.labels == 2, 255, 0).astype(np.uint8), frame.part).reject


def test_choose_limit__passes_no_more_than_allowed():
    percents = np.array([5.0, 1.0, 3.0, 9.0, 0.5, 4.0])
    defective = np.array([True, False, True, True, False, True])
    limit = choose_limit(percents, defective, 0.25)
    assert np.count_nonzero(percents[defective] <= limit) == 1
    assert np.count_nonzero(percents[defective] <= choose_limit(percents, defective, 0.0)) == 0


def test_measure__counts_verdicts_and_leaves_void_out():
    rejects_all, passes_all = GlobalThreshold(0, 0, -1.0), GlobalThreshold(0, 300, 2.0)
    pair = [plate(), plate(20)]
    strict, lax = measure(rejects_all, pair), measure(passes_all, pair)
    assert (strict.frames, strict.acceptable, strict.false_rejects, strict.false_accepts) == (2, 1, 1, 0)
    assert (lax.defective, lax.false_rejects, lax.false_accepts) == (1, 0, 1)
    assert lax.pooled_defect_iou == 0
    assert measure(passes_all, [plate()]).pooled_defect_iou is None


@pytest.mark.parametrize("unit", ["percent", "sigmas"])
def test_tune__keeps_to_the_false_accept_rate_on_every_line(frames, unit):
    heuristic = tune(frames, unit=unit, max_false_accept_rate=0.1)
    for line in ("press-1", "press-2"):
        score = measure(heuristic, [frame for frame in frames if frame.line == line])
        assert score.false_accepts <= 0.1 * score.defective
        assert score.frames == 18


def test_tune__beats_the_plain_threshold_and_still_rejects_sound_brackets(frames):
    blobs, plain = measure(tune(frames), frames), measure(tune_threshold(frames), frames)
    assert blobs.false_rejects < plain.false_rejects
    assert blobs.pooled_defect_iou is not None
    assert plain.pooled_defect_iou is not None
    assert plain.pooled_defect_iou < blobs.pooled_defect_iou < 0.75


def test_with_limit_from__changes_the_limit_only(frames):
    first = BlobHeuristic(BlobParameters(contrast_cut=16, reject_percent=50))
    again = with_limit_from(first, frames, 0.0)
    assert again.parameters.contrast_cut == 16
    assert measure(again, frames).false_accepts == 0


def test_tune__refuses_frames_of_one_verdict():
    with pytest.raises(DataError, match="one kind of verdict only"):
        tune([plate(), plate()])
    with pytest.raises(DataError, match="0 defective of 0"):
        tune([])
