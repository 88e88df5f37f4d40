"""Small torch networks with a known answer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segwright.core import Size
from segwright.infer import Cleanup, Decision, Predictor, Preprocessing, TilePlan
from segwright.infer.runtimes.torch_runtime import TorchRuntime
from tests.infer.models import CLASSES


class Small(nn.Module):
    """Two strided steps down and up again, batch norm and dropout: what an exporter gets wrong when it trains."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.down = nn.Sequential(
            nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.Dropout(0.3)
        )
        self.up = nn.ConvTranspose2d(6, len(CLASSES), 2, stride=2)

    def forward(self, frames: Tensor) -> Tensor:
        return 8 * self.up(self.down(frames))


def predictor_for(network: nn.Module) -> Predictor:
    return Predictor(
        TorchRuntime(network, channels=len(CLASSES), stride_px=8),
        CLASSES,
        Preprocessing(),
        TilePlan(Size(32, 32), 8),
        Decision({"scratch": 0.3, "dent": 0.4}),
        Cleanup(min_area_px=3),
    )
