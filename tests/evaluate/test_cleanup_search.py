"""The cleanup search: on for what helps every frame, off for noise, for little and for what the project says itself."""

from __future__ import annotations

import json

import numpy as np
import pytest

from segwright.core import ClassTable, Image, LabelMap, Probabilities
from segwright.evaluate import score_frames
from segwright.evaluate.cleanup_search import ALPHA, MARGIN, SearchFrames, search_cleanup
from segwright.infer.cleanup import Cleanup
from segwright.infer.crf import Crf

CLASSES = ClassTable.of(["background", "mark"])
SCORE = "pooled_miou_foreground"
SIDE = 32


def frames(spoil, count: int = 14, crf: Crf | None = None) -> SearchFrames:
    """Frames with one square of the class, each spoilt in its own way."""
    held = SearchFrames(CLASSES, crf, 255.0)
    for number in range(count):
        rng = np.random.default_rng(number)
        truth = np.zeros((SIDE, SIDE), np.uint8)
        top, left = rng.integers(2, SIDE - 14, 2)
        truth[top : top + 12, left : left + 12] = 1
        said = truth.copy()
        spoil(said, rng)
        marked = np.where(said == 1, 0.8, 0.2).astype(np.float32)
        pixels = np.where(truth[..., None] == 1, 200, 60) + rng.integers(-4, 5, (SIDE, SIDE, 3))
        truth[0] = 255
        held.add(
            f"frame {number:02}",
            Probabilities(np.stack([1 - marked, marked]), CLASSES),
            Image(pixels.astype(np.uint8)),
            LabelMap(truth, CLASSES),
            {"line": "ab"[number % 2]},
        )
    return held


def specks(said, rng) -> None:
    rows, columns = rng.integers(1, SIDE, (2, 25))
    said[rows, columns] = 1


def holes(said, rng) -> None:
    rows, columns = np.nonzero(said)
    chosen = rng.choice(len(rows), 8, replace=False)
    said[rows[chosen], columns[chosen]] = 0


def outline_noise(said, rng) -> None:
    """Half of the frames lose a column of the mark, the others win one: no cleanup can know."""
    shift = 1 if rng.random() < 0.5 else -1
    said[:] = (
        np.maximum(said, np.roll(said, shift, axis=1))
        if rng.random() < 0.5
        else np.minimum(said, np.roll(said, shift, axis=1))
    )


def searched(held: SearchFrames, **settings):
    return search_cleanup(held, **{"start": Cleanup(), "fixed": (), "score": SCORE, **settings})


def test_search__takes_specks_away_and_says_why():
    found = searched(frames(specks))
    assert found.after - found.before > 0.05
    kept = {row.setting: row for row in found.trials if row.kept}
    assert kept
    assert set(kept) <= {"opening_radius_px.mark", "min_area_px.mark", "largest_only.mark"}
    for row in kept.values():
        assert row.gain >= MARGIN
        assert row.p_value < ALPHA / found.tried
        assert row.reason.startswith(f"on at {row.best}: {SCORE}")
    again = score_frames(frames(specks).pairs(found.cleanup), CLASSES, boundary_px=())
    assert again.scores[SCORE] == pytest.approx(found.after)


def test_search__fills_holes():
    found = searched(frames(holes), fixed={"crf"})
    assert found.cleanup.fill_holes_px >= 1
    assert found.cleanup.opening_radius_px == {}


def test_search__switches_nothing_on_for_noise():
    found = searched(frames(outline_noise))
    assert found.cleanup == Cleanup()
    assert found.before == found.after
    assert all(row.reason.startswith("off: ") for row in found.trials)


def test_search__a_perfect_network_needs_nothing():
    found = searched(frames(lambda said, rng: None))
    assert found.cleanup == Cleanup()
    assert all("no value of" in row.reason for row in found.trials)


def test_search__does_not_trust_a_single_frame():
    def once(said, rng) -> None:
        if rng.integers(0, 100) == np.random.default_rng(3).integers(0, 100):
            specks(said, rng)

    found = searched(frames(once))
    assert found.cleanup == Cleanup()
    assert any("may be chance" in row.reason for row in found.trials)


def test_search__leaves_alone_what_the_project_says():
    found = searched(frames(specks), fixed={"min_area_px", "opening_radius_px.mark", "largest_only.mark"})
    assert not [row for row in found.trials if row.setting.split(".")[0] in ("min_area_px", "opening_radius_px")]


def test_search__tries_the_crf_where_the_picture_tells():
    found = searched(frames(specks, crf=Crf(near_px=1, far_px=10)), fixed={"opening_radius_px.mark"})
    assert found.trials[0].setting == "crf"
    assert found.cleanup.crf == Crf(near_px=1, far_px=10)
    assert found.after > 0.95


def test_search__counts_groups_only_where_there_are_enough():
    assert searched(frames(specks), by="line").swapped == "14 frames"
    assert searched(frames(specks), by="camera").swapped == "14 frames"


def test_search__survives_json():
    found = searched(frames(specks, count=6))
    content = json.loads(json.dumps(found.to_json()))
    assert Cleanup.from_json(content["cleanup"]) == found.cleanup
    assert content["rule"].startswith(f"kept where {SCORE} rises by {MARGIN} or more and p < {ALPHA} / {found.tried}")
