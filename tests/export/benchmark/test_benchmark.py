"""What networks cost: counted exactly, measured in processes of their own, failures as rows."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from segwright.core import ConfigError, Progress, Size
from segwright.export.benchmark import Job, Row, benchmark, job_of_artefact, jobs_of_networks, measured_on, rows, worker
from segwright.infer.preprocess import Preprocessing
from segwright.infer.tiles import TilePlan
from segwright.models import NetworkSpec, build_network
from tests.infer.bundles import make_bundle

SPEC = NetworkSpec("espnet", "its own", 3, 2, options={"p": 1, "q": 1})
JOB = Job("espnet", Size(64, 96), TilePlan(Size(64, 64), 16), Preprocessing(), SPEC, repeats=2, threads=1)


def test_job__survives_its_json() -> None:
    assert Job.from_json(json.loads(json.dumps(JOB.to_json()))) == JOB


def test_jobs__each_network_with_the_same_encoder_and_only_its_own_options() -> None:
    jobs = jobs_of_networks(["unet", "espnet"], JOB)
    assert [job.name for job in jobs] == ["unet", "espnet"]
    assert [dict(job.spec.options) for job in jobs if job.spec] == [{}, {"p": 1, "q": 1}]
    with pytest.raises(ConfigError, match="--models: is not a network of segwright") as caught:
        jobs_of_networks(["unett", "unet", "fpnn"], JOB)
    assert [problem.found for problem in caught.value.problems] == ["unett", "fpnn"]


def test_worker__counts_what_the_network_has_and_does_over_all_tiles() -> None:
    answer = worker._measure({"exported": {}, **JOB.to_json()})
    network = build_network(SPEC)
    assert answer["parameters"] == sum(parameter.numel() for parameter in network.parameters())
    assert answer["tiles"] == 2
    whole = worker._measure({"exported": {}, **JOB.to_json(), "size": {"height": 64, "width": 64}})
    assert answer["flops"] == 2 * whole["flops"]
    assert 0 < answer["fastest"] <= answer["seconds"] <= answer["slowest"]


def test_worker__a_convolution_counts_a_multiplication_and_its_addition_as_two() -> None:
    one = nn.Conv2d(3, 4, kernel_size=3, padding=1, bias=False)
    job = Job("one", Size(8, 8), TilePlan(Size(8, 8), 0), Preprocessing(), SPEC)
    counted = worker._counts(one, job, job.tiles, 1)
    assert counted == {"parameters": 108, "flops": 2 * 108 * 64}


def test_benchmark__a_network_in_a_process_of_its_own() -> None:
    said: list[Any] = []
    (row,) = benchmark([JOB], listener=said.append)
    assert row.failure is None
    assert row.seconds is not None
    assert row.frames_per_second == 1 / row.seconds
    assert row.peak_mib is None or row.peak_mib > 0
    assert said[-1] == Progress("benchmark", 1, 1, "networks")


def test_worker__what_cannot_be_built_is_a_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    wrong = Job("unet", JOB.size, JOB.tiles, JOB.preprocessing, NetworkSpec("unet", "resnet3", 3, 2), repeats=1)
    request = {"action": "measure", "exported": {}, **wrong.to_json()}
    monkeypatch.setattr(worker, "_be_ended_first", lambda: None)
    monkeypatch.setattr(worker.sys, "stdin", Stdin(json.dumps(request)))
    worker.main()
    assert "model.encoder: is not an encoder" in json.loads(capsys.readouterr().out)["failure"]


@pytest.mark.parametrize(
    ("code", "stderr", "reason"),
    [
        (-9, "", "does not fit memory: the system ended it"),
        (3, "Traceback\nValueError: odd", "ended with 3: ValueError: odd"),
        (3, "", "ended with 3: no message"),
    ],
)
def test_row__a_process_that_ends_badly_is_a_row_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, code: int, stderr: str, reason: str
) -> None:
    def run(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], code, "", stderr)

    monkeypatch.setattr(rows.subprocess, "run", run)
    assert benchmark([JOB]) == [Row("espnet", "its own", "torch", "fp32", failure=reason)]


def test_row__a_network_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object, timeout: float, **__: object) -> None:
        raise subprocess.TimeoutExpired([], timeout)

    monkeypatch.setattr(rows.subprocess, "run", run)
    assert benchmark([JOB], limit_s=2)[0].failure == "took longer than 2 s"


def test_worker__out_of_memory_is_said_as_such(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    def full(_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")

    monkeypatch.setattr(worker, "_measure", full)
    monkeypatch.setattr(worker, "_be_ended_first", lambda: None)
    monkeypatch.setattr(worker.sys, "stdin", Stdin(json.dumps({"action": "measure"})))
    worker.main()
    assert json.loads(capsys.readouterr().out)["failure"].startswith("does not fit memory: DefaultCPUAllocator")


class Stdin:
    """A stream that holds one text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def read(self) -> str:
        return self.text


def test_artefact__a_bundle_is_run_by_onnx_runtime_with_its_own_tiles(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path)
    job = job_of_artefact(bundle.path, JOB)
    assert (job.runtime, job.tiles, job.spec) == ("onnxruntime", bundle.tiles, None)
    answer = worker._measure({"exported": {}, **job.to_json()})
    assert answer["seconds"] > 0
    with pytest.raises(ConfigError, match="--precision: is not the bundle's"):
        job_of_artefact(
            bundle.path, Job(**{**{name: getattr(JOB, name) for name in Job.__slots__}, "precision": "bf16"})
        )


def test_machine__says_what_the_figures_belong_to() -> None:
    machine = measured_on(threads=1)
    assert machine.threads == 1 <= machine.cores
    assert "1 of" in str(machine)
    assert machine.to_json()["torch"]
