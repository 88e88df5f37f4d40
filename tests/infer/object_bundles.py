"""An instance bundle made without torch: red pixels are one object, green pixels another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from segwright.core import ClassSpec, ClassTable, Size
from segwright.infer import Bundle, Lineage, Preprocessing, TilePlan, Weights, write_bundle
from segwright.infer.bundle import file_hash
from segwright.infer.objects.decision import ObjectDecision

SHARPNESS, SIDE = 20.0, 64
OBJECT_CLASSES = ClassTable(
    (ClassSpec(0, "background"), ClassSpec(1, "red part", "thing"), ClassSpec(2, "green part", "thing")),
    background="background",
)


def write_object_network(path: Path) -> Path:
    """A network of two candidates: the pixels that are red, and those that are green; a score of 1 where any is."""
    weight, bias = np.zeros((2, 3, 1, 1), np.float32), np.full(2, -SHARPNESS / 2, np.float32)
    weight[0, 0] = weight[1, 1] = SHARPNESS
    constants = {
        "weight": weight,
        "bias": bias,
        "channel_table": np.array([[0, 1]], np.int64),
        "box_table": np.tile(np.array([0, 0, SIDE, SIDE], np.float32), (1, 2, 1)),
        "sides": np.array([2, 3], np.int64),
    }
    nodes = [
        helper.make_node("Conv", ["pixels", "weight", "bias"], ["mask_logits"]),
        helper.make_node("ReduceMax", ["mask_logits", "sides"], ["surest"], keepdims=0),
        helper.make_node("Sigmoid", ["surest"], ["scores"]),
        helper.make_node("Identity", ["channel_table"], ["channels"]),
        helper.make_node("Identity", ["box_table"], ["boxes"]),
    ]
    batch = ("batch", 3, "height", "width")
    answers = [
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 2]),
        helper.make_tensor_value_info("channels", TensorProto.INT64, [1, 2]),
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, 2, 4]),
        helper.make_tensor_value_info("mask_logits", TensorProto.FLOAT, ["batch", 2, "height", "width"]),
    ]
    inputs = [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, batch)]
    stored = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "by_colour", inputs, answers, stored)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


def make_object_bundle(folder: Path, name: str = "parts") -> Bundle:
    """A written bundle for frames of up to 64 x 64 px."""
    weights = write_object_network(folder / f"{name}.onnx")
    bundle = Bundle(
        path=folder,
        name=name,
        classes=OBJECT_CLASSES,
        preprocessing=Preprocessing(mean=(0, 0, 0), std=(1, 1, 1)),
        tiles=TilePlan(Size(SIDE, SIDE), 16),
        weights=Weights("model.onnx", "onnx", file_hash(weights), 2, 8, opset=18, mask_frame="image"),
        objects=ObjectDecision(),
        lineage=Lineage(run="runs/parts", dataset_hash="d" * 64, seed=3),
    )
    return write_bundle(bundle, weights, folder / f"{name}.bundle")
