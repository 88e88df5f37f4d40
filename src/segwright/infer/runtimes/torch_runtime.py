"""Runs a torch module: in training and as the reference of a parity proof."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

Precision = Literal["float32", "bfloat16"]


class TorchRuntime:
    """A module that gives logits `(batch, channels, height, width)`, run on its own device, in evaluation mode.

    `precision="bfloat16"` runs under autocast: about twice as fast where the hardware has it, and for scores
    during training only. A parity proof uses float32.
    """

    def __init__(
        self, module: torch.nn.Module, *, channels: int, stride_px: int = 32, precision: Precision = "float32"
    ) -> None:
        self.module = module
        self.channels = channels
        self.stride_px = stride_px
        self.precision = precision
        parameter = next(module.parameters(), None)
        self.device = torch.device("cpu") if parameter is None else parameter.device

    @property
    def name(self) -> str:
        return f"torch {torch.__version__} ({self.device.type}, {self.precision})"

    def __call__(self, batch: npt.NDArray[np.float32], /) -> npt.NDArray[np.float32]:
        was_training = self.module.training
        self.module.eval()
        try:
            with torch.inference_mode(), self._autocast():
                pixels = torch.from_numpy(batch).to(self.device, memory_format=torch.channels_last)
                return self.module(pixels).float().softmax(dim=1).contiguous().cpu().numpy()
        finally:
            self.module.train(was_training)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16")
