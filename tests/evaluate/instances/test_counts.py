"""Counts add up, whatever the order; kernels and their plain counterparts agree; void, crowds and absent classes."""

from __future__ import annotations

import contextlib
import functools
import json
import operator
import sys
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.core import ConfigError, DataError, Size
from segwright.evaluate import kernels
from segwright.evaluate.instances import (
    COCO,
    LVIS,
    InstanceCounts,
    InstanceFrame,
    PairedFrames,
    batches,
    count_instances,
    curves,
    evaluate_instances,
    overlap,
    score_instances,
    summarise_instances,
)
from segwright.evaluate.instances.batches import Batch
from segwright.evaluate.instances.matching import match_frame
from segwright.evaluate.instances.overlap import Rim
from segwright.evaluate.instances.results import read_results
from segwright.evaluate.instances.rules import Kind, Rule
from segwright.evaluate.instances.runs import areas_of, columns_plainly, pixels_of, runs_of
from segwright.evaluate.instances.segmentations import lengths, lengths_plainly
from segwright.evaluate.instances.truth import read_truth
from tests.evaluate.instances.sets import HEIGHT, WIDTH, decoded, random_set

KINDS: tuple[Kind, ...] = ("mask", "box", "boundary")
seeds = st.integers(0, 2**32 - 1)


def frames_of(seed: int, rule: Rule = COCO, **options: object) -> tuple[list[InstanceFrame], InstanceCounts]:
    """The frames of a random set, and the counts of none of them."""
    truth, results = random_set(seed, federated=rule.federated, **options)  # type: ignore[arg-type]
    true = read_truth(truth, KINDS, rule)
    frames = list(PairedFrames(true, read_results(results, true, KINDS)))
    return frames, count_instances([], true.classes, kinds=KINDS, rule=rule)


def counted(frames: list[InstanceFrame], none: InstanceCounts) -> InstanceCounts:
    return none + count_instances(frames, none.classes, kinds=KINDS, rule=none.rule, workers=1)


@settings(max_examples=15)
@given(seeds, st.randoms(use_true_random=False), st.sampled_from([COCO, LVIS]))
def test_instance_counts__any_order_and_any_sharding_is_the_same(seed, random, rule) -> None:
    frames, none = frames_of(seed, rule)
    whole = counted(frames, none)
    random.shuffle(frames)
    cuts = sorted(random.choices(range(len(frames) + 1), k=2))
    parts = [frames[begin:end] for begin, end in zip((0, *cuts), (*cuts, len(frames)), strict=True)]
    merged = functools.reduce(operator.add, (counted(part, none) for part in parts))
    assert merged == whole
    assert score_instances(merged) == score_instances(whole)


@settings(max_examples=8)
@given(seeds, st.sampled_from([COCO, LVIS]), st.sampled_from(KINDS))
def test_kernels__equal_their_plain_counterparts(seed, rule, kind) -> None:
    frames, none = frames_of(seed, rule)
    with with_kernels():
        counts = counted(frames, none)
        compiled = curves.accumulate(counts, kind)
    with without_kernels():
        assert counted(frames, none) == counts
        plain = curves.accumulate(counts, kind)
    for name in ("precision", "recall", "score", "truths"):
        assert np.array_equal(getattr(compiled, name), getattr(plain, name), equal_nan=True), name


@settings(max_examples=15)
@given(seeds, st.sampled_from(KINDS))
def test_overlaps__are_those_of_pycocotools_to_the_last_bit(seed, kind) -> None:
    for frame in frames_of(seed, most=20)[0]:
        batch = Batch.of([frame])
        detections, truths = (np.argsort(group, kind="stable") for group in (batch.detection_group, batch.truth_group))
        pairs = overlap.Pairs.of(batch, detections, truths)
        with with_kernels():
            found = overlap.overlaps(batch, kind, pairs, boundary_ratio=0.02)
        with without_kernels():
            assert found.tolist() == overlap.overlaps(batch, kind, pairs, boundary_ratio=0.02).tolist()


@settings(max_examples=10)
@given(seeds, st.sampled_from([COCO, LVIS]), st.sampled_from([1, 40, 10_000]))
def test_count_instances__batches_of_any_size_give_the_same(seed, rule, most) -> None:
    frames, none = frames_of(seed, rule)
    # frames of other sizes are in one batch: nothing of one may reach into the next
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "MOST_OBJECTS", most)
        found = counted(frames, none)
    alone = [match_frame(frame, kind, rule, boundary_ratio=0.02) for frame in frames for kind in KINDS]
    assert [row.kinds[kind] for row in found.frames for kind in KINDS] == alone


def test_count_instances__images_of_two_sizes_meet_in_one_batch() -> None:
    rings = {1: (8, 10), 2: (20, 7)}
    square = [1.0, 1.0, 6.0, 1.0, 6.0, 7.0, 1.0, 7.0]
    truth = {
        "images": [{"id": number, "height": high, "width": wide} for number, (high, wide) in rings.items()],
        "annotations": [
            {"id": number, "image_id": number, "category_id": 1, "bbox": [1, 1, 5, 6], "segmentation": [square]}
            for number in rings
        ],
        "categories": [{"id": 1, "name": "dent"}],
    }
    results = [{**row, "score": 0.5} for row in truth["annotations"]]
    evaluation = evaluate_instances(results, truth, kinds=KINDS)
    assert [evaluation.scores[f"{kind}_ap"] for kind in KINDS] == [pytest.approx(1.0)] * 3


@contextlib.contextmanager
def without_kernels() -> Iterator[None]:
    """As where numba is not installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "find_spec", lambda _: None)
        kernels.compiled.cache_clear()
        yield
    kernels.compiled.cache_clear()


@contextlib.contextmanager
def with_kernels() -> Iterator[None]:
    """Kernels for however few objects, where numba is installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "ENOUGH_OBJECTS", 0)
        yield


def test_pays__kernels_are_loaded_for_many_objects_and_used_once_they_are_loaded(monkeypatch) -> None:
    monkeypatch.setattr(kernels, "find_spec", lambda name: name)
    kernels.compiled.cache_clear()
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    assert [kernels.pays(count) for count in (0, kernels.ENOUGH_OBJECTS - 1, kernels.ENOUGH_OBJECTS)] == [0, 0, 1]
    monkeypatch.setitem(sys.modules, "numba", ModuleType("numba"))
    assert kernels.pays(0)
    with without_kernels():
        assert not kernels.pays(kernels.ENOUGH_OBJECTS)


def test_batches__know_how_long_the_stream_has_been() -> None:
    frames, _ = frames_of(0, most=20)
    objects = [len(frame.truths.channel) + len(frame.detections.channel) for frame in frames]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "MOST_OBJECTS", 1)
        found = [batch.objects_so_far for batch in batches.batches(frames)]
    assert found[-1] == sum(objects)
    assert found == sorted(found)


@given(seeds)
def test_run_lengths__are_read_as_pycocotools_reads_them(seed) -> None:
    rng = np.random.default_rng(seed)
    mask = (rng.random((7, 40)) < rng.random()).astype(np.uint8)
    run = runs_of({"size": [7, 40], "counts": run_numbers(mask)}, Size(7, 40))
    text = run["counts"]
    assert np.array_equal(pixels_of(run), mask)
    assert np.array_equal(pixels_of(run), decoded(run))
    assert np.array_equal(columns_plainly(text, 7, 5, 31).T, mask[:, 5:31])
    assert np.array_equal(pixels_of(run, slice(5, 31)), mask[:, 5:31])
    damaged = [text, text[:-1], text + b"1", text[:3] + b"\xff", b"", b"~~", b"0OOO"]
    assert lengths(damaged).tolist() == lengths_plainly(damaged).tolist()
    assert lengths(damaged)[0] == mask.size


def run_numbers(mask: np.ndarray) -> list[int]:
    flat = np.concatenate([[0], mask.ravel(order="F"), [2]])
    return np.diff(np.flatnonzero(flat[1:] != flat[:-1]), prepend=0).tolist()


def test_areas_of__more_masks_than_pycocotools_takes_at_once() -> None:
    run = runs_of([[0, 0, 4, 0, 4, 3, 0, 3]], Size(8, 8))
    assert areas_of([run] * 600).tolist() == [12.0] * 600


def test_rim__is_what_the_erosions_take(shared_data) -> None:
    example = json.loads((shared_data / "metric_coco" / "EXPECTED.json").read_text())["boundary_erosion_example"]
    mask = np.array(example["mask"], np.uint8)
    rim = Rim.of(runs_of({"size": list(mask.shape), "counts": run_numbers(mask)}, Size(*mask.shape)), 1)
    assert rim.pixels.astype(int).tolist() == np.array(example["boundary"])[:, rim.left :].tolist()


@settings(max_examples=15)
@given(seeds)
def test_score_instances__perfect_is_one_and_absent_is_none(seed) -> None:
    truth, _ = random_set(seed)
    for row in truth["annotations"]:
        row.update(iscrowd=0)
    truth["categories"].append({"id": 99, "name": "never"})
    results = [{**row, "score": 0.5} for row in truth["annotations"]]
    evaluation = evaluate_instances(results, truth, kinds=KINDS)
    present = {name for name, row in evaluation.classes.items() if row["truths"]}
    assert "never" not in present
    for name, row in evaluation.classes.items():
        expected = pytest.approx(1.0) if name in present else None
        assert [row[f"{kind}_ap"] for kind in KINDS] == [expected] * 3
        assert row["mask_ar@100"] == expected
    assert evaluation.scores["mask_ap"] == (pytest.approx(1.0) if present else None)
    assert any("never" in note for note in evaluation.notes)


@settings(max_examples=10)
@given(seeds)
def test_score_instances__the_order_of_categories_does_not_matter(seed) -> None:
    truth, results = random_set(seed)
    turned = {**truth, "categories": [*reversed(truth["categories"])]}
    assert evaluate_instances(results, turned) == evaluate_instances(results, truth)
    other = {row["id"]: 100 - row["id"] for row in truth["categories"]}
    renamed = {
        **truth,
        "categories": [{**row, "id": other[row["id"]]} for row in truth["categories"]],
        "annotations": [{**row, "category_id": other[row["category_id"]]} for row in truth["annotations"]],
    }
    found = evaluate_instances(
        [{**row, "category_id": other[row["category_id"]]} for row in results], renamed
    )  # fmt: skip
    expected = evaluate_instances(results, truth)
    assert {name: dict(row) for name, row in found.classes.items()} == expected.classes
    assert found.scores == {name: pytest.approx(score, abs=1e-12) for name, score in expected.scores.items()}


@settings(max_examples=10)
@given(seeds)
def test_score_instances__detections_inside_a_crowd_change_nothing(seed) -> None:
    truth, results = random_set(seed)
    everywhere = [0, 0, WIDTH, 0, WIDTH, HEIGHT, 0, HEIGHT]
    box = [0, 0, WIDTH, HEIGHT]
    for image in truth["images"]:
        for category in truth["categories"]:
            number = len(truth["annotations"]) + 1
            truth["annotations"].append({
                "id": number, "image_id": image["id"], "category_id": category["id"], "iscrowd": 1,
                "area": WIDTH * HEIGHT, "bbox": box, "segmentation": [everywhere],
            })  # fmt: skip
    expected = evaluate_instances(results, truth, kinds=["mask"])
    rng = np.random.default_rng(seed)
    # of low score and of no truth's shape: whatever more is said inside the crowds is neither right nor wrong
    more = [{**row, "score": -1.0, "segmentation": [strip(rng)]} for row in results]
    found = evaluate_instances(results + more, truth, kinds=["mask"])
    assert found.scores["mask_ap"] == expected.scores["mask_ap"]


def strip(rng: np.random.Generator) -> list[float]:
    """One pixel wide, the whole frame high."""
    left = int(rng.integers(0, WIDTH - 1))
    return [left, 0, left + 1, 0, left + 1, HEIGHT, left, HEIGHT]


def test_instance_counts__of_other_rules_do_not_add_up() -> None:
    frames, none = frames_of(1)
    with pytest.raises(ValueError, match="same classes, kinds, rule"):
        _ = none + replace(none, rule=LVIS)
    with pytest.raises(DataError, match="is counted twice"):
        _ = counted(frames[:1], none) + counted(frames[:1], none)
    with pytest.raises(DataError, match="has no image to score"):
        summarise_instances(none)


def test_count_instances__refuses_what_it_cannot_score() -> None:
    frames, none = frames_of(2)
    with pytest.raises(ConfigError, match="are not what can be scored"):
        count_instances(frames, none.classes, kinds=["masks"])  # type: ignore[list-item]
    full = next(frame for frame in frames if len(frame.detections.score) and len(frame.truths.channel))
    bare = replace(full, truths=replace(full.truths, boxes=None, masks=None))
    for kind, needed in (("box", "boxes"), ("mask", "masks")):
        with pytest.raises(ValueError, match=needed):
            count_instances(bare, none.classes, kinds=[kind])  # type: ignore[list-item]
