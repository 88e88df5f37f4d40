"""What a machine is said to offer: only number formats that it gains by."""

from __future__ import annotations

import pytest

from segwright.train.hardware import this_machine


@pytest.mark.parametrize("has_instructions", [True, False])
def test_this_machine__emulated_bf16_is_not_bf16(has_instructions: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def supported(including_emulation: bool = True) -> bool:
        return has_instructions or including_emulation

    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.is_bf16_supported", supported)
    found = this_machine()
    assert (found.accelerator, found.bf16, found.fp16) == ("cuda", has_instructions, True)
