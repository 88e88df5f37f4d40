"""What a run computes on: Fabric's device and number format, and the processes that share a batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from lightning.fabric import Fabric
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.fabric.strategies.ddp import DDPStrategy
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.optim.swa_utils import AveragedModel

from segwright.core import ConfigError, Listener, Note
from segwright.models.joint import joint_batch
from segwright.models.joint_norm import join_batch_norm
from segwright.models.trainable import Trainable
from segwright.train.called import called_module, has_loss
from segwright.train.processes import ALONE, TIMEOUT, Processes
from segwright.train.settings import Plan
from segwright.train.sharded import Sharding, shard

PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}


@dataclass(frozen=True)
class Devices:
    """This process's device, among `processes` that train the same network."""

    fabric: Fabric
    processes: Processes = ALONE
    in_shards: bool = False

    @staticmethod
    def of(plan: Plan, loggers: Sequence[Any], processes: Processes, strategy: str = "auto") -> Devices:
        """The devices that the plan names, one a process; `strategy` is "ddp", "fsdp" or "auto", which is ddp.

        Raises:
            ConfigError: shards in a number format that torch does not keep them in.
        """
        how = {
            "accelerator": plan.optimiser.accelerator,
            "precision": PRECISIONS[plan.optimiser.precision],
            "loggers": list(loggers),
        }
        if processes.count == 1:
            return Devices(Fabric(devices=1, **how))
        in_shards = strategy == "fsdp"
        if in_shards and plan.optimiser.precision == "fp16":
            raise ConfigError.of(
                "training.precision",
                "fp16 cannot be trained in shards: its gradients are scaled in each process alone",
                allowed="bf16 or fp32 with training.strategy=fsdp",
                found="fp16",
                fix="training.precision=bf16, or training.strategy=ddp",
            )
        fabric = Fabric(
            strategy=DDPStrategy(cluster_environment=TorchElasticEnvironment(), timeout=TIMEOUT),
            devices=processes.local_count,
            num_nodes=processes.nodes,
            **how,
        )
        fabric.launch()
        return Devices(fabric, processes, in_shards)

    def prepare(self, network: nn.Module, listener: Listener) -> None:
        """Make the layers of a fresh network fit for a batch that is shared."""
        if self.processes.count == 1:
            return
        left = join_batch_norm(network)
        how = ", and the weights in shards (fsdp)" if self.in_shards else ""
        shared = f"{self.processes.count} processes share each batch{how}"
        text = f"{shared}; batch norm and losses are those of the whole batch"
        listener(Note("training", text))
        if left:
            text = f"batch norm of a kind that sees only its process's crops: {', '.join(left)}"
            listener(Note("training", text, "warning"))

    def sharded(self, network: Trainable, average: AveragedModel) -> Sharding | None:
        """Cut both into shards where the plan says so: before there is an optimiser. None where all stay whole.

        Raises:
            ConfigError: torch cannot keep this network in shards.
        """
        if not self.in_shards:
            return None
        if has_loss(network):
            raise ConfigError.of(
                "training.strategy",
                f"fsdp cannot gather {network.spec.network}, which is asked for its loss and not for its answer",
                allowed="ddp for networks of objects",
                found="fsdp",
                fix="training.strategy=ddp",
            )
        mesh = init_device_mesh(self.fabric.device.type, (self.processes.count,))
        return shard(network, average, mesh)

    def wrapped(self, network: nn.Module) -> nn.Module:
        """What is called in training, so that gradients are those of all processes. Anew after freezing and thawing."""
        if self.processes.count == 1 or self.in_shards:  # a network in shards sees to its gradients itself
            return network
        return self.fabric.strategy.setup_module(called_module(network))

    def average_gradients(self, beside: nn.Module) -> None:
        """Give what learns beside the network, and is not wrapped, the mean gradient of all processes."""
        if self.processes.count > 1:
            for parameter in beside.parameters():
                if parameter.grad is not None:
                    dist.all_reduce(parameter.grad)
                    parameter.grad /= self.processes.count

    @contextmanager
    def sharing_batch(self) -> Iterator[None]:
        """Within: losses and layers see the batch of all processes."""
        with joint_batch(self.processes.count):
            yield

    def same_random_start(self, seed: int, step: int) -> None:
        """Seed torch: the same weights in every process, and other noise in each once training goes on from `step`.

        Of one process alone nothing is changed after its own state was restored.
        """
        if self.processes.rank > 0:
            torch.manual_seed(seed + 1_000_003 * self.processes.rank + step)
