"""Training frames in memory: all that is unreadable said at once, and where each class is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segwright.core import DataError, Event, Note
from segwright.data import open_dataset
from segwright.train.frames import PLACES_PER_CLASS, VOID, TrainingFrames
from tests.train.conftest import Tiny
from tests.train.tiny import CLASSES, write_frames


def frames_of(tiny: Tiny, cache_gb: float = 1.0) -> TrainingFrames:
    return TrainingFrames(tiny.dataset, tiny.split.parts["train"], tiny.plan.preprocessing, cache_gb)


def test_frames__places_are_pixels_of_their_class(tiny: Tiny) -> None:
    frames = frames_of(tiny)
    frames.index(workers=1)
    assert len(frames.places) == len(frames) == 4
    for index, places in enumerate(frames.places):
        channels = frames[index].channels
        assert set(places) == set(np.unique(channels)) - {VOID}
        for channel, found in places.items():
            assert 0 < len(found) <= PLACES_PER_CLASS
            assert np.all(channels[found[:, 0], found[:, 1]] == channel)


def test_frames__places_do_not_depend_on_workers_or_order(tiny: Tiny) -> None:
    one, other = (
        frames_of(tiny),
        TrainingFrames(tiny.dataset, tiny.split.parts["train"][::-1], tiny.plan.preprocessing, 1.0),
    )
    one.index(workers=1)
    other.index(workers=3)
    for first, second in zip(one.places, other.places[::-1], strict=True):
        assert all(np.array_equal(first[channel], second[channel]) for channel in first)


def test_frames__a_cache_too_small_changes_no_pixel_and_is_said(tiny: Tiny) -> None:
    cached, uncached, said = frames_of(tiny), frames_of(tiny, 2.5e-5), list[Event]()
    cached.index(workers=1)
    uncached.index(workers=1, listener=said.append)
    for index in range(len(cached)):
        assert np.array_equal(cached[index].pixels, uncached[index].pixels)
        assert np.array_equal(cached[index].channels, uncached[index].channels)
    assert [event.text for event in said if isinstance(event, Note)] == [
        "1 of 4 frames fit in the cache; the others are decoded each time (training.cache_gb)"
    ]


def test_frames__every_unreadable_frame_is_said_at_once(tmp_path: Path, tiny: Tiny) -> None:
    folder = write_frames(tmp_path / "frames")
    (folder / "images" / "a_00.png").write_bytes(b"not a picture")
    whole = (folder / "images" / "b_01.png").read_bytes()
    (folder / "images" / "b_01.png").write_bytes(whole[: len(whole) // 2])
    dataset = open_dataset(folder, classes=CLASSES)
    frames = TrainingFrames(dataset, [frame.stem for frame in dataset.frames], tiny.plan.preprocessing, 1.0)
    with pytest.raises(DataError, match=r"a_00\.png") as caught:
        frames.index(workers=2)
    assert len(caught.value.problems) == 2
    assert "b_01.png" in str(caught.value)
