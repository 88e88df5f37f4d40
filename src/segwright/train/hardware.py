"""What this machine offers a network: which accelerator, which number formats, how many cores."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from segwright.core import ConfigError
from segwright.infer.runtimes.onnx_runtime import usable_cores


@dataclass(frozen=True, slots=True)
class Hardware:
    """`accelerator` as Fabric names it; `bf16` and `fp16` where the hardware gains from them."""

    accelerator: str
    bf16: bool
    fp16: bool
    cores: int


def this_machine() -> Hardware:
    """This process's hardware. It has bf16 only where it has instructions for it: emulated, it is slower."""
    cores = usable_cores()
    if torch.cuda.is_available():
        return Hardware("cuda", torch.cuda.is_bf16_supported(including_emulation=False), True, cores)
    if torch.backends.mps.is_available():
        return Hardware("mps", False, True, cores)
    return Hardware("cpu", _cpu_has_bf16(), False, cores)


def device_named(wanted: str | None = None) -> torch.device:
    """The device called `wanted` ("cpu", "cuda", "cuda:1", "mps"); None is this machine's best.

    Raises:
        ConfigError: this machine has no such device.
    """
    best = this_machine().accelerator
    several = [f"cuda:{index}" for index in range(torch.cuda.device_count())] if best == "cuda" else []
    there = list(dict.fromkeys(["cpu", best, *several]))
    if wanted is not None and wanted not in there:
        raise ConfigError.of(
            "device",
            "is not one this machine has",
            allowed=", ".join(there),
            found=wanted,
            fix="leave it out: the best there is is taken",
        )
    return torch.device(wanted or best)


def _cpu_has_bf16() -> bool:
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(bool(getattr(torch.cpu, name)()) for name in checks if hasattr(torch.cpu, name))
