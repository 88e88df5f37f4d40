"""Runs a torch module: in training and as the reference of a parity proof."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from segwright.infer.objects.candidates import Candidates, split_candidates

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
        self.precision: Precision = precision
        parameter = next(module.parameters(), None)
        self.device = torch.device("cpu") if parameter is None else parameter.device

    @property
    def name(self) -> str:
        return f"torch {torch.__version__} ({self.device.type}, {self.precision})"

    def __call__(self, batch: npt.NDArray[np.float32], /) -> npt.NDArray[np.float32]:
        answer = _evaluated(self.module, batch, self.device, self.precision)
        return answer.float().softmax(dim=1).contiguous().cpu().numpy()


class TorchObjectRuntime:
    """An instance network (`models/instance/contract.py`), run on its own device, in evaluation mode.

    `precision` as in `TorchRuntime`.
    """

    def __init__(self, module: torch.nn.Module, *, precision: Precision = "float32") -> None:
        self.module: Any = module
        self.stride_px = int(self.module.stride_px)
        self.precision: Precision = precision
        self.device = next(module.parameters()).device

    @property
    def name(self) -> str:
        return f"torch {torch.__version__} ({self.device.type}, {self.precision})"

    def __call__(self, batch: npt.NDArray[np.float32], /) -> list[Candidates]:
        answer = _evaluated(self.module, batch, self.device, self.precision)
        scores, boxes, masks = (part.float().cpu().numpy() for part in (answer[0], answer[2], answer[3]))
        return split_candidates(scores, answer[1].cpu().numpy(), boxes, masks, self.module.mask_frame, batch.shape)


def _evaluated(module: torch.nn.Module, batch: npt.NDArray[np.float32], device: torch.device, how: Precision) -> Any:
    """What the module answers in evaluation mode; it is left in the mode it was in."""
    was_training = module.training
    module.eval()
    try:
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=how == "bfloat16"):
            return module(torch.from_numpy(batch).to(device, memory_format=torch.channels_last))
    finally:
        module.train(was_training)
