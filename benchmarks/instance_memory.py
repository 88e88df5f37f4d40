"""What grows with the number of objects: memory of a step of training, of a round of validation, of a large frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from segwright.core import RGB, ClassTable, Image, Size, adopt
from segwright.evaluate.instances.evaluate import evaluate_instances
from segwright.evaluate.instances.from_dataset import coco_content
from segwright.export.benchmark.worker import reset_peak
from segwright.infer import Preprocessing, TilePlan
from segwright.infer.objects import Candidates, ObjectPredictor
from segwright.infer.objects.results import coco_results
from segwright.models import NetworkSpec, build_network
from segwright.models.instance import (
    InstanceSpec,
    InstanceTargets,
    MaskRCNNOptions,
    SOLOv2Options,
    YOLACTOptions,
    build_instance_network,
)
from segwright.models.query import QueryLoss, QueryNetwork, SegmentTargets

CLASSES = ClassTable.of(["background", "object"])
CROP, MEBIBYTE = 512, 2**20
SMALL = (8.0, 16.0, 32.0, 64.0, 128.0)  # px; objects are of 10 to 40
OPTIONS: dict[str, Any] = {
    "maskrcnn": MaskRCNNOptions(anchor_sizes_px=SMALL, head_width=256),
    "yolact": YOLACTOptions(anchor_sizes_px=SMALL),
    "solov2": SOLOv2Options(head_width=128, mask_channels=128),
    "boxinst": SOLOv2Options(head_width=128, mask_channels=128, learn_from="boxes"),
}
NETWORKS = (*OPTIONS, "mask2former")
LARGE = Size(3000, 4000)  # 12 MP


def loss_step(name: str, count: int) -> Callable[[], object]:
    """A step of training without the optimiser: forward, loss and gradient of one 512 px crop with `count` objects."""
    torch.manual_seed(0)
    frames, places = torch.rand(1, 3, CROP, CROP), _places(count, CROP)
    if name == "mask2former":
        network = build_network(NetworkSpec(name, "resnet18", 3, 1)).train()
        assert isinstance(network, QueryNetwork)
        target = SegmentTargets(
            torch.zeros(count, dtype=torch.int64),
            torch.from_numpy(places.astype(np.int64) - 1),
            torch.ones(CROP, CROP) > 0,
        )
        return lambda: QueryLoss()(network.queries(frames), [target])[0].backward()
    model = _network(name, 100).train()

    def step() -> None:
        model.loss(frames, [_targets(places, count)])[0].backward()

    return step


def validation(name: str, count: int) -> Callable[[], object]:
    """A network's answer for one 512 px frame, `count` objects of it decided, as run lengths, scored against truth.

    The candidates are the truth's own masks: random weights would find nothing.
    """
    predictor = ObjectPredictor(
        Oracle(_places(count, CROP), name), CLASSES, Preprocessing(RGB, 1 / 255, (0.5,) * 3, (0.5,) * 3)
    )
    image = _blank(Size(CROP, CROP))
    network = _network(name, max(100, 2 * count)).eval()

    def score() -> float | None:
        with torch.inference_mode():
            network(torch.rand(1, 3, CROP, CROP))
        found = predictor.predict(image).objects
        truth = coco_content([("frame", found)], CLASSES)
        return evaluate_instances(coco_results(found, "frame"), truth, kinds=("mask",)).scores["mask_ap"]

    return score


def large_frame(name: str, count: int) -> Callable[[], int]:
    """A 12 MP frame with `count` objects in tiles of 512 px, stitched, without doubles, as run lengths."""
    tiles = TilePlan(Size(CROP, CROP), 128)
    oracle = Oracle(_places(count, LARGE.width)[: LARGE.height], name)
    predictor = ObjectPredictor(oracle, CLASSES, Preprocessing(RGB, 1 / 255, (0.5,) * 3, (0.5,) * 3), tiles)
    boxes = tiles.boxes(LARGE, 32)
    image = _blank(LARGE)

    def predict() -> int:
        oracle.tiles = iter(boxes)
        return len(coco_results(predictor.predict(image).objects, "frame"))

    return predict


@dataclass
class Oracle:
    """Instead of a network: candidates with the true masks, at the network's own resolution, tile by tile.

    With `name` "maskrcnn" a mask fills its box with 28 x 28 cells, else it covers the input at a quarter.
    """

    places: npt.NDArray[np.int32]
    name: str
    tiles: Any = None
    stride_px: int = 32

    def __call__(self, batch: npt.NDArray[np.float32], /) -> list[Candidates]:
        return [self._answer(*frame.shape[1:]) for frame in batch]

    def _answer(self, height: int, width: int) -> Candidates:
        box = next(self.tiles) if self.tiles is not None else None
        top, left = (0, 0) if box is None else (box.top, box.left)
        here = self.places[top : top + height, left : left + width]
        numbers = np.unique(here[here > 0])
        boxes, masks = np.zeros((len(numbers), 4), np.float32), []
        for at, number in enumerate(numbers):
            mask = here == number
            rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            boxes[at] = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
            masks.append(self._logits(mask, boxes[at].astype(int)))
        shape = (28, 28) if self.name == "maskrcnn" else (height // 4, width // 4)
        logits = np.array(masks, np.float32).reshape(len(numbers), *shape)
        frame = "box" if self.name == "maskrcnn" else "image"
        scores = np.linspace(0.9, 0.6, len(numbers), dtype=np.float32)
        return Candidates(scores, np.zeros(len(numbers), np.int64), boxes, logits, frame, height, width)

    def _logits(self, mask: npt.NDArray[np.bool_], box: npt.NDArray[np.int_]) -> npt.NDArray[np.float32]:
        if self.name != "maskrcnn":
            return np.where(mask[2::4, 2::4], 6, -6).astype(np.float32)
        inside = mask[box[1] : box[3], box[0] : box[2]]
        rows, columns = (np.arange(28) * side // 28 for side in inside.shape)
        return np.where(inside[np.ix_(rows, columns)], 6, -6).astype(np.float32)


def peak_mib(step: Callable[[], object]) -> float:
    """The most that the process held during `step` beyond what it held before, MiB (Linux)."""
    reset_peak()
    before = _status("VmRSS")
    step()
    return (_status("VmHWM") - before) / 1024


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def _network(name: str, candidates: int) -> nn.Module:
    torch.manual_seed(0)
    network = {"boxinst": "solov2", "mask2former": "solov2"}.get(name, name)
    options = replace(OPTIONS.get(name, OPTIONS["solov2"]))
    return build_instance_network(InstanceSpec(network, "resnet18", 3, 1, options, 128, candidates))


def _places(count: int, side: int) -> npt.NDArray[np.int32]:
    """A square map of `side` px with `count` discs, numbered from 1, on a grid that fills it; 0 elsewhere."""
    across = int(np.ceil(np.sqrt(count)))
    cell = side // across
    y, x = np.mgrid[:cell, :cell]
    disc = np.hypot(y - cell / 2, x - cell / 2) < min(0.4 * cell, 60)
    places = np.zeros((side, side), np.int32)
    for number in range(count):
        top, left = (number // across) * cell, (number % across) * cell
        places[top : top + cell, left : left + cell][disc] = number + 1
    return places


def _targets(places: npt.NDArray[np.int32], count: int) -> InstanceTargets:
    masks = torch.from_numpy(places) == torch.arange(1, count + 1).reshape(-1, 1, 1)
    boxes = torch.stack([_box(mask) for mask in masks])
    return InstanceTargets(torch.zeros(count, dtype=torch.int64), boxes, masks, torch.zeros(CROP, CROP) > 0)


def _box(mask: Tensor) -> Tensor:
    rows, columns = mask.any(1).nonzero().flatten(), mask.any(0).nonzero().flatten()
    return torch.stack([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]).float()


def _blank(size: Size) -> Image:
    return Image(adopt(np.zeros((size.height, size.width, 3), np.uint8)), RGB)
