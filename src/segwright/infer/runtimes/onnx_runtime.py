"""Runs an ONNX file with ONNX Runtime; needs no torch."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from segwright.core import ArtefactError, DependencyMissing
from segwright.infer.objects.answers import Queries, Regions, split_queries
from segwright.infer.objects.candidates import Candidates, MaskFrame, split_candidates

OBJECT_OUTPUTS = ("scores", "channels", "boxes", "mask_logits")
QUERY_OUTPUTS = ("class_logits", "mask_logits")


class OnnxRuntime:
    """An ONNX network whose one output holds probabilities. Runs on the GPU where ONNX Runtime can, else on the CPU.

    `threads` None takes every core this process may use.

    Raises:
        DependencyMissing: onnxruntime is not installed.
        ArtefactError: the file is not an ONNX network of one input and one output with a fixed number of channels.
    """

    def __init__(self, path: Path, *, stride_px: int = 32, threads: int | None = None) -> None:
        self.stride_px = stride_px
        self._session, self.name = _opened(path, threads)
        self.channels = _channels(path, self._session)
        self._input = self._session.get_inputs()[0].name

    def __call__(self, batch: npt.NDArray[np.float32], /) -> npt.NDArray[np.float32]:
        answers = self._session.run(None, {self._input: np.ascontiguousarray(batch)})
        return np.asarray(answers[0], np.float32)


class _OnnxAnswers:
    """An ONNX network of one input and the outputs `NAMES`; what it is `CALLED` stands in the error of another one.

    Raises:
        DependencyMissing: onnxruntime is not installed.
        ArtefactError: the file is not an ONNX network of one input and these outputs.
    """

    NAMES: ClassVar[tuple[str, ...]]
    CALLED: ClassVar[str]

    def __init__(self, path: Path, *, stride_px: int = 32, threads: int | None = None) -> None:
        self.stride_px = stride_px
        self._session, self.name = _opened(path, threads)
        self._input = self._session.get_inputs()[0].name
        found = tuple(output.name for output in self._session.get_outputs())
        if found != self.NAMES:
            raise ArtefactError.of(
                str(path),
                f"is not {self.CALLED}",
                allowed=f"the outputs {', '.join(self.NAMES)}",
                found=", ".join(found),
                fix="export it with segwright export RUN --to onnx",
            )

    def _answers(self, batch: npt.NDArray[np.float32]) -> list[Any]:
        return self._session.run(None, {self._input: np.ascontiguousarray(batch)})


class OnnxObjectRuntime(_OnnxAnswers):
    """An ONNX instance network with the four outputs of `Candidates`; `mask_frame` is what its masks cover."""

    NAMES = OBJECT_OUTPUTS
    CALLED = "an instance network"

    def __init__(self, path: Path, *, mask_frame: MaskFrame, stride_px: int = 32, threads: int | None = None) -> None:
        self.mask_frame: MaskFrame = mask_frame
        super().__init__(path, stride_px=stride_px, threads=threads)

    def __call__(self, batch: npt.NDArray[np.float32], /) -> list[Candidates]:
        return split_candidates(*self._answers(batch), mask_frame=self.mask_frame, batch_shape=batch.shape)


class OnnxRegionRuntime(_OnnxAnswers):
    """An ONNX panoptic network: candidates of things, each mask in its box, and a map of the stuff."""

    NAMES = (*OBJECT_OUTPUTS, "stuff_logits")
    CALLED = "a panoptic network"

    def __call__(self, batch: npt.NDArray[np.float32], /) -> list[Regions]:
        *candidates, stuff = self._answers(batch)
        found = split_candidates(*candidates, mask_frame="box", batch_shape=batch.shape)
        return [Regions(*row) for row in zip(found, stuff, strict=True)]


class OnnxQueryRuntime(_OnnxAnswers):
    """An ONNX network of queries, each with a class and a mask."""

    NAMES = QUERY_OUTPUTS
    CALLED = "a network of queries"

    def __call__(self, batch: npt.NDArray[np.float32], /) -> list[Queries]:
        return split_queries(*self._answers(batch), batch_shape=batch.shape)


def _opened(path: Path, threads: int | None) -> tuple[Any, str]:
    """The session of an ONNX file and what runs it; raises as `OnnxRuntime`."""
    try:
        import onnxruntime
    except ImportError as error:
        raise DependencyMissing.of(
            str(path), "needs ONNX Runtime", found="onnxruntime is not installed", fix="pip install onnxruntime"
        ) from error
    try:
        session = onnxruntime.InferenceSession(path, _options(onnxruntime, threads), providers=_providers(onnxruntime))
    except Exception as error:  # its exceptions are one unrelated class for each status code
        raise ArtefactError.of(
            str(path),
            "is not a network that ONNX Runtime can run",
            found=str(error).splitlines()[0][:300],
            fix="export the run again: segwright export RUN --to onnx",
        ) from error
    provider = session.get_providers()[0].removesuffix("ExecutionProvider")
    return session, f"onnxruntime {onnxruntime.__version__} ({provider})"


def _options(onnxruntime: ModuleType, threads: int | None) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or usable_cores()
    options.inter_op_num_threads = 1  # the graph is one chain: parallel operators only add hand-over
    options.log_severity_level = 3  # errors; its warnings go past Python to stderr
    return options


def _providers(onnxruntime: ModuleType) -> list[str]:
    available = onnxruntime.get_available_providers()
    return [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in available]


def _channels(path: Path, session: Any) -> int:
    inputs, outputs = session.get_inputs(), session.get_outputs()
    shape = outputs[0].shape
    if len(inputs) != 1 or len(outputs) != 1 or len(shape) != 4 or not isinstance(shape[1], int):
        raise ArtefactError.of(
            str(path),
            "is not a segmentation network",
            allowed="one input (batch, bands, height, width), one output (batch, channels, height, width)",
            found=f"{len(inputs)} inputs, {len(outputs)} outputs, output shape {shape}",
            fix="export it with segwright export RUN --to onnx",
        )
    return shape[1]


def usable_cores() -> int:
    """How many cores this process may run on (its affinity, not the machine's count)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
