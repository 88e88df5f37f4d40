"""Our semantic recipe against segmentation-models-pytorch, on the same frames, crops seen and held-out groups.

    python benchmarks/semantic.py --set tiles --data shared/data --weights FILE --out results.jsonl

trains, for each seed, four networks on MobileNetV2 U-Nets and appends one JSON line a run:

    ours-pretrained   segwright's plan, ImageNet weights
    ours-scratch      segwright's plan, random weights
    plain             SMP U-Net, random weights, cross-entropy, random crops, fixed rate
    strong            SMP U-Net, the same ImageNet weights, class-weighted cross-entropy + Dice, flips, colour, cosine

A run that is already in the file is skipped, so an interrupted benchmark goes on where it was. All are scored alike:
whole frames at native size, largest probability, best round on the validation part, reported on the test part.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import segmentation_models_pytorch as smp
import torch
from accuracy_sets import SETS as REAL_SETS
from accuracy_sets import open_set
from torch import nn

from segwright.data import Dataset, Split
from segwright.data.augment import ColourRanges, GeometryRanges
from segwright.evaluate import Evaluation, PredictedPairs, score_frames
from segwright.infer.predictor import Predictor
from segwright.infer.runtimes.torch_runtime import TorchRuntime
from segwright.models.folded import load_folded, unfold_batch_norm
from segwright.models.losses import SegmentationLoss
from segwright.project.read import validated
from segwright.train import execute, open_run, plan_project, start_run
from segwright.train.feed import Feed
from segwright.train.frames import TrainingFrames
from segwright.train.settings import Plan
from segwright.train.weights import folded_layers

ENCODER = "mobilenetv2_100"
CROP_PX = 192
# the split of benchmarks/accuracy_sets.py, which the gates on leaks let through, and what may be done to the crops
SETS: dict[str, dict[str, Any]] = {
    "tiles": {"flip_vertical": True, "rotate_degrees": 15.0},
    "camvid": {},
}
STATISTICS_BATCHES = 2  # of frames, for the batch norms that the weights' file holds folded into convolutions


def main() -> None:
    """Run what is missing in the results file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=SETS, required=True)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds the sets")
    parser.add_argument("--weights", type=Path, required=True, help="ImageNet MobileNetV2, batch norm folded")
    parser.add_argument("--out", type=Path, default=Path("results.jsonl"))
    parser.add_argument("--work", type=Path, default=Path("runs/benchmark"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--crop", default=str(CROP_PX), help="px, or auto for what the plan takes by itself")
    parser.add_argument("--methods", nargs="+", default=["ours-pretrained", "strong", "ours-scratch", "plain"])
    arguments = parser.parse_args()
    done = _done(arguments.out)
    _, split, _ = open_set(arguments.set, arguments.data, arguments.work)
    for seed in arguments.seeds:
        for method in arguments.methods:
            key = (arguments.set, method, seed, arguments.steps, arguments.crop, split.content_hash[:12])
            if key not in done:
                row = run(arguments, method, seed)
                with arguments.out.open("a", encoding="utf-8") as handle:
                    handle.write(json.dumps(row) + "\n")
                print(f"{key}: pooled mIoU {row['pooled_miou']:.3f}, boundary F {row['boundary_f@3']:.3f}", flush=True)


def run(arguments: argparse.Namespace, method: str, seed: int) -> dict[str, Any]:
    """Train one network and score it on the test part."""
    plan, dataset, split = _plan(arguments, method, seed)
    started = time.perf_counter()
    if method.startswith("ours"):
        folder = arguments.work / f"{arguments.set}-{method}-{seed}-{arguments.steps}-{arguments.crop}"
        resume = (folder / "plan.yaml").exists()
        finished = execute(open_run(folder) if resume else start_run(plan, folder), dataset, split, resume=resume)
        predictor = finished.predictor()
    else:
        predictor = _rival(plan, dataset, split, arguments.weights if method == "strong" else None, method)
    seconds = time.perf_counter() - started
    evaluation = score_frames(PredictedPairs(predictor, dataset.only(split.stems("test"))), plan.classes)
    return {
        "set": arguments.set,
        "method": method,
        "seed": seed,
        "steps": arguments.steps,
        "crop": arguments.crop,
        "crops": arguments.steps * plan.sampling.batch,
        "images": evaluation.images,
        **evaluation.scores,
        "iou": {name: row["iou"] for name, row in evaluation.classes.items()},
        "boundary": {name: row["boundary_f@3"] for name, row in evaluation.classes.items()},
        "seconds": round(seconds, 1),
        "split_hash": split.content_hash[:12],
        "dataset_hash": dataset.content_hash[:12],
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}",
    }


def _plan(arguments: argparse.Namespace, method: str, seed: int) -> tuple[Plan, Dataset, Split]:
    dataset, _, split_file = open_set(arguments.set, arguments.data, arguments.work)
    project = {
        "name": f"{arguments.set}-{method}-{seed}",
        "classes": {
            "names": {spec.name: spec.class_id for spec in dataset.classes},
            "void": dataset.classes.void_id,
            "background": dataset.classes.background,
        },
        "data": {"root": str(dataset.root.resolve()), "format": dataset.format, **REAL_SETS[arguments.set].data},
        "split": {"file": str(split_file)},
        "model": {"encoder": ENCODER, "weights": str(arguments.weights) if method == "ours-pretrained" else None},
        "training": {
            "steps": arguments.steps,
            "seed": seed,
            "loggers": [],
            "crop": "auto" if arguments.crop == "auto" else int(arguments.crop),
            "validate_every": -(-arguments.steps // 3),
            "augment": SETS[arguments.set],
        },
    }
    return plan_project(validated(project, "benchmark"), Path())


def _rival(plan: Plan, dataset: Dataset, split: Split, weights: Path | None, method: str) -> Predictor:
    """An SMP U-Net trained plainly or strongly on the same number of crops; the best validation round's weights."""
    strong = method == "strong"
    torch.manual_seed(plan.optimiser.seed)
    network = smp.Unet(f"tu-{ENCODER}", encoder_weights=None, in_channels=3, classes=len(plan.classes))
    if weights is not None:
        load_folded(network.encoder.model, folded_layers(weights))
    preprocessing = plan.preprocessing if not strong else replace(plan.preprocessing, mean=(0.5,) * 3, std=(0.5,) * 3)
    colour = ColourRanges(gain=0.2, gamma=0.2, contrast=0.2, blur_px=0, sharpen=0, noise=0, jpeg_quality=95, share=0.5)
    sampling = replace(
        plan.sampling,
        rare_share=0.0,
        geometry=GeometryRanges(strong, strong and plan.sampling.geometry.flip_vertical, 0.0, (1.0, 1.0), 0.0),
        colour=colour if strong else ColourRanges(share=0.0),
    )
    frames = TrainingFrames(dataset, split.stems("train"), preprocessing, 4.0)
    frames.index(2)
    feed = Feed(frames, plan.classes, sampling, preprocessing, plan.optimiser.seed)
    if weights is not None:
        crops = torch.cat([feed.batch(number, plan.sampling.crop).frames for number in range(STATISTICS_BATCHES)])
        with torch.no_grad():
            unfold_batch_norm(network.encoder.model, crops)  # as ours: else the rival would start from a worse encoder
    loss = _rival_loss(plan, frames) if strong else SegmentationLoss({"cross_entropy": 1.0}, ())
    predictor = Predictor(
        TorchRuntime(network, channels=len(plan.classes), precision="bfloat16"), plan.classes, preprocessing, plan.tiles
    )
    return _fit(network, feed, loss, predictor, dataset.only(split.stems("validation")), plan, cosine=strong)


def _fit(
    network: nn.Module,
    feed: Feed,
    loss: SegmentationLoss,
    predictor: Predictor,
    validation: Dataset,
    plan: Plan,
    *,
    cosine: bool,
) -> Predictor:
    network.to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)
    steps = plan.optimiser.steps
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps) if cosine else None
    best, kept = -1.0, network.state_dict()
    for batch in feed.batches(0, steps):
        with torch.autocast("cpu", torch.bfloat16, enabled=plan.optimiser.precision == "bf16"):
            logits = network(batch.frames.contiguous(memory_format=torch.channels_last))
        total, _ = loss(logits, batch.target)
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        if schedule is not None:
            schedule.step()
        if (batch.step + 1) % plan.validation.every == 0 or batch.step + 1 == steps:
            score = _score(predictor, validation).scores["pooled_miou"] or 0.0
            if score > best:
                best, kept = score, {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.load_state_dict(kept)
    network.eval()
    return replace(predictor, runtime=TorchRuntime(network, channels=len(plan.classes)))


def _rival_loss(plan: Plan, frames: TrainingFrames) -> SegmentationLoss:
    """Class weights of one over the square root of the pixels, mean 1; Dice over every class but the background."""
    pixels = np.zeros(len(plan.classes))
    for index in range(len(frames)):
        pixels += np.bincount(frames[index].channels.ravel(), minlength=256)[: len(plan.classes)]
    roots = 1 / np.sqrt(np.maximum(pixels, 1))
    weights = tuple(float(value) for value in roots * len(roots) / roots.sum())
    return SegmentationLoss({"cross_entropy": 0.5, "dice": 0.5}, plan.loss.channels, weights)


def _score(predictor: Predictor, frames: Dataset) -> Evaluation:
    return score_frames(PredictedPairs(predictor, frames), predictor.classes, boundary_px=())


def _done(path: Path) -> set[tuple[Any, ...]]:
    if not path.exists():
        return set()
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    names = ("set", "method", "seed", "steps")
    return {(*(row[name] for name in names), row.get("crop", str(CROP_PX)), row["split_hash"]) for row in rows}


if __name__ == "__main__":
    main()
