"""A network to ONNX and back: the torch answer and ONNX Runtime's, for frames of other sizes than the example's."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from unittest.mock import patch

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

STANDARD = {"", "ai.onnx"}


def exported(network: nn.Module, path: Path, outputs: tuple[str, ...]) -> onnxruntime.InferenceSession:
    """The network as a session; batch, height and width are free, and every operator is ONNX's own."""
    example = torch.zeros(2, 3, 2 * network.example_px, 3 * network.example_px)
    free = torch.export.Dim.DYNAMIC
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), patch.object(torch.export, "export", wraps=torch.export.export) as traced:
        warnings.simplefilter("ignore")  # of the exporter, about its own internals
        torch.onnx.export(
            network,
            (example,),
            path,
            dynamo=True,
            opset_version=18,
            input_names=["pixels"],
            output_names=list(outputs),
            dynamic_shapes=({0: free, 2: free, 3: free},),
            external_data=False,
            verbose=False,
        )
    assert traced.call_count == 1, "a size that became a constant (len() of a tensor) makes the exporter begin again"
    graph = onnx.load(path)
    assert {node.domain for node in graph.graph.node} <= STANDARD
    assert not graph.functions
    return onnxruntime.InferenceSession(path)


def assert_same_answers(network: nn.Module, session: onnxruntime.InferenceSession, frames: Tensor) -> list[np.ndarray]:
    """What the session answers, after comparing it with the network."""
    answers = session.run(None, {"pixels": frames.numpy()})
    with torch.no_grad():
        expected = network(frames)
    for found, wanted in zip(answers, expected, strict=True):
        np.testing.assert_allclose(found, wanted.numpy(), rtol=1e-3, atol=2e-3)
    return answers
