"""How much memory a training step takes, found out before it is taken, and how much there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from segwright.models import NetworkSpec, build_network
from segwright.models.losses import SegmentationLoss
from segwright.train.hardware import Hardware
from segwright.train.plan_inputs import InputNeeds
from segwright.train.settings import LossPlan

TRIAL_SIDE_PX = 32  # of the crop the loss is tried on; what it keeps grows with the pixels
STATES = 4  # float32 numbers kept a parameter beside itself: its gradient, AdamW's two moments, the moving average
CGROUP_FILES = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


@dataclass(frozen=True, slots=True)
class StepMemory:
    """Bytes of a training step: what the network and the loss keep for the backward pass, and the weights' own.

    `workspace` is the largest tensor kept, twice: while it is worked on, its gradient and the next one's are there.
    """

    network: int
    loss: int
    weights: int
    workspace: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.network + self.loss + self.weights + self.workspace

    def __str__(self) -> str:
        kept = f"{gigabytes(self.network + self.loss)} kept for the backward pass"
        return f"{gigabytes(self.total)}: {kept}, {gigabytes(self.weights)} of weights and their optimiser"


class StepMeter:
    """What a training step of one network takes, in float32 (16-bit formats take less), for any batch and crop.

    Nothing is allocated and nothing computed: the network goes through torch's `meta` device, where tensors have a
    shape and no memory, and what autograd would keep is added up. The loss is run for real on a crop of 32 px.

    Attributes:
        needs: the crops that the network can read.

    Raises:
        ConfigError: the network or the encoder does not exist.
    """

    def __init__(self, spec: NetworkSpec, loss: LossPlan) -> None:
        with torch.device("meta"):
            self._network = build_network(spec).train()
        self.needs = InputNeeds.of(self._network)
        self._bands = spec.bands
        self._loss_bytes_a_pixel = _loss_bytes_a_pixel(loss, spec.channels)

    def __call__(self, batch: int, crop: int) -> StepMemory:
        """The bytes of a step of `batch` square crops."""
        kept = _Kept(self._network)
        with kept.watching():
            self._network(torch.empty(batch, self._bands, crop, crop, device="meta"))
        parameters = sum(parameter.numel() for parameter in self._network.parameters())
        return StepMemory(
            network=kept.bytes,
            loss=round(self._loss_bytes_a_pixel * batch * crop**2),
            weights=4 * parameters * (1 + STATES),
            workspace=2 * kept.largest,
        )


def free_memory(machine: Hardware) -> int | None:
    """The bytes that training may still take on this machine's accelerator; None where nothing tells."""
    if machine.accelerator == "cuda":
        return torch.cuda.mem_get_info()[0]
    if machine.accelerator == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    found = [
        number for number in (_available(), *(_below_limit(*files) for files in CGROUP_FILES)) if number is not None
    ]
    return min(found, default=None)


def gigabytes(count: float) -> str:
    """Bytes as text, three digits."""
    return f"{count / 2**30:.3g} GB"


class _Kept:
    """Adds up the tensors that autograd keeps, each memory once, the network's own parameters left out."""

    def __init__(self, network: nn.Module | None = None) -> None:
        owned = () if network is None else (*network.parameters(), *network.buffers())
        self._seen = {tensor.untyped_storage()._cdata for tensor in owned}
        self._held: list[Tensor] = []  # so that no other tensor gets the memory, and the number, of one that is gone
        self.bytes = self.largest = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        with torch.autograd.graph.saved_tensors_hooks(self._add, _unchanged):
            yield

    def _add(self, tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in self._seen:
            self._seen.add(storage._cdata)
            self._held.append(tensor)
            self.bytes += storage.nbytes()
            self.largest = max(self.largest, storage.nbytes())
        return tensor


def _unchanged(tensor: Any) -> Any:
    return tensor


def _loss_bytes_a_pixel(plan: LossPlan, channels: int) -> float:
    loss = SegmentationLoss(plan.weights, plan.channels, plan.class_weights, plan.options)
    logits = torch.randn(1, channels, TRIAL_SIDE_PX, TRIAL_SIDE_PX, requires_grad=True)
    target = torch.arange(TRIAL_SIDE_PX**2).reshape(1, TRIAL_SIDE_PX, TRIAL_SIDE_PX) % channels
    kept = _Kept()
    with kept.watching():
        loss(logits, target)
    return kept.bytes / TRIAL_SIDE_PX**2


def _available() -> int | None:
    """Linux's own estimate of what can be had without swapping."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def _below_limit(limit: str, used: str) -> int | None:
    """What is left below a container's limit; None where there is none."""
    try:
        most, now = (Path(path).read_text(encoding="ascii").strip() for path in (limit, used))
        return int(most) - int(now)
    except (OSError, ValueError):  # no such file, or "max"
        return None
