"""A torch network to an ONNX file that answers with probabilities, for any batch and any frame size."""

from __future__ import annotations

import copy
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import torch
from torch import Tensor, nn

from segwright.core import ArtefactError, DependencyMissing, SegwrightError, Size

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
    copied = _Probabilities(copy.deepcopy(network)).cpu().float().eval()
    example_size = Size(2 * stride_px, 3 * stride_px) if size is None else size
    example = torch.zeros(2, bands, example_size.height, example_size.width)
    free_axes = dict.fromkeys((0, 2, 3) if size is None else (0,), torch.export.Dim.DYNAMIC)
    try:
        with _quiet():
            torch.onnx.export(
                copied,
                (example,),
                path,
                dynamo=True,
                opset_version=OPSET,
                input_names=["pixels"],
                output_names=["probabilities"],
                dynamic_shapes=(free_axes,),
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
        found=str(error).strip().splitlines()[0][:300],
        fix="choose another network; `segwright export` needs one that traces",
    )


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
