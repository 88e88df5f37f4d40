"""A finished run as a model: on which device, and in which number format."""

from __future__ import annotations

from dataclasses import replace

import pytest

from segwright.core import ConfigError
from segwright.infer.runtimes.torch_runtime import TorchRuntime
from segwright.train import Run
from segwright.train.finish import finish
from segwright.train.hardware import Hardware, device_named
from tests.train.conftest import Tiny

CPU = Hardware("cpu", bf16=False, fp16=False, cores=1)


def runtime(run: Run, device: str | None = None) -> TorchRuntime:
    made = run.predictor(device).runtime
    assert isinstance(made, TorchRuntime)
    return made


def test_predictor__takes_the_best_device_and_stays_in_float32(finished: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    # "meta" stands for an accelerator: every torch has it.
    monkeypatch.setattr("segwright.train.hardware.this_machine", lambda: replace(CPU, accelerator="meta"))
    assert (runtime(finished).device.type, runtime(finished).precision) == ("meta", "float32")
    assert runtime(finished, "cpu").device.type == "cpu"


def test_predictor__refuses_a_device_that_is_not_there(finished: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segwright.train.hardware.this_machine", lambda: CPU)
    with pytest.raises(ConfigError, match=r"(?s)device: is not one this machine has.*allowed: cpu\n.*found:   cuda"):
        finished.predictor("cuda")
    assert runtime(finished).device.type == "cpu"


def test_device_named__knows_each_of_several_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segwright.train.hardware.this_machine", lambda: replace(CPU, accelerator="cuda"))
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert [str(device_named(name)) for name in (None, "cuda:1", "cpu")] == ["cuda", "cuda:1", "cpu"]
    with pytest.raises(ConfigError, match="cpu, cuda, cuda:0, cuda:1"):
        device_named("cuda:2")


def test_finish__scores_on_the_device_it_is_given(tiny: Tiny, finished: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str | None] = []
    predictor = Run.predictor
    monkeypatch.setattr(Run, "predictor", lambda run, device=None: (asked.append(device), predictor(run, "cpu"))[1])
    finish(finished, tiny.dataset, device="cuda")
    finish(finished, tiny.dataset)
    assert asked == ["cuda", None]
