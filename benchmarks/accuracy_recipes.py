"""What benchmarks/accuracy.py compares: each recipe trains on the same split and writes index PNGs of the test part.

ours       segwright's plan as it comes, and at prediction the mean over the mirrored frames that the set allows; a
           trailing `-PART` takes one part away
smp        the plain recipe of segmentation-models-pytorch's README: U-Net, Dice + cross-entropy, Adam at 1e-3,
           random crops and flips, whole frames at prediction
smp-ce     the same with cross-entropy alone
nnunet     nnU-Net v2, configuration 2d, in a Python of its own (accuracy_nnunet.py)
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import segmentation_models_pytorch as smp
import torch
from accuracy_sets import SETS
from torch import Tensor, nn

from segwright.core import LabelMap, Listener, Note
from segwright.data import Dataset, Split, write_label_map
from segwright.evaluate import evaluate
from segwright.infer.predictor import Predictor
from segwright.infer.preprocess import Preprocessing
from segwright.infer.views import FLIPS
from segwright.models.folded import load_folded, unfold_batch_norm
from segwright.project.read import validated
from segwright.project.schema import Project
from segwright.train import Plan, execute, open_run, plan_project, start_run
from segwright.train.weights import folded_layers

ENCODER = "mobilenetv2_100"
STRIDE_PX = 32
VOID = 255  # in the channels of the plain recipe
STATISTICS_CROPS = 16

# the section and key of segwright.yaml that takes one part of the recipe away, and the value that does
UNMIRRORED = "ours-mirrored"  # the same run as `ours`, its frames seen once
WITHOUT: dict[str, dict[str, dict[str, Any]]] = {
    "ours": {},
    UNMIRRORED: {},
    "ours-rare_crops": {"training": {"rare_crops": 0.0}},
    "ours-dice": {"loss": {"dice": 0.0, "cross_entropy": 1.0}},
    "ours-ema": {"training": {"ema_decay": 0.0}},
    "ours-colour": {"augment": {"colour": 0.0}},
    "ours-warp": {"augment": {"warp_share": 0.0}},
    "ours-hold": {"training": {"hold_rate": 0.0}},
    "ours-pretrained": {"model": {"weights": None}},
}


@dataclass(frozen=True)
class Task:
    """One run: a set with its split, and the settings every recipe shares."""

    name: str
    dataset: Dataset
    split: Split
    split_file: Path
    weights: Path
    seed: int
    steps: int
    batch: int
    crop: int

    @property
    def settings(self) -> str:
        """The settings every recipe shares, as they stand in the results."""
        return f"{self.steps} steps of {self.batch} crops of {self.crop} px"

    def part(self, name: str) -> Dataset:
        """The frames of a part of the split."""
        return self.dataset.only(self.split.stems(name))


def train_ours(task: Task, recipe: str, work: Path, masks: Path, listener: Listener) -> dict[str, Any]:
    """Train by segwright's plan, or go on where a stopped run was; returns what the results say of the run.

    The run of `ours` answers for `UNMIRRORED` too, in a folder of that name beside `masks`.
    """
    folder = work / "run"
    if (folder / "plan.yaml").is_file():
        run, resume = open_run(folder), True
    else:
        plan, _, _ = plan_project(project_of(task, recipe), Path(), listener)
        run, resume = start_run(plan, folder), False
    execute(run, run.dataset, run.split, resume=resume, listener=listener)
    once = run.predictor()
    flips = tuple(flip for flip in FLIPS if flip in SETS[task.name].flips)
    mirrored = replace(once, tiles=replace(once.tiles, flips=flips))
    _predict(once if recipe == UNMIRRORED else mirrored, task, masks)
    if recipe == "ours":
        _predict(once, task, masks.with_name(UNMIRRORED))
    return {"precision": run.plan.optimiser.precision, "validate_every": run.plan.validation.every}


def _predict(predictor: Predictor, task: Task, masks: Path) -> None:
    for frame in task.part("test").frames:
        predicted = predictor.predict(task.dataset.read_image(frame))
        write_prediction(masks, frame.stem, predicted.label_map)


def train_smp(task: Task, recipe: str, work: Path, masks: Path, listener: Listener) -> dict[str, Any]:
    """Train the plain recipe; the checkpoint is chosen as ours is: same part, same steps, same score."""
    plan, _, _ = plan_project(project_of(task, "ours"), Path(), listener)
    torch.manual_seed(task.seed)
    crops = _PlainCrops(task, plan.preprocessing)
    network = _plain_network(task, crops)
    loss = _PlainLoss(dice=recipe == "smp")
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    best, kept = -1.0, copy.deepcopy(network.state_dict())
    for step in range(1, task.steps + 1):
        frames, target = crops.batch(task.batch)
        with torch.autocast("cpu", torch.bfloat16, enabled=plan.optimiser.precision == "bf16"):
            logits = network(frames.contiguous(memory_format=torch.channels_last))
        optimiser.zero_grad()
        loss(logits.float(), target).backward()
        optimiser.step()
        if step % plan.validation.every == 0 or step == task.steps:
            score = _validate(network, task, plan, work / "validation")
            listener(Note("smp", f"step {step}: {plan.validation.select} {score:.3f}"))
            if score > best:
                best, kept = score, copy.deepcopy(network.state_dict())
    network.load_state_dict(kept)
    _predict_plain(network, task.part("test"), plan.preprocessing, masks)
    return {"precision": plan.optimiser.precision, "validate_every": plan.validation.every}


def project_of(task: Task, recipe: str) -> Project:
    chosen, less = SETS[task.name], WITHOUT[recipe]
    classes = task.dataset.classes
    training = {"steps": task.steps, "batch": task.batch, "crop": task.crop, "seed": task.seed, "loggers": []}
    settings = {
        "name": f"{task.name}-{recipe}-{task.seed}",
        "classes": {
            "names": {spec.name: spec.class_id for spec in classes},
            "void": classes.void_id,
            "background": classes.background,
        },
        "data": {"root": str(task.dataset.root), "format": task.dataset.format, **chosen.data},
        "split": {"file": str(task.split_file)},
        "model": {"encoder": ENCODER, "weights": str(task.weights), **less.get("model", {})},
        "loss": less.get("loss", {}),
        "training": {
            **training,
            **less.get("training", {}),
            "augment": {**chosen.augment, **less.get("augment", {})},
        },
    }
    return validated(settings, "benchmark")


class _PlainCrops:
    """Uniform random crops of the training frames, flipped as the set allows; frames smaller than a crop are padded.

    Nothing of segwright's feed: no class is sought, nothing is turned, scaled or coloured.
    """

    def __init__(self, task: Task, preprocessing: Preprocessing) -> None:
        self._crop, self._random = task.crop, np.random.default_rng(task.seed)
        self._flips = SETS[task.name].flips
        self._frames = list(_channels(task.part("train"), preprocessing))

    def batch(self, size: int) -> tuple[Tensor, Tensor]:
        """`size` crops (batch, bands, height, width) float32 and their channels (batch, height, width) int64."""
        pairs = [self._one() for _ in range(size)]
        frames, targets = zip(*pairs, strict=True)
        return torch.from_numpy(np.stack(frames)), torch.from_numpy(np.stack(targets)).long()

    def _one(self) -> tuple[npt.NDArray, npt.NDArray]:
        pixels, channels = self._frames[self._random.integers(len(self._frames))]
        missing = [max(0, self._crop - length) for length in channels.shape]
        edges = [(0, length) for length in missing]
        pixels, channels = np.pad(pixels, [(0, 0), *edges]), np.pad(channels, edges, constant_values=VOID)
        row, column = (int(self._random.integers(length - self._crop + 1)) for length in channels.shape)
        window = np.s_[row : row + self._crop, column : column + self._crop]
        pixels, channels = pixels[(slice(None), *window)], channels[window]
        for name, axis in (("horizontal", -1), ("vertical", -2)):
            if name in self._flips and self._random.random() < 0.5:
                pixels, channels = np.flip(pixels, axis), np.flip(channels, axis)
        return pixels, channels


def _channels(frames: Dataset, preprocessing: Preprocessing) -> Iterator[tuple[npt.NDArray, npt.NDArray]]:
    """Each frame as the network reads it, and its channels with void as `VOID`."""
    table = channel_table(frames)
    for frame in frames.frames:
        labelled = frames.read(frame)
        yield preprocessing.apply(labelled.image), table[labelled.labels.ids]


def channel_table(frames: Dataset) -> npt.NDArray[np.uint8]:
    """Class id -> channel, void and what is no class -> `VOID`."""
    table = np.full(1 << (8 * np.dtype(frames.classes.id_type).itemsize), VOID, np.uint8)
    table[list(frames.classes.ids)] = np.arange(len(frames.classes))
    return table


def _plain_network(task: Task, crops: _PlainCrops) -> nn.Module:
    """SMP's U-Net with the same encoder and weights.

    The file's batch norms are folded into its convolutions; training needs them back with the statistics of real
    frames, and ours gets them so: the rival does too, or it would start from a worse encoder.
    """
    network = smp.Unet(f"tu-{ENCODER}", encoder_weights=None, in_channels=3, classes=len(task.dataset.classes))
    encoder: Any = network.encoder.model
    load_folded(encoder, folded_layers(task.weights))
    with torch.no_grad():
        unfold_batch_norm(encoder, crops.batch(STATISTICS_CROPS)[0])
    return network.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]


class _PlainLoss(nn.Module):
    """Cross-entropy, and on request SMP's multiclass Dice on top; both leave void out."""

    def __init__(self, *, dice: bool) -> None:
        super().__init__()
        self._cross_entropy = nn.CrossEntropyLoss(ignore_index=VOID)
        self._dice = smp.losses.DiceLoss("multiclass", ignore_index=VOID) if dice else None

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        total = self._cross_entropy(logits, target)
        return total if self._dice is None else total + self._dice(logits, target)


def _validate(network: nn.Module, task: Task, plan: Plan, masks: Path) -> float:
    """The score that chooses the checkpoint, on the validation part."""
    shutil.rmtree(masks, ignore_errors=True)
    part = task.part("validation")
    _predict_plain(network, part, plan.preprocessing, masks)
    network.train()
    return evaluate(masks, part, classes=task.dataset.classes, boundary_px=()).scores[plan.validation.select] or 0.0


@torch.inference_mode()
def _predict_plain(network: nn.Module, frames: Dataset, preprocessing: Preprocessing, masks: Path) -> None:
    """Whole frames, padded to the encoder's stride, largest logit."""
    network.eval()
    ids = np.array(frames.classes.ids, frames.classes.id_type)
    for frame in frames.frames:
        pixels = preprocessing.apply(frames.read_image(frame))
        height, width = pixels.shape[1:]
        padded = np.pad(pixels, ((0, 0), (0, -height % STRIDE_PX), (0, -width % STRIDE_PX)), mode="reflect")
        logits = network(torch.from_numpy(padded)[None].contiguous(memory_format=torch.channels_last))
        channels = logits[0, :, :height, :width].argmax(0).numpy()
        write_prediction(masks, frame.stem, LabelMap(ids[channels], frames.classes))


def write_prediction(masks: Path, stem: str, labels: LabelMap) -> None:
    """Write a prediction as an index PNG: class ids, at the frame's own size."""
    target = masks / f"{stem}.png"
    target.parent.mkdir(parents=True, exist_ok=True)
    write_label_map(target, labels)
