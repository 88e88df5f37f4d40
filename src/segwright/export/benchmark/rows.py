"""Each job in a process of its own, so that memory is one network's alone and a failure is one row."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from tempfile import TemporaryDirectory
from typing import Any

from segwright.core import Listener, Progress, silent
from segwright.export.benchmark.jobs import Job

WORKER = "segwright.export.benchmark.worker"


@dataclass(frozen=True, slots=True)
class Row:
    """What one network costs; `failure` says why there are no figures, None where there are.

    `flops` are those of a whole frame with all its tiles, a multiplication and its addition counted as two, of
    convolutions and matrix products only; None for a file that is not a torch network. `peak_mib` is the process's
    memory above what it held before the network was built; `device_mib` what the accelerator held, if there is one.
    """

    name: str
    encoder: str
    runtime: str
    precision: str
    tiles: int | None = None
    parameters: int | None = None
    flops: int | None = None
    peak_mib: float | None = None
    device_mib: float | None = None
    seconds: float | None = None
    fastest: float | None = None
    slowest: float | None = None
    failure: str | None = None

    @property
    def frames_per_second(self) -> float | None:
        """Of the median frame."""
        return None if self.seconds is None else 1 / self.seconds

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "frames_per_second": self.frames_per_second}


def benchmark(jobs: Sequence[Job], *, limit_s: float = 600.0, listener: Listener = silent) -> list[Row]:
    """A row for each job, the fastest first, those that failed last.

    A job that takes longer than `limit_s` is ended, and said so.
    """
    rows = list(_measured(jobs, limit_s, listener))
    return sorted(rows, key=lambda row: (row.seconds is None, row.seconds or 0.0, row.name))


def _measured(jobs: Sequence[Job], limit_s: float, listener: Listener) -> Iterator[Row]:
    for done, job in enumerate(jobs):
        listener(Progress("benchmark", done, len(jobs), "networks", job.name))
        yield _row(job, limit_s)
    listener(Progress("benchmark", len(jobs), len(jobs), "networks"))


def _row(job: Job, limit_s: float) -> Row:
    encoder = "" if job.spec is None else job.spec.encoder
    row = {"name": job.name, "encoder": encoder, "runtime": job.runtime, "precision": job.precision}
    with TemporaryDirectory(prefix="segwright-benchmark-") as folder:
        exported: dict[str, Any] = {}
        # Writing ONNX takes more memory than running it: each has its own process.
        if job.runtime == "onnxruntime" and job.spec is not None:
            exported = _asked({"action": "export", "folder": folder, **job.to_json()}, limit_s)
            if "failure" in exported:
                return Row(**{**row, "failure": exported["failure"]})
        answer = _asked({"action": "measure", "exported": exported, **job.to_json()}, limit_s)
    return Row(**{**row, **answer})


def _asked(request: Mapping[str, Any], limit_s: float) -> dict[str, Any]:
    """What a fresh process answers to `request`; `failure` alone where it did not."""
    command = [sys.executable, "-m", WORKER]
    try:
        done = subprocess.run(
            command, input=json.dumps(request), capture_output=True, text=True, check=False, timeout=limit_s
        )
    except subprocess.TimeoutExpired:
        return {"failure": f"took longer than {limit_s:g} s"}
    if done.returncode == 0:
        return json.loads(done.stdout)
    if done.returncode == -signal.SIGKILL:
        return {"failure": "does not fit memory: the system ended it"}
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    return {"failure": f"ended with {done.returncode}: {last[:200]}"}
