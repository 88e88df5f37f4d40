"""The processes that train one network together: who this one is, what is its share, and how they talk.

Each process runs the same code on its own device. `torchrun`, or `segwright train --devices` on one machine, starts
them and says who each is in the environment: RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR, MASTER_PORT.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist

from segwright.core import ConfigError, SegwrightError

Item = TypeVar("Item")

# One process may read and lint a large data set while the others wait for its plan.
TIMEOUT = timedelta(minutes=30)
NEEDED = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True, slots=True)
class Processes:
    """`rank` of `count` processes, `local_rank` of `local_count` on this machine; one alone is all there is."""

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    local_count: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this one writes, reports and draws."""
        return self.rank == 0

    @property
    def nodes(self) -> int:
        """How many machines take part."""
        return self.count // self.local_count

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """This process's part of `items`: a run of neighbours; the parts of all, by rank, are `items` again."""
        start, stop = (len(items) * rank // self.count for rank in (self.rank, self.rank + 1))
        return items[start:stop]

    def from_first(self, value: Any) -> Any:
        """What the first process gave here. Every process must call it."""
        if self.count == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]

    def gathered(self, value: Item) -> list[Item]:
        """What every process gave here, by rank. Every process must call it."""
        if self.count == 1:
            return [value]
        box: list[Any] = [None] * self.count
        dist.all_gather_object(box, value)
        return box

    def wait(self) -> None:
        """Go on once every process is here."""
        if self.count > 1:
            dist.barrier()


ALONE = Processes()


def started_together() -> bool:
    """Whether the environment says that this process is one of several, or one that `torchrun` started."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


@contextmanager
def joined() -> Iterator[Processes]:
    """Join the others for the time of a `with`; alone where the environment names no others.

    A process that fails leaves by its error and tells nobody: who started it ends the others (`torchrun` and
    `segwright train` do), and where nobody does they stop waiting after `TIMEOUT`.

    Raises:
        ConfigError: the environment says only half of it, or this machine has fewer GPUs than processes.
    """
    if not started_together() or os.environ["WORLD_SIZE"] == "1":
        yield ALONE
        return
    processes = _from_environment()
    cuda = torch.cuda.is_available()
    if cuda:
        _require_devices(processes)
        torch.cuda.set_device(processes.local_rank)
    dist.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=TIMEOUT)
    yield processes
    dist.destroy_process_group()


def _require_devices(processes: Processes) -> None:
    there = torch.cuda.device_count()
    if processes.local_count > there and processes.local_rank == 0:  # said once; the others wait to be ended
        raise ConfigError.of(
            "training.devices",
            "is more than this machine has",
            allowed=f"1 to {there} (GPUs)",
            found=str(processes.local_count),
            fix=f"training.devices={there}",
        )
    if processes.local_rank >= there:
        raise SystemExit(0)


def _from_environment() -> Processes:
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if missing:
        raise ConfigError.of(
            "environment",
            "says that several processes train together, but not how they find each other",
            allowed=", ".join(NEEDED),
            found=f"no {', '.join(missing)}",
            fix="start it with torchrun, or unset RANK and WORLD_SIZE to train alone",
        )
    rank, count, local = (int(os.environ[name]) for name in NEEDED[:3])
    return Processes(rank, count, local, int(os.environ.get("LOCAL_WORLD_SIZE", count)))


def require_as_planned(processes: Processes, devices: int | str, nodes: int | str) -> None:
    """Refuse processes that are not as many as the project file says; `auto` says nothing.

    Raises:
        ConfigError: more or fewer processes or machines.
    """
    problems = [
        (name, wanted, found)
        for name, wanted, found in (
            ("devices", devices, processes.local_count),
            ("nodes", nodes, processes.nodes),
        )
        if wanted not in ("auto", found)
    ]
    if problems:
        name, wanted, found = problems[0]
        raise ConfigError.of(
            f"training.{name}",
            "is not what was started",
            allowed=f"{wanted}, as the project file says",
            found=str(found),
            fix=_how_to_start(devices, nodes) + f", or training.{name}=auto to take what is started",
        )


def not_started(devices: int | str, nodes: int | str) -> SegwrightError:
    """The error of a project that wants several machines where nobody started several processes."""
    return ConfigError.of(
        "training.nodes",
        "wants several machines, and this process was started alone",
        allowed="a start on each machine",
        found=f"nodes {nodes}, and no RANK and WORLD_SIZE in the environment",
        fix=_how_to_start(devices, nodes),
    )


def _how_to_start(devices: int | str, nodes: int | str) -> str:
    each = 1 if devices == "auto" else devices
    if nodes in ("auto", 1):
        return f"torchrun --standalone --nproc-per-node {each} -m segwright train"
    return (
        f"on each machine: torchrun --nnodes {nodes} --nproc-per-node {each} --rdzv-backend c10d "
        "--rdzv-endpoint FIRST_MACHINE:29500 -m segwright train"
    )
