"""From a plan to a training: what each round is scored in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from segwright.infer.runtimes.torch_runtime import TorchRuntime
from segwright.models import build_network
from segwright.train.start import validator
from tests.train.conftest import Tiny


@pytest.mark.parametrize(("trained", "scored"), [("fp32", "float32"), ("bf16", "bfloat16"), ("fp16", "float32")])
def test_validator__uses_bf16_only_where_the_plan_does(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, trained: str, scored: str
) -> None:
    made: list[str] = []
    run = TorchRuntime.__call__
    monkeypatch.setattr(
        TorchRuntime, "__call__", lambda self, batch: (made.append(self.precision), run(self, batch))[1]
    )
    plan = replace(tiny.plan, optimiser=replace(tiny.plan.optimiser, precision=trained))
    validator(plan, tiny.dataset.only(tiny.split.stems("validation")[:1]))(build_network(plan.network))
    assert set(made) == {scored}
