import cv2
import numpy as np
import pytest

from segwright.core import Size
from segwright.demo.frames import CLASSES, LIMIT_PERCENT, FrameSpec, GeneratedFrame, knobs, make_frame

SPEC = FrameSpec(frames_per_line=24)


@pytest.fixture(scope="module")
def frames() -> list[GeneratedFrame]:
    return [make_frame(SPEC, line, index) for line in SPEC.lines for index in range(24)]


def test_make_frame__is_the_same_whatever_was_drawn_before(frames):
    again = make_frame(SPEC, "press-2", 5)
    first = frames[24 + 5]
    assert again.stem == first.stem == SPEC.stem("press-2", 5)
    assert np.array_equal(again.image, first.image)
    assert np.array_equal(again.labels, first.labels)
    assert again.columns == first.columns


def test_make_frame__differs_with_seed_line_and_number(frames):
    first = frames[0].image
    others = [make_frame(FrameSpec(frames_per_line=24, seed=8), "press-1", 0).image, frames[1].image, frames[24].image]
    assert all(np.abs(first.astype(int) - other).mean() > 2 for other in others)


def test_make_frame__arrays_have_the_frames_size_and_type(frames):
    for frame in frames:
        assert (frame.image.shape, frame.image.dtype) == ((480, 640, 3), np.uint8)
        assert (frame.labels.shape, frame.labels.dtype) == ((480, 640), np.uint8)
        assert (frame.part.shape, frame.part.dtype) == ((480, 640), np.bool_)


def test_make_frame__paints_only_known_ids_and_only_on_the_part(frames):
    for frame in frames:
        assert set(np.unique(frame.labels)) <= {*CLASSES.ids, CLASSES.void_id}
        assert frame.part[frame.labels != 0].all()


def test_make_frame__the_part_fills_its_share_of_the_frame(frames):
    shares = [frame.part.mean() for frame in frames]
    assert min(shares) > 0.9 * knobs.PART_SHARE[0]
    assert max(shares) < 1.05 * knobs.PART_SHARE[1]


def test_make_frame__every_class_is_on_many_frames(frames):
    for class_id in CLASSES.ids[1:]:
        assert np.mean([(frame.labels == class_id).any() for frame in frames]) >= 0.3


def test_make_frame__areas_lie_where_the_mix_says(frames):
    percents = np.array([float(frame.columns["defect_percent"]) for frame in frames])
    rejected = percents > LIMIT_PERCENT
    assert 0.3 < rejected.mean() < 0.6
    assert percents.max() <= knobs.REJECTED_LIMIT_PERCENT
    assert np.mean((percents > knobs.ACCEPTED_LIMIT_PERCENT) & (percents < knobs.REJECTED_PERCENT[0])) < 0.15
    assert (percents == 0).any()


def test_make_frame__columns_tell_the_painted_truth(frames):
    for frame in frames:
        part_px = np.count_nonzero(frame.part)
        for defect in CLASSES.foreground:
            share = 100 * np.count_nonzero(frame.labels == defect.class_id) / part_px
            assert float(frame.columns[f"{defect.name}_percent"]) == pytest.approx(share, abs=1e-4)
        total = float(frame.columns["defect_percent"])
        assert frame.columns["reject"] == ("1" if total > LIMIT_PERCENT else "0")


def test_make_frame__void_lies_on_saturated_pixels(frames):
    void = saturated = 0
    for frame in frames:
        hot = (frame.image.min(axis=2) >= 235).astype(np.uint8)
        near = cv2.dilate(hot, np.ones((7, 7), np.uint8)) > 0
        void += np.count_nonzero(frame.labels == CLASSES.void_id)
        saturated += np.count_nonzero(near & (frame.labels == CLASSES.void_id))
    assert void > 0
    assert saturated / void > 0.95


def test_make_frame__a_scratch_shows_against_its_surroundings(frames):
    """Painted strokes are brighter than the metal beside them: nobody is asked to find what is not there."""
    brighter = []
    for frame in frames:
        scratch = (frame.labels == 1).astype(np.uint8)
        if not scratch.any():
            continue
        beside = (cv2.dilate(scratch, np.ones((15, 15), np.uint8)) > 0) & (frame.labels == 0) & frame.part
        grey = frame.image.mean(axis=2)
        brighter.append(grey[scratch > 0].mean() / grey[beside].mean())
    assert len(brighter) > 10
    assert np.median(brighter) > 1.05


def test_make_frame__lines_have_their_own_tone(frames):
    tones = [
        np.mean([frame.image[frame.part].mean(axis=0) for frame in frames[at : at + 24]], axis=0) for at in (0, 24, 48)
    ]
    assert all(np.abs(tones[a] - tones[b]).max() > 10 for a, b in ((0, 1), (0, 2), (1, 2)))


def test_make_frame__a_larger_frame_keeps_its_proportions():
    spec = FrameSpec(frames_per_line=4, size=Size(960, 1280), rejected_share=1.0, borderline_share=0.0)
    frame = make_frame(spec, "press-1", 0)
    assert frame.image.shape == (960, 1280, 3)
    assert 0.25 < frame.part.mean() < 0.48
    assert float(frame.columns["defect_percent"]) > LIMIT_PERCENT
