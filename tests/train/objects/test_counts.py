"""From no object to five hundred in a frame, of one class or of a thousand: planned, cut, learned, scored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from segwright.core import GREY, Image
from segwright.data import make_split, open_dataset, write_split
from segwright.data.codecs import write_image
from segwright.data.columns import columns_from_pattern
from segwright.models.any_network import build_any
from segwright.project import read_project
from segwright.train import execute, start_run
from segwright.train.history import History
from segwright.train.objects.task import object_feed
from tests.train.objects.squares import NETWORKS, planned

SIDE, PITCH, ACROSS = 160, 6, 25
COUNTS = {"full": 500, "empty": 0, "one": 1}
PROJECT = """
name: counts
task: instance
classes: {{names: {names}, background: background, things: {things}, void: {void}}}
data: {{root: frames, format: coco_json, columns_from: '^(?P<part>[a-z]+)_'}}
model: {{network: maskrcnn, encoder: test_resnet, weights: null, options: {options}}}
training: {{steps: 2, crop: 160, batch: 3, validate_every: 2, precision: fp32, loggers: [], workers: 1, cache_gb: 0}}
lint: {{ignore: [SEG001, SEG011, SEG020, SEG023]}}
"""


def write_counts(folder: Path, classes: int) -> Path:
    """Frames of 160x160 with 500, no and one square, for training and once more to validate on; a project for them."""
    rng = np.random.default_rng(classes)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for part in ("train", "validation"):
        for name, count in COUNTS.items():
            pixels = rng.integers(0, 60, (SIDE, SIDE, 1)).astype(np.uint8)
            images.append({"id": len(images), "file_name": f"{part}_{name}.png", "height": SIDE, "width": SIDE})
            for at in range(count):
                left, top = PITCH * (at % ACROSS) + 3, PITCH * (at // ACROSS) + 3
                pixels[top : top + 4, left : left + 4] = 220
                outline = [left, top, left + 4, top, left + 4, top + 4, left, top + 4]
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": len(images) - 1,
                        "category_id": 1 + at % classes,
                        "bbox": [left, top, 4, 4],
                        "area": 16,
                        "iscrowd": 0,
                        "segmentation": [outline],
                    }
                )
            write_image(folder / "frames" / f"{part}_{name}.png", Image(pixels, GREY))
    names = {"background": 0, **{f"c{number}": number for number in range(1, classes + 1)}}
    categories = [{"id": number, "name": name} for name, number in names.items() if number]
    document = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "frames" / "objects.json").write_text(json.dumps(document))
    text = PROJECT.format(
        names=json.dumps(names),
        things=json.dumps([name for name in names if name != "background"]),
        void=65535 if classes > 254 else 255,
        options=NETWORKS["maskrcnn"],
    )
    (folder / "segwright.yaml").write_text(text)
    return folder / "segwright.yaml"


def with_split(project: Path) -> Path:
    table = read_project(project).classes.table()
    dataset = open_dataset(project.parent / "frames", format="coco_json", classes=table)
    by_part = columns_from_pattern(dataset, "^(?P<part>[a-z]+)_")
    split = make_split(by_part, by="part", fractions={"train": 1.0}, held_out={"validation": ["validation"]})
    write_split(project.parent / "split.json", split)
    return project


@pytest.mark.parametrize("classes", [1, 1000])
def test_train__frames_of_no_and_of_five_hundred_objects(tmp_path: Path, classes: int) -> None:
    project = with_split(write_counts(tmp_path, classes))
    plan, dataset, split = planned(project)[1:]
    assert len(plan.classes.foreground) == classes
    run = execute(start_run(plan, tmp_path / "run"), dataset, split)
    rows = History(run.path / "history.jsonl").rows()
    losses = [row["loss"] for row in rows if row["kind"] == "train"]
    assert np.isfinite(losses).all()
    assert [row["mask_ap"] for row in rows if row["kind"] == "validation"] != [None]


@pytest.mark.parametrize("network", NETWORKS)
def test_loss__of_crops_with_no_and_with_five_hundred_objects(tmp_path: Path, network: str) -> None:
    project = with_split(write_counts(tmp_path, 1000))
    chosen = (f"model.network={network}", f"model.options={NETWORKS[network]}", "training.rare_crops=0")
    plan, dataset, split = planned(project, *chosen, "training.augment.scale=[1,1]")[1:]
    feed = object_feed(plan, dataset, split.parts["train"])
    model = build_any(plan.network).train()
    batch = next(batch for batch in map(feed.batch, range(20)) if {0, 500} <= {len(one) for one in batch.target})
    total, terms = model.loss(batch.frames, batch.target)  # type: ignore[operator]
    total.backward()
    assert all(term.isfinite() for term in terms.values())
    assert all(value.grad is None or value.grad.isfinite().all() for value in model.parameters())
    model.eval()
    with torch.inference_mode():
        assert model(batch.frames).scores.isfinite().all()
