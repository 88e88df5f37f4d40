"""What a figure was measured on: without it, no figure can be compared with another."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from segwright.infer.runtimes.onnx_runtime import usable_cores
from segwright.train.hardware import this_machine

GIBIBYTE = 2**30


@dataclass(frozen=True, slots=True)
class Machine:
    """Processor, cores this process may use, threads taken, memory, accelerator, and the versions that run."""

    processor: str
    cores: int
    threads: int
    memory_gib: float | None
    accelerator: str
    torch: str
    onnxruntime: str

    def __str__(self) -> str:
        memory = "" if self.memory_gib is None else f", {self.memory_gib:.0f} GiB"
        return f"{self.processor}, {self.threads} of {self.cores} cores{memory}; {self.accelerator}"

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def measured_on(threads: int | None = None) -> Machine:
    """This machine, with `threads` of its cores; None is all this process may use."""
    cores = usable_cores()
    accelerator = this_machine().accelerator
    named = torch.cuda.get_device_name() if accelerator == "cuda" else accelerator
    return Machine(
        _processor(), cores, threads or cores, _memory_gib(), named, torch.__version__, version("onnxruntime")
    )


def _processor() -> str:
    """The processor's name; Python alone knows only its architecture on Linux."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _memory_gib() -> float | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIBIBYTE
    except (AttributeError, ValueError, OSError):
        return None
