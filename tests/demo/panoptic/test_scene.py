"""The drawn panoptic scene: what is true of every frame, and that a spec decides every pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.core import ConfigError, Size
from segwright.demo.panoptic import CLASSES, SceneSpec, make_scene
from segwright.demo.panoptic.layout import LEAST_VISIBLE
from segwright.demo.panoptic.spec import BELT, BOLT, BRACKET, FLOOR

SPEC = SceneSpec(frames_per_line=12, size=Size(180, 240))
LINES = SPEC.camera.lines


@pytest.fixture(scope="module")
def scenes():
    return [make_scene(SPEC, line, index) for line in LINES for index in range(0, 12, 2)]


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from(LINES), st.integers(0, 11))
def test_make_scene__gives_every_pixel_one_id(seed, line, index):
    scene = make_scene(SceneSpec(12, Size(160, 200), seed), line, index)
    assert scene.image.shape == (160, 200, 3)
    assert scene.image.dtype == np.uint8
    assert not scene.panoptic.void.any()
    of_class = {segment.class_id for segment in scene.panoptic.segments if segment.class_id in (BELT, FLOOR)}
    stuff = [segment for segment in scene.panoptic.segments if segment.class_id in (BELT, FLOOR)]
    assert len(stuff) == len(of_class)


def test_make_scene__same_arguments_same_pixels_another_seed_others():
    first, again = (make_scene(SPEC, "press-2", 3) for _ in range(2))
    assert np.array_equal(first.image, again.image)
    assert first.panoptic == again.panoptic
    other = make_scene(SceneSpec(12, Size(180, 240), seed=8), "press-2", 3)
    assert not np.array_equal(first.image, other.image)


def test_make_scene__has_overlaps_parts_at_the_border_and_all_four_classes(scenes):
    classes = {segment.class_id for scene in scenes for segment in scene.panoptic.segments}
    assert classes == {*CLASSES.ids}
    at_border = touching = 0
    for scene in scenes:
        ids = scene.panoptic.segment_ids
        things = [one.segment_id for one in scene.panoptic.segments if one.class_id in (BRACKET, BOLT)]
        rim = {*ids[0], *ids[-1], *ids[:, 0], *ids[:, -1]}
        at_border += len(rim & {*things})
        beside = np.isin(ids[:, 1:], things) & np.isin(ids[:, :-1], things) & (ids[:, 1:] != ids[:, :-1])
        touching += bool(beside.any())
    assert at_border > 3
    assert touching > len(scenes) / 3


def test_make_scene__parts_are_told_from_the_ground_by_their_pixels(scenes):
    """A part of a colour like the belt's alone would be a label nobody could see."""
    told = total = 0
    for scene in scenes:
        ids, grey = scene.panoptic.segment_ids, scene.image.mean(axis=2)
        belt = np.isin(ids, [one.segment_id for one in scene.panoptic.segments if one.class_id == BELT])
        for one in scene.panoptic.segments:
            if one.class_id == BRACKET:
                total += 1
                told += grey[ids == one.segment_id].mean() > grey[belt].mean() + 20
    assert total > 10
    assert told == total


def test_make_scene__of_each_part_enough_is_seen(monkeypatch):
    from segwright.demo.panoptic import scene as module

    laid = []
    draw = module.draw_layout
    monkeypatch.setattr(module, "draw_layout", lambda *given: laid.append(draw(*given)) or laid[-1])
    for index in range(6):
        scene = make_scene(SPEC, "press-1", index)
        seen = np.bincount(scene.panoptic.segment_ids.ravel(), minlength=len(laid[-1]) + 3)[3:]
        for part, count in zip(laid[-1], seen, strict=True):
            assert count >= LEAST_VISIBLE * part.mask.sum()
        assert int(scene.columns["brackets"]) + int(scene.columns["bolts"]) == len(laid[-1])


def test_scene_spec__a_frame_too_small_is_refused():
    with pytest.raises(ConfigError, match="too small to show a bracket"):
        SceneSpec(size=Size(64, 64))
