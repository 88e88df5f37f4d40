"""Each convention of an installed library equals that library, run on the same arrays."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from hypothesis import given, settings
from sklearn.metrics import jaccard_score
from torchmetrics.classification import BinaryJaccardIndex, MulticlassJaccardIndex
from torchmetrics.segmentation import DiceScore, MeanIoU

from segwright.core import ClassTable
from segwright.evaluate import FramePair
from segwright.evaluate.reconcile import Convention, reconcile
from tests.evaluate.maps import CLASSES, VOID, labels, map_pairs, random_map

BINARY = ClassTable.of(["background", "scratch"])
FLOAT32 = 2e-6  # torchmetrics and segmentation-models-pytorch divide in float32

Frames = list[tuple[np.ndarray, np.ndarray]]


def drawn(seed: int, *, classes: int = 3, undecided: bool = False) -> Frames:
    """Five frames of several sizes: absent classes, invented ones, void, a frame of void alone."""
    rng, frames = np.random.default_rng(seed), []
    for index in range(5):
        shape = (6 + 2 * index, 9)
        prediction, truth = random_map(rng, shape), random_map(rng, shape, void=0.1)
        for ids in (prediction, truth):
            ids[ids == rng.integers(1, 4)] = 0  # of the class drawn, if it is one, nothing is left
            ids[(ids >= classes) & (ids != VOID)] = 0
        near = rng.random(shape) < 0.7
        prediction[near] = np.where(truth == VOID, 1, truth)[near]
        if undecided:
            prediction[rng.random(shape) < 0.1] = VOID
        frames.append((prediction, truth))
    frames.append((np.zeros((4, 4), np.uint8), np.full((4, 4), VOID, np.uint8)))
    return frames


def rows(frames: Frames, library: str, classes: ClassTable = CLASSES) -> dict[str, Convention]:
    pairs = [
        FramePair(f"f{index}", labels(prediction, classes), labels(truth, classes))
        for index, (prediction, truth) in enumerate(frames)
    ]
    return {row.name: row for row in reconcile(pairs, classes) if row.library == library}


def agree(found: Mapping[str, Convention], expected: Mapping[str, float], tolerance: float) -> None:
    values = {name: row.value for name, row in found.items() if name in expected}
    assert set(expected) - set(values) == set()
    missing = {name: float("nan") if value is None else value for name, value in values.items()}
    assert missing == pytest.approx(dict(expected), abs=tolerance, nan_ok=True)


def tensors(frames: Frames) -> Iterator[tuple[Any, Any]]:
    for prediction, truth in frames:
        yield torch.from_numpy(prediction.astype(np.int64))[None], torch.from_numpy(truth.astype(np.int64))[None]


def one_hot(frames: Frames, classes: int = 3) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Boolean maps (1, classes, height, width) without void: of no class in either."""
    for said, true in tensors(frames):
        ids = torch.arange(classes)[None, :, None, None]
        valid = (true != VOID)[:, None]
        yield (said[:, None] == ids) & valid, (true[:, None] == ids) & valid


def updated(metric, batches) -> float:
    for batch in batches:
        metric.update(*batch)
    return float(metric.compute())


@pytest.mark.parametrize("seed", range(4))
def test_torchmetrics__jaccard_index(seed) -> None:
    frames = drawn(seed)
    expected = {
        f'JaccardIndex(average="{average}")': updated(
            MulticlassJaccardIndex(3, average=average, ignore_index=VOID), tensors(frames)
        )
        for average in ("macro", "micro", "weighted")
    }
    agree(rows(frames, "torchmetrics"), expected, FLOAT32)
    two = drawn(seed, classes=2)
    expected = {'JaccardIndex(task="binary")': updated(BinaryJaccardIndex(ignore_index=VOID), tensors(two))}
    agree(rows(two, "torchmetrics", BINARY), expected, FLOAT32)


def test_torchmetrics__refuses_undecided_pixels() -> None:
    frames = drawn(0, undecided=True)
    with pytest.raises(RuntimeError):
        updated(MulticlassJaccardIndex(3, ignore_index=VOID), tensors(frames))
    row = rows(frames, "torchmetrics")['JaccardIndex(average="macro")']
    assert row.value is None
    assert row.why.startswith("raises: ")


@pytest.mark.parametrize("undecided", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_torchmetrics__segmentation(seed, undecided) -> None:
    frames = drawn(seed, undecided=undecided)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of average="micro": that the default has changed
        micro = DiceScore(3, average="micro")
    per_class = MeanIoU(3, per_class=True)
    for batch in one_hot(frames):
        per_class.update(*batch)
    expected = {
        "MeanIoU()": updated(MeanIoU(3), one_hot(frames)),
        "MeanIoU(include_background=False)": updated(MeanIoU(3, include_background=False), one_hot(frames)),
        "MeanIoU(per_class=True), their mean": float(per_class.compute().mean()),
        "DiceScore()": updated(DiceScore(3), one_hot(frames)),
        'DiceScore(average="micro")': updated(micro, one_hot(frames)),
        'DiceScore(aggregation_level="global")': updated(DiceScore(3, aggregation_level="global"), one_hot(frames)),
    }
    agree(rows(frames, "torchmetrics"), expected, FLOAT32)


@pytest.mark.parametrize("undecided", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_segmentation_models__iou_score(seed, undecided) -> None:
    frames = drawn(seed, undecided=undecided)
    counted = [
        smp.metrics.get_stats(*batch, mode="multiclass", num_classes=3, ignore_index=VOID) for batch in tensors(frames)
    ]
    stats: list[Any] = [torch.cat(each) for each in zip(*counted, strict=True)]
    found, expected = rows(frames, "segmentation-models-pytorch"), {}
    for name in found:
        reduction = name.split('"')[1]
        zero_division = 0.0 if "zero_division" in name else 1.0
        expected[name] = float(smp.metrics.iou_score(*stats, reduction=reduction, zero_division=zero_division))
    assert 'iou_score(reduction="macro-imagewise", zero_division=0)' in found
    agree(found, expected, FLOAT32)


@settings(max_examples=40)
@given(map_pairs())
def test_scikit_learn__jaccard_score(maps) -> None:
    prediction, truth = maps
    valid = truth != VOID
    if not valid.any():
        return
    true, said = truth[valid], prediction[valid]
    found = rows([(prediction, truth)], "scikit-learn")
    expected = {
        'jaccard_score(average="macro")': jaccard_score(true, said, average="macro"),
        'jaccard_score(average="micro", labels=all ids)': jaccard_score(
            true, said, average="micro", labels=CLASSES.ids
        ),
        'jaccard_score(average="weighted")': jaccard_score(true, said, average="weighted"),
    }
    if 'jaccard_score(average="macro", labels=all ids)' in found:
        expected['jaccard_score(average="macro", labels=all ids)'] = jaccard_score(
            true,
            said,
            average="macro",
            labels=CLASSES.ids,
            zero_division=0.0,  # pyright: ignore[reportArgumentType]
        )
    agree(found, {name: float(value) for name, value in expected.items()}, 1e-12)


def test_scikit_learn__binary() -> None:
    frames = drawn(3, classes=2)
    true, said = (np.concatenate([each[which].ravel() for each in frames]) for which in (1, 0))
    expected = jaccard_score(true[true != VOID], said[true != VOID], average="binary")
    agree(rows(frames, "scikit-learn", BINARY), {'jaccard_score(average="binary")': float(expected)}, 1e-12)
    row = rows(drawn(3, classes=2, undecided=True), "scikit-learn", BINARY)['jaccard_score(average="binary")']
    assert row.value is None
