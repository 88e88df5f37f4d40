from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from segwright.core import Image, LabelMap
from segwright.data import Dataset, Split, open_dataset
from segwright.data.codecs import write_image, write_label_map
from segwright.export.run_export import HeldOutFrames, export_run
from segwright.infer import load
from tests.export.networks import Small, predictor_for
from tests.infer.models import CLASSES


@dataclass
class FinishedRun:
    """What `export_run` asks of a run, without having trained one."""

    path: Path
    dataset: Dataset
    split: Split
    network: Small
    evaluation: dict[str, Any] | None
    plan_hash: str = "p" * 64

    @property
    def plan(self) -> SimpleNamespace:
        section = SimpleNamespace
        return section(
            data=section(
                dataset_hash="d" * 64,
                split_hash="s" * 64,
                part_frames={"train": 3},
                split_by="line",
                train_frames="0123456789abcdef",
                store_version=None,
            ),
            optimiser=section(seed=5, steps=10),
            network=section(network="unet", encoder="tiny"),
            sampling=section(crop=64, batch=2),
            validation=section(part="validation"),
            alerts={"area_percent": 2.0},
            weights=None,
            objects=None,
        )

    def module(self) -> Small:
        return self.network

    def predictor(self, device=None):
        assert device == "cpu", "a parity proof is made on the CPU"
        return predictor_for(self.network)


@pytest.fixture
def run(tmp_path) -> FinishedRun:
    random = np.random.default_rng(0)
    for index in range(6):
        pixels = random.integers(0, 255, (24, 40, 3), np.uint8)
        write_image(tmp_path / f"data/images/{index}.png", Image(pixels))
        labels = LabelMap(random.integers(0, 3, (24, 40), np.uint8), CLASSES)
        write_label_map(tmp_path / f"data/masks/{index}.png", labels)
    dataset = open_dataset(tmp_path / "data", classes=CLASSES)
    parts = {"train": ("0",), "validation": ("1", "2", "3", "4", "5")}
    split = Split(parts, None, 0, dataset.content_hash, CLASSES.content_hash)
    evaluation = {"images": 5, "scores": {"pooled_miou": 0.3}, "classes": {}, "frames": [1, 2], "confusion": {}}
    return FinishedRun(tmp_path / "runs" / "first", dataset, split, Small(), evaluation)


def test_export_run__the_bundle_says_what_trained_it_and_how_it_scored(run, tmp_path):
    bundle = export_run(run, tmp_path / "first.bundle", parity_frames=3)
    assert bundle.name == "first"
    assert bundle.lineage.run == "first"
    assert (bundle.lineage.plan_hash, bundle.lineage.seed) == ("p" * 64, 5)
    assert bundle.lineage.train_frames == "0123456789abcdef"
    assert bundle.parity["frames"] == 3
    assert bundle.parity["score_differences"]["scratch"] is not None
    assert bundle.scores == {"part": "validation", "images": 5, "scores": {"pooled_miou": 0.3}, "classes": {}}
    assert bundle.training["weights"] == "random"
    frame = run.dataset.read_image(run.dataset.frame("1"))
    assert load(bundle.path).predict(frame).label_map == run.predictor("cpu").predict(frame).label_map


def test_held_out_frames__are_spread_over_the_part_and_read_when_asked_for(run):
    spread = partial(HeldOutFrames.of, run.dataset, run.split.stems("validation"))
    assert spread(3).stems == ("1", "3", "5")
    assert spread(99).stems == ("1", "2", "3", "4", "5")
    assert spread(1).stems == ("1",)
    assert [frame.stem for frame in spread(5)[1:3]] == ["2", "3"]
    assert next(iter(spread(2))).truth is not None
