"""A torch network to an ONNX file that answers with probabilities, for any batch and any frame size."""

from __future__ import annotations

import copy
import io
import logging
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from segwright.core import ArtefactError, DependencyMissing, SegwrightError, Size
from segwright.infer.runtimes.onnx_runtime import QUERY_OUTPUTS
from segwright.models.instance import OUTPUT_NAMES

OPSET = 18


class _Probabilities(nn.Module):
    """The network with softmax over its channels appended, so that no runtime has to remember it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> Tensor:
        return self.network(pixels).softmax(dim=1)


def export_onnx(
    network: nn.Module, path: Path, *, bands: int = 3, stride_px: int = 32, size: Size | None = None
) -> None:
    """Write `network`, which gives logits (batch, channels, height, width), to `path`, in float32.

    Batch, height and width stay free; height and width must be multiples of `stride_px` when it runs. With `size`
    only the batch does: that is the one size the file reads. The network itself is left as it is.

    Raises:
        DependencyMissing: onnx or onnxscript is not installed.
        ArtefactError: the network does something ONNX cannot express.
    """
    example_size = Size(2 * stride_px, 3 * stride_px) if size is None else size
    free = torch.export.Dim.DYNAMIC
    axes = {0: free, 2: free, 3: free} if size is None else {0: free}
    example = torch.zeros(2, bands, example_size.height, example_size.width)
    _export(network, _Probabilities(_plain(network)), example, axes, ["probabilities"], path)


class _Queries(nn.Module):
    """Class logits and mask logits of a network's queries."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        answer = self.network.queries(pixels)
        return answer.class_logits, answer.mask_logits


def export_queries_onnx(network: nn.Module, path: Path, *, bands: int = 3, stride_px: int = 32) -> None:
    """Write a network of queries to `path`, in float32: class logits and mask logits of each query; sizes are free.

    Raises:
        DependencyMissing, ArtefactError: as `export_onnx`.
    """
    free = torch.export.Dim.DYNAMIC
    example = torch.zeros(2, bands, 2 * stride_px, 3 * stride_px)
    _export(network, _Queries(_plain(network)), example, {0: free, 2: free, 3: free}, list(QUERY_OUTPUTS), path)


def export_objects_onnx(
    network: nn.Module,
    path: Path,
    *,
    bands: int = 3,
    stride_px: int = 32,
    example_px: int = 128,
    outputs: Sequence[str] = OUTPUT_NAMES,
) -> None:
    """Write an instance or panoptic network, which answers with `outputs`, to `path`, in float32; sizes are free.

    `example_px` is the network's own (`InstanceNetwork`): it is traced on a frame of at least twice and three times
    that, so that every level of its pyramid has rows and columns, which the exporter would else take for constants.

    Raises:
        DependencyMissing, ArtefactError: as `export_onnx`.
    """
    sides = [stride_px * math.ceil(length / stride_px) for length in (2 * example_px, 3 * example_px)]
    free = torch.export.Dim.DYNAMIC
    example = torch.zeros(2, bands, *sides)
    _export(network, _plain(network), example, {0: free, 2: free, 3: free}, list(outputs), path)


def _plain(network: nn.Module) -> nn.Module:
    """A copy on the CPU, in float32 and evaluation mode: the network itself is left as it is."""
    return copy.deepcopy(network).cpu().float().eval()


def _export(
    network: nn.Module, copied: nn.Module, example: Tensor, axes: dict[int, Any], outputs: list[str], path: Path
) -> None:
    torch.compiler.reset()  # what earlier exports of the same code left; past a limit of it tracing refuses
    try:
        with _quiet():
            torch.onnx.export(
                copied.eval(),
                (example,),
                path,
                dynamo=True,
                opset_version=OPSET,
                input_names=["pixels"],
                output_names=outputs,
                dynamic_shapes=(axes,),
                external_data=False,
                verbose=False,
            )
    except ImportError as error:
        raise DependencyMissing.of(
            "export to ONNX", "needs onnx and onnxscript", found=str(error), fix='pip install "segwright[train]"'
        ) from error
    except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
        raise _inexpressible(network, error) from error


def _inexpressible(network: nn.Module, error: Exception) -> SegwrightError:
    return ArtefactError.of(
        type(network).__name__,
        "cannot be written as ONNX",
        allowed=f"operations of ONNX opset {OPSET} with shapes that do not depend on the pixels",
        found=_innermost(error),
        fix="choose another network; `segwright export` needs one that traces",
    )


def _innermost(error: BaseException) -> str:
    """The first line of the error that others were raised from: the exporter's own only says at which step it was."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {str(error).strip()}".splitlines()[0][:300]


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter prints, logs and warns about its own internals; none of it is for whoever exports."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
