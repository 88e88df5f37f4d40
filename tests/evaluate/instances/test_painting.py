"""Polygons and run lengths by the thousand: COCO's own letters, and the rules that `flaws` tells."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.core import Size
from segwright.evaluate.instances import objects, painting, runs
from segwright.evaluate.instances.painting import run_texts_of
from segwright.evaluate.instances.run_texts import RunTexts
from segwright.evaluate.instances.runs import areas_of, boxes_around, measures_of, runs_of
from segwright.evaluate.instances.segmentations import flaws
from segwright.evaluate.kernels import compiled
from tests.evaluate.instances.sets import decoded

seeds = st.integers(0, 2**32 - 1)


def random_ring(rng: np.random.Generator, height: int, width: int) -> list[float]:
    """Points inside and outside of the image, on whole and half pixels, on the fine grid, and several in one place."""
    corners = int(rng.integers(3, 12))
    spread = rng.uniform(-0.5, 1.5, (corners, 2)) * (width, height)
    points = [
        spread,
        spread.round(),
        (2 * spread).round() / 2,
        (5 * spread).round() / 5,
        spread.round(2).clip(0, (width, height)),
        np.repeat(spread.round(1)[: (corners + 1) // 2 + 1], 2, axis=0),
    ][int(rng.integers(6))]
    return points.ravel().tolist()


def random_polygons(seed: int, masks: int) -> tuple[list[list[list[float]]], Size]:
    rng = np.random.default_rng(seed)
    size = Size(*rng.integers(1, 60, 2).tolist())
    return [
        [random_ring(rng, size.height, size.width) for _ in range(rng.choice([1, 1, 1, 2, 4]))] for _ in range(masks)
    ], size


def sides(size: Size, count: int) -> tuple[np.ndarray, np.ndarray]:
    return np.full(count, size.height), np.full(count, size.width)


@settings(max_examples=200)
@given(seeds)
def test_painting__polygons_become_the_letters_of_pycocotools(seed) -> None:
    polygons, size = random_polygons(seed, 12)
    found = run_texts_of(polygons, *sides(size, len(polygons)))
    assert found is not None
    assert list(found) == [runs_of(rings, size) for rings in polygons]


def test_painting__polygons_of_coco_become_the_letters_of_pycocotools(shared_data: Path) -> None:
    truth = json.loads((shared_data / "metric_coco/cocoapi/instances_val2014_100.json").read_text())
    size_of = {row["id"]: Size(row["height"], row["width"]) for row in truth["images"]}
    outlines = [row["segmentation"] for row in truth["annotations"]]
    sizes = [size_of[row["image_id"]] for row in truth["annotations"]]
    found = run_texts_of(outlines, *np.array([(size.height, size.width) for size in sizes]).T.copy())
    assert found is not None
    assert list(found) == [runs_of(*each) for each in zip(outlines, sizes, strict=True)]


@settings(max_examples=30)
@given(seeds)
def test_painting__the_plain_way_gives_the_same_letters(seed) -> None:
    polygons, size = random_polygons(seed, 5)
    text = runs_of(polygons[0], size)
    mixed = [*polygons, text, uncompressed(polygons[1], size), {**text, "counts": text["counts"].decode()}]
    with patch.object(painting, "pays", lambda _: compiled()):
        found = run_texts_of(mixed, *sides(size, len(mixed)))
    with patch.object(painting, "pays", lambda _: False):
        plain = run_texts_of(mixed, *sides(size, len(mixed)))
    assert found is not None
    assert plain is not None
    assert list(found) == list(plain)


def uncompressed(polygon: list[list[float]], size: Size) -> dict[str, Any]:
    mask = decoded(runs_of(polygon, size))
    flat = np.concatenate([[0], mask.ravel(order="F"), [2]])
    counts = np.diff(np.flatnonzero(flat[1:] != flat[:-1]), prepend=0).tolist()
    return {"size": [size.height, size.width], "counts": counts}


SQUARE = [1, 1, 5, 1, 5, 5, 1, 5]
GOOD = {"size": [8, 10], "counts": [80]}


@pytest.mark.parametrize(
    "segmentation",
    [
        None,
        [],
        "P2",
        [[]],
        [None],
        [SQUARE, [1, 2, 3, 4]],
        [[1, 2, 3, 4, 5, 6, 7]],
        [(1, 1, 5, 1, 5, 5)],
        [[1, 2, 3, 4, 5, True]],
        [[1, 2, 3, 4, 5, "6"]],
        [[1, 2, 3, 4, 5, float("nan")]],
        [[1, 2, 3, 4, 5, float("-inf")]],
        [[1, 2, 3, 4, 5, 10**400]],
        [[1, 2, 3, 4, 5, -1_000_000]],
        {},
        {"counts": [80]},
        {**GOOD, "size": None},
        {**GOOD, "size": [8]},
        {**GOOD, "size": [8.0, 10]},
        {**GOOD, "size": [True, 10]},
        {**GOOD, "size": [10, 8]},
        {**GOOD, "size": [8, 10**30]},
        {**GOOD, "counts": None},
        {**GOOD, "counts": (80,)},
        {**GOOD, "counts": [79]},
        {**GOOD, "counts": [81, -1]},
        {**GOOD, "counts": [80.0]},
        {**GOOD, "counts": [2**62, 2**62, 2**62, 2**62, 80]},
        {**GOOD, "counts": [10**30]},
        {**GOOD, "counts": "P2"},
        {**GOOD, "counts": "~~"},
        {**GOOD, "counts": "é2"},
        {**GOOD, "counts": b"\xff"},
    ],
)
def test_painting__refuses_what_flaws_tells(segmentation: Any) -> None:
    around = [[SQUARE], GOOD, {**GOOD, "counts": b"`2"}]
    assert flaws(around, [Size(8, 10)] * 3) == {}
    assert run_texts_of(around, *sides(Size(8, 10), 3)) is not None
    values = [*around, segmentation, *around]
    assert list(flaws(values, [Size(8, 10)] * 7)) == [3]
    assert run_texts_of(values, *sides(Size(8, 10), 7)) is None


def test_painting__nothing_is_nothing() -> None:
    found = run_texts_of([], *sides(Size(8, 10), 0))
    assert found is not None
    assert len(found) == 0
    assert measures_of(found)[1].shape == (0, 4)


@settings(max_examples=50)
@given(seeds)
def test_measures_of__are_those_of_pycocotools(seed) -> None:
    polygons, size = random_polygons(seed, 12)
    whole = size.area_px
    written = [runs_of({"size": [size.height, size.width], "counts": counts}, size)
               for counts in ([whole], [0, whole], [whole // 2, 0, whole - whole // 2])]  # fmt: skip
    masks = [*(runs_of(rings, size) for rings in polygons), *written]
    with patch.object(runs, "pays", lambda _: compiled()):
        area, boxes = measures_of(masks)
    assert area.tolist() == areas_of(masks).tolist()
    assert boxes.tolist() == boxes_around(masks).tolist()
    with patch.object(runs, "pays", lambda _: False):
        assert [part.tolist() for part in measures_of(masks)] == [area.tolist(), boxes.tolist()]


def test_run_texts__is_a_sequence_of_runs() -> None:
    size = Size(8, 10)
    masks = [runs_of([[left, 1, left + 3, 1, left + 3, 6]], size) for left in range(6)]
    texts = RunTexts.of(masks)
    assert list(texts) == masks
    assert (texts[-1], list(texts[2:4]), list(texts[4:2])) == (masks[-1], masks[2:4], [])
    assert list(texts.taken(np.array([3, 0, 3]))) == [masks[3], masks[0], masks[3]]
    assert list(RunTexts.joined([texts[4:], texts[:1]])) == [masks[4], masks[5], masks[0]]
    assert list(chain.from_iterable(RunTexts.of(masks * 1000).parts())) == masks * 1000
    assert RunTexts.of(texts) is texts
    with pytest.raises(IndexError, match="out of range"):
        texts[6]
    with pytest.raises(ValueError, match="only neighbours"):
        texts[::2]


@pytest.mark.parametrize("text", ['[1, 2.5, null, true, "\\u00e9"]', "[NaN, -Infinity]", '{"a": 1, "a": 2}', "[1e-7]"])
def test_load_json__orjson_and_json_read_the_same(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with patch.object(objects, "find_spec", lambda _name: None):
        expected = objects.load_json(tmp_path / "a.json", "numbers")
    assert repr(objects.load_json(tmp_path / "a.json", "numbers")) == repr(expected)
