"""The process that measures one network: a request as JSON on stdin, the answer as JSON on stdout.

python -m segwright.export.benchmark.worker < request.json
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from segwright.core import RGB, ClassTable, Image, SegwrightError, Size
from segwright.export.benchmark.jobs import Job
from segwright.infer.predictor import Predictor
from segwright.infer.runtimes import Runtime
from segwright.infer.runtimes.onnx_runtime import OnnxRuntime, usable_cores
from segwright.infer.tiles import TilePlan

MEBIBYTE = 2**20
NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "bad_alloc", "bad allocation")


def main() -> None:
    """Answer the request on stdin."""
    _be_ended_first()
    request = json.load(sys.stdin)
    action = {"export": _export, "measure": _measure}[request.pop("action")]
    try:
        answer = action(request)
    except SegwrightError as error:
        problem = error.problems[0]
        wanted = f"; allowed: {problem.allowed}" if problem.allowed else ""
        answer = {"failure": f"{problem.place}: {problem.rule} (found {problem.found}{wanted})"}
    except (MemoryError, RuntimeError) as error:
        text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        fits = not isinstance(error, MemoryError) and not any(words in text for words in NO_MEMORY)
        answer = {"failure": text[:200] if fits else f"does not fit memory: {text[:160]}"}
    sys.stdout.write(json.dumps(answer))


def _export(request: dict[str, Any]) -> dict[str, Any]:
    """Write the network as ONNX into the request's folder; what only torch knows of it."""
    from segwright.export.onnx_export import export_onnx
    from segwright.models import build_network

    path = Path(request.pop("folder")) / "network.onnx"
    job = Job.from_json(request)
    assert job.spec is not None
    network = build_network(job.spec).eval()
    stride, fixed = network.stride_px, network.fixed_input
    export_onnx(network, path, bands=job.spec.bands, stride_px=stride, size=fixed)
    tiles = _tiles(job, fixed)
    return {
        "path": str(path),
        "stride_px": stride,
        "fixed": None if fixed is None else [fixed.height, fixed.width],
        **_counts(network, job, tiles, stride),
    }


def _measure(request: dict[str, Any]) -> dict[str, Any]:
    """Time and memory of whole frames."""
    exported = request.pop("exported")
    job = Job.from_json(request)
    if job.runtime == "torch":
        return _measure_torch(job)
    reset_peak()
    before = _memory("VmRSS")
    if job.path is not None:
        predictor = _bundled(job)
        counted: dict[str, Any] = {"parameters": _onnx_parameters(Path(job.path))}
    else:
        assert job.spec is not None
        fixed = None if exported["fixed"] is None else Size(*exported["fixed"])
        runtime = OnnxRuntime(Path(exported["path"]), stride_px=exported["stride_px"], threads=job.threads)
        predictor = _predictor(runtime, job, _tiles(job, fixed))
        counted = {"parameters": exported["parameters"], "flops": exported["flops"]}
    return {**_timed(predictor, job, before), **counted}


def _measure_torch(job: Job) -> dict[str, Any]:
    import torch

    from segwright.infer.runtimes.torch_runtime import TorchRuntime
    from segwright.models import build_network
    from segwright.train.hardware import device_named

    assert job.spec is not None
    torch.set_num_threads(job.threads or usable_cores())
    device = device_named()
    reset_peak()
    before = _memory("VmRSS")
    network = build_network(job.spec).eval().to(device)
    precision = "bfloat16" if job.precision == "bf16" else "float32"
    runtime = TorchRuntime(network, channels=job.spec.channels, stride_px=network.stride_px, precision=precision)
    tiles = _tiles(job, network.fixed_input)
    answer = _timed(_predictor(runtime, job, tiles), job, before)
    if device.type == "cuda":
        answer["device_mib"] = torch.cuda.max_memory_allocated(device) / MEBIBYTE
    return {**answer, **_counts(network.cpu(), job, tiles, network.stride_px)}


def _bundled(job: Job) -> Predictor:
    from segwright.infer.bundle import read_bundle
    from segwright.infer.loading import semantic_predictor

    assert job.path is not None
    return semantic_predictor(read_bundle(job.path), threads=job.threads)


def _predictor(runtime: Runtime, job: Job, tiles: TilePlan) -> Predictor:
    names = [f"class {number}" for number in range(runtime.channels)]
    return Predictor(runtime, ClassTable.of(names), job.preprocessing, tiles)


def _tiles(job: Job, fixed: Size | None) -> TilePlan:
    """The job's tiles; a network for one size alone reads tiles of that size, overlapping by a quarter."""
    if fixed is None or job.tiles.tile == fixed:
        return job.tiles
    return replace(job.tiles, tile=fixed, overlap_px=min(fixed.height, fixed.width) // 4, stretch=1.0)


def _timed(predictor: Predictor, job: Job, before: float | None) -> dict[str, Any]:
    """Seconds of whole frames from pixels to label map: one to warm up, then `repeats`."""
    frame = _frame(job)
    seconds = []
    for number in range(job.repeats + 1):
        start = perf_counter()
        predictor.predict(frame, confidence=False)
        if number:
            seconds.append(perf_counter() - start)
    peak = _memory("VmHWM")
    return {
        "seconds": median(seconds),
        "fastest": min(seconds),
        "slowest": max(seconds),
        "peak_mib": None if peak is None or before is None else peak - before,
        "tiles": len(predictor.tiles.boxes(job.size, predictor.runtime.stride_px)),
    }


def _frame(job: Job) -> Image:
    """Noise: what a frame shows changes no time."""
    bands, dtype = job.preprocessing.bands, np.dtype(job.preprocessing.dtype)
    shape = (job.size.height, job.size.width, len(bands))
    random = np.random.default_rng(0)
    if dtype.kind == "f":
        return Image(random.random(shape, np.float32), bands)
    return Image(random.integers(0, np.iinfo(dtype).max, shape, dtype), RGB if bands == RGB else bands)


def _counts(network: Any, job: Job, tiles: TilePlan, stride_px: int) -> dict[str, Any]:
    """Parameters of the network and operations of a whole frame."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    boxes = tiles.boxes(job.size, stride_px)
    box = boxes[0]
    assert job.spec is not None
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, job.spec.bands, box.height, box.width))
    passes = len(boxes) * (2 if tiles.flips else 1)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return {"parameters": parameters, "flops": counter.get_total_flops() * passes}


def _onnx_parameters(bundle: Path) -> int | None:
    """How many numbers the bundle's network holds; None where onnx is not installed."""
    try:
        import onnx
    except ImportError:
        return None
    graph = onnx.load(bundle / "model.onnx").graph
    floats = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)
    return sum(int(np.prod(tensor.dims)) for tensor in graph.initializer if tensor.data_type in floats)


def reset_peak() -> None:
    """Start the peak anew, where the system can: importing torch has one of its own."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _memory(field: str) -> float | None:
    """MiB this process holds (VmRSS) or held at most (VmHWM); None where the system does not say."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) / 1024
    return None


def _be_ended_first() -> None:
    """Where memory runs out, the system shall end this process and nobody else's."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


if __name__ == "__main__":
    main()
