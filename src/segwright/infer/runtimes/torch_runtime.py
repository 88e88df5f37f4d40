"""Runs a torch module: in training and as the reference of a parity proof."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from segwright.infer.objects.answers import Queries, Regions, split_queries
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


class _TorchRuntime:
    """A module with a stride, run on its own device, in evaluation mode; `precision` as in `TorchRuntime`."""

    def __init__(self, module: torch.nn.Module, *, precision: Precision = "float32") -> None:
        self.module: Any = module
        self.stride_px = int(self.module.stride_px)
        self.precision: Precision = precision
        self.device = next(module.parameters()).device

    @property
    def name(self) -> str:
        return f"torch {torch.__version__} ({self.device.type}, {self.precision})"

    def _answers(self, batch: npt.NDArray[np.float32]) -> list[Any]:
        """What the module answers, as arrays; floats are float32."""
        answer = _evaluated(self.module, batch, self.device, self.precision, self._ask())
        return [(part.float() if part.is_floating_point() else part).cpu().numpy() for part in answer]

    def _ask(self) -> Callable[[torch.Tensor], Any]:
        return self.module


class TorchObjectRuntime(_TorchRuntime):
    """An instance network (`models/instance/contract.py`)."""

    def __call__(self, batch: npt.NDArray[np.float32], /) -> list[Candidates]:
        return split_candidates(*self._answers(batch), mask_frame=self.module.mask_frame, batch_shape=batch.shape)


class TorchRegionRuntime(_TorchRuntime):
    """A panoptic network of things and stuff (`models/panoptic/contract.py`)."""

    def __call__(self, batch: npt.NDArray[np.float32], /) -> list[Regions]:
        *candidates, stuff = self._answers(batch)
        found = split_candidates(*candidates, mask_frame=self.module.mask_frame, batch_shape=batch.shape)
        return [Regions(*row) for row in zip(found, stuff, strict=True)]


class TorchQueryRuntime(_TorchRuntime):
    """A network of queries (`models/query/network.py`) asked for its queries and not for classes of pixels."""

    def __call__(self, batch: npt.NDArray[np.float32], /) -> list[Queries]:
        return split_queries(*self._answers(batch), batch_shape=batch.shape)

    def _ask(self) -> Callable[[torch.Tensor], Any]:
        return lambda frames: _said(self.module.queries(frames))


def _evaluated(
    module: torch.nn.Module,
    batch: npt.NDArray[np.float32],
    device: torch.device,
    how: Precision,
    ask: Callable[[torch.Tensor], Any] | None = None,
) -> Any:
    """What the module answers, or `ask` of it, in evaluation mode; it is left in the mode it was in."""
    was_training = module.training
    module.eval()
    try:
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=how == "bfloat16"):
            return (ask or module)(torch.from_numpy(batch).to(device, memory_format=torch.channels_last))
    finally:
        module.train(was_training)


def _said(answer: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Class and mask logits of a query network's answer."""
    return answer.class_logits, answer.mask_logits
