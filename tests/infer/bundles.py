"""A bundle made without torch: its network is one 1x1 convolution and a softmax, written node by node."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from segwright.core import ClassTable, Size
from segwright.infer import Bundle, Cleanup, Decision, Lineage, Preprocessing, TilePlan, Weights, write_bundle
from segwright.infer.bundle import file_hash
from tests.infer.models import CLASSES

SHARPNESS = 20.0


def write_onnx(path: Path, channels: int = 3) -> Path:
    """Channel 0 answers for dark pixels, channel 1 for red ones, channel 2 for green ones."""
    weight = np.zeros((channels, 3, 1, 1), np.float32)
    weight[1, 0] = weight[2, 1] = SHARPNESS
    bias = np.zeros(channels, np.float32)
    bias[0] = SHARPNESS / 2
    axes = ("batch", "height", "width")
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["pixels", "weight", "bias"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        ],
        "by_colour",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [axes[0], 3, *axes[1:]])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [axes[0], channels, *axes[1:]])],
        [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(bias, "bias")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, path)
    return path


def make_bundle(folder: Path, *, name: str = "colours", classes: ClassTable = CLASSES, **changes) -> Bundle:
    """A written bundle that names red pixels scratch and green ones dent."""
    weights = write_onnx(folder / f"{name}.onnx")
    bundle = Bundle(
        path=folder,
        name=name,
        classes=classes,
        preprocessing=Preprocessing(mean=(0, 0, 0), std=(1, 1, 1)),
        tiles=TilePlan(Size(64, 64), 16),
        weights=Weights("model.onnx", "onnx", file_hash(weights), 3, 8, opset=18),
        decision=Decision({"scratch": 0.4, "dent": 0.5}),
        cleanup=Cleanup(min_area_px=4),
        lineage=Lineage(run="runs/colours", dataset_hash="d" * 64, seed=3),
        **changes,
    )
    return write_bundle(bundle, weights, folder / f"{name}.bundle")
