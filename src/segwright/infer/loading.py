"""From a bundle to a predictor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from segwright.core import ArtefactError, ConfigError
from segwright.infer.bundle import Bundle, read_bundle
from segwright.infer.objects import CandidatesOfQueries, ObjectPredictor, ObjectRuntime, PanopticPredictor
from segwright.infer.predictor import Predictor
from segwright.infer.runtimes import Runtime
from segwright.infer.runtimes.onnx_runtime import OnnxObjectRuntime, OnnxQueryRuntime, OnnxRegionRuntime, OnnxRuntime

AnyPredictor = Predictor | ObjectPredictor | PanopticPredictor


def _onnxruntime(bundle: Bundle, threads: int | None) -> Runtime:
    return OnnxRuntime(bundle.path / bundle.weights.file, stride_px=bundle.weights.stride_px, threads=threads)


# runtime -> (the weights it can run, how it is started); `auto` takes the first that can run the bundle's weights
RUNTIMES: dict[str, tuple[str, Callable[[Bundle, int | None], Runtime]]] = {"onnxruntime": ("onnx", _onnxruntime)}


def load(path: str | Path, *, runtime: str = "auto", threads: int | None = None) -> AnyPredictor:
    """The model in the bundle at `path`, ready to predict. Needs no torch; loading never unpickles.

    `threads` None takes every core this process may use.

    Raises:
        ArtefactError: no bundle, one of another schema version, damaged, or with a network for other classes.
        ConfigError: a runtime that does not exist or cannot run these weights.
        DependencyMissing: the runtime is not installed.
    """
    return predictor_of(read_bundle(path), runtime=runtime, threads=threads)


def predictor_of(bundle: Bundle, *, runtime: str = "auto", threads: int | None = None) -> AnyPredictor:
    """The predictor of a bundle that was read already; see `load`."""
    if bundle.segments is not None:
        return _panoptic_predictor(bundle, runtime, threads)
    if bundle.objects is not None:
        return _object_predictor(bundle, runtime, threads)
    return semantic_predictor(bundle, runtime=runtime, threads=threads)


def semantic_predictor(bundle: Bundle, *, runtime: str = "auto", threads: int | None = None) -> Predictor:
    """The predictor of a bundle whose network names every pixel; see `load`.

    Raises:
        ConfigError: the bundle finds objects, whatever else `load` raises.
    """
    if bundle.objects is not None or bundle.segments is not None:
        raise ConfigError.of(
            str(bundle.path),
            "finds objects, and this needs a class for every pixel",
            allowed="a bundle of task semantic",
            found=f"task {bundle.task}",
            fix="name a bundle that a semantic run was exported to",
        )
    started = _started(bundle, runtime, threads)
    if started.channels != len(bundle.classes) or bundle.weights.channels != len(bundle.classes):
        raise ArtefactError.of(
            str(bundle.path),
            "has a class table its network does not answer for",
            allowed=f"{started.channels} classes: the network has {started.channels} channels",
            found=f"{len(bundle.classes)} classes: {', '.join(bundle.classes.names)}",
            fix="export the run again",
        )
    return Predictor(
        started, bundle.classes, bundle.preprocessing, bundle.tiles, decision=bundle.decision, cleanup=bundle.cleanup
    )


def _started(bundle: Bundle, runtime: str, threads: int | None) -> Runtime:
    """The runtime that was asked for, or the first that can run the bundle's weights."""
    able = [name for name, (weights, _) in RUNTIMES.items() if weights == bundle.weights.format]
    if not able:
        formats = ", ".join(sorted({weights for weights, _ in RUNTIMES.values()}))
        raise ArtefactError.of(
            str(bundle.path),
            "holds weights no runtime here can run",
            allowed=formats,
            found=bundle.weights.format,
            fix="export it again: segwright export RUN --to onnx",
        )
    chosen = able[0] if runtime == "auto" else runtime
    if chosen not in able:
        raise ConfigError.of(
            "runtime",
            "cannot run this bundle",
            allowed=", ".join(["auto", *able]),
            found=runtime,
            fix="leave the runtime out: auto takes one that can",
        )
    _, start = RUNTIMES[chosen]
    return start(bundle, threads)


def _object_predictor(bundle: Bundle, runtime: str, threads: int | None) -> ObjectPredictor:
    """The predictor of a bundle of task instance."""
    _require_onnx(bundle, runtime)
    weights, decision = bundle.weights, bundle.objects
    assert decision is not None  # what made this a bundle of objects
    how: dict[str, Any] = {"stride_px": weights.stride_px, "threads": threads}
    path = bundle.path / weights.file
    started: ObjectRuntime
    if weights.answers == "queries":
        started = CandidatesOfQueries(OnnxQueryRuntime(path, **how))
    else:
        started = OnnxObjectRuntime(path, mask_frame=weights.mask_frame or "image", **how)
    return ObjectPredictor(started, bundle.classes, bundle.preprocessing, bundle.tiles, decision)


def _panoptic_predictor(bundle: Bundle, runtime: str, threads: int | None) -> PanopticPredictor:
    """The predictor of a bundle of task panoptic."""
    _require_onnx(bundle, runtime)
    weights, decision = bundle.weights, bundle.segments
    assert decision is not None  # what made this a bundle of segments
    kind = OnnxQueryRuntime if weights.answers == "queries" else OnnxRegionRuntime
    started = kind(bundle.path / weights.file, stride_px=weights.stride_px, threads=threads)
    return PanopticPredictor(started, bundle.classes, bundle.preprocessing, bundle.tiles, decision)


def _require_onnx(bundle: Bundle, runtime: str) -> None:
    """Raise ConfigError where this is not a network of ONNX, asked to run by ONNX Runtime."""
    weights = bundle.weights
    known = weights.mask_frame is not None or weights.answers is not None
    if runtime in ("auto", "onnxruntime") and weights.format == "onnx" and known:
        return
    raise ConfigError.of(
        "runtime",
        "cannot run this bundle",
        allowed="auto, onnxruntime",
        found=f"{runtime}, weights {weights.format}",
        fix="leave the runtime out: auto takes one that can",
    )
