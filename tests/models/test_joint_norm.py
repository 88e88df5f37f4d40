"""Batch norm over all processes: alone it is torch's own, in every number format that training uses."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from segwright.models.joint_norm import join_batch_norm


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_joined__of_one_process_is_torchs_batch_norm_in_every_number_format(dtype: torch.dtype) -> None:
    frames = (torch.randn(2, 3, 48, 48, generator=torch.Generator().manual_seed(0)) * 3 + 5).to(dtype)
    kept = torch.float64 if dtype is torch.float64 else torch.float32
    own, joined = nn.Sequential(nn.BatchNorm2d(3)).to(kept), nn.Sequential(nn.BatchNorm2d(3)).to(kept)
    assert join_batch_norm(joined) == ()
    expected, found = own(frames), joined(frames)
    assert found.dtype == expected.dtype == dtype
    torch.testing.assert_close(found, expected)
    for name, value in own.state_dict().items():
        torch.testing.assert_close(joined.state_dict()[name], value, msg=name)
