"""From a plan to a training: what each round is scored in."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from segwright.core import Event, Note
from segwright.infer.runtimes.torch_runtime import TorchRuntime
from segwright.models import build_network
from segwright.train.start import execute, start_run
from segwright.train.tasks import validator
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


@pytest.mark.parametrize(("error", "status"), [(None, "success"), (KeyboardInterrupt, "failed")])
def test_execute__closes_its_loggers(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException] | None, status: str
) -> None:
    logger = Mock()
    monkeypatch.setattr("segwright.train.start.make_loggers", lambda *_: [logger])
    monkeypatch.setattr("segwright.train.start.run_training", Mock(side_effect=error))
    with nullcontext() if error is None else pytest.raises(error):
        execute(start_run(tiny.plan, tmp_path / "run"), tiny.dataset, tiny.split)
    logger.finalize.assert_called_once_with(status)


def test_execute__frozen_stages_learn_after_a_quarter_of_the_run_however_rare_the_rounds(
    tiny: Tiny, tmp_path: Path
) -> None:
    said: list[Event] = []
    optimiser = replace(tiny.plan.optimiser, steps=4, frozen_stages=2)
    plan = replace(tiny.plan, optimiser=optimiser, validation=replace(tiny.plan.validation, every=2))
    execute(start_run(plan, tmp_path / "run"), tiny.dataset, tiny.split, listener=said.append)
    texts = [event.text for event in said if isinstance(event, Note) and "learn from here" in event.text]
    assert texts == ["step 1: all encoder stages learn from here (25% done)"]
