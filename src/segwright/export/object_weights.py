"""The file of a network that finds objects or segments, what it answers with, and the runtime that reads it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import nn

from segwright.export.onnx_export import OPSET, export_objects_onnx, export_queries_onnx
from segwright.infer.bundle import Weights, file_hash
from segwright.infer.objects import CandidatesOfQueries, ObjectRuntime
from segwright.infer.objects.answers import QueryRuntime, RegionRuntime
from segwright.infer.objects.candidates import MaskFrame
from segwright.infer.runtimes.onnx_runtime import OnnxObjectRuntime, OnnxQueryRuntime, OnnxRegionRuntime
from segwright.models.panoptic import PANOPTIC_OUTPUT_NAMES, PanopticFPN
from segwright.models.query import QueryNetwork

Answers = Literal["regions", "queries"]


@dataclass(frozen=True)
class ObjectFile:
    """An ONNX file at `path`: what its answers are, None for candidates, whose masks cover `mask_frame`."""

    path: Path
    stride_px: int
    answers: Answers | None
    mask_frame: MaskFrame | None

    @property
    def objects(self) -> ObjectRuntime:
        """What runs it for task instance."""
        if self.answers == "queries":
            return CandidatesOfQueries(OnnxQueryRuntime(self.path, stride_px=self.stride_px))
        return OnnxObjectRuntime(self.path, mask_frame=self.mask_frame or "image", stride_px=self.stride_px)

    @property
    def segments(self) -> RegionRuntime | QueryRuntime:
        """What runs it for task panoptic."""
        kind = OnnxQueryRuntime if self.answers == "queries" else OnnxRegionRuntime
        return kind(self.path, stride_px=self.stride_px)

    def weights(self, channels: int) -> Weights:
        """What a bundle says of it."""
        digest = file_hash(self.path)
        kept: dict[str, Any] = {"opset": OPSET, "mask_frame": self.mask_frame, "answers": self.answers}
        return Weights(self.path.name, "onnx", digest, channels, self.stride_px, **kept)


def write_object_file(network: nn.Module, path: Path, *, bands: int, stride_px: int) -> ObjectFile:
    """Write `network` to `path` as ONNX, with the outputs of its kind.

    Raises:
        DependencyMissing, ArtefactError: as `export_onnx`.
    """
    if isinstance(network, QueryNetwork):
        export_queries_onnx(network, path, bands=bands, stride_px=stride_px)
        return ObjectFile(path, stride_px, "queries", None)
    example_px = network.example_px
    assert isinstance(example_px, int)
    how: dict[str, Any] = {"bands": bands, "stride_px": stride_px, "example_px": example_px}
    if isinstance(network, PanopticFPN):
        export_objects_onnx(network, path, **how, outputs=PANOPTIC_OUTPUT_NAMES)
        return ObjectFile(path, stride_px, "regions", None)
    export_objects_onnx(network, path, **how)
    mask_frame: MaskFrame = "box" if getattr(network, "mask_frame", None) == "box" else "image"
    return ObjectFile(path, stride_px, None, mask_frame)
