from __future__ import annotations

import copy
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from segwright.core import ArtefactError, GateFailed, Image, LabelMap, Size
from segwright.data.codecs import read_image
from segwright.export import BundleFacts, ParityFrame, export_bundle, export_onnx, parity
from segwright.infer import Cleanup, Lineage, TilePlan, load, read_bundle
from segwright.infer.crf import Crf
from segwright.infer.runtimes.onnx_runtime import OnnxRuntime
from segwright.infer.runtimes.torch_runtime import TorchRuntime
from tests.export.networks import Small, predictor_for
from tests.infer.models import CLASSES


def frames() -> list[ParityFrame]:
    noise = np.random.default_rng(0).integers(0, 255, (2, 70, 45, 3), np.uint8)
    truth = LabelMap(np.random.default_rng(1).integers(0, 3, (70, 45), np.uint8), CLASSES)
    return [ParityFrame("first", Image(noise[0]), truth), ParityFrame("second", Image(noise[1]))]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """One real export for every test that only reads it: it takes seconds."""
    network = Small().train()
    to = tmp_path_factory.mktemp("bundles") / "small.bundle"
    facts = BundleFacts("small", Lineage(run="runs/small", seed=1), alerts={"area_percent": 2.0})
    return network, export_bundle(network, predictor_for(network), frames(), to, facts)


def test_export_bundle__predicts_what_was_trained(exported):
    network, bundle = exported
    reference, loaded = predictor_for(network), load(bundle.path)
    for frame in frames():
        ours, theirs = reference.predict(frame.image), loaded.predict(frame.image)
        assert ours.label_map == theirs.label_map
        np.testing.assert_allclose(ours.confidence, theirs.confidence, atol=1e-5)
    assert len(np.unique(ours.label_map.ids)) > 1


def test_export_bundle__carries_the_proof_and_the_facts(exported):
    _, bundle = exported
    proof = read_bundle(bundle.path).parity
    assert proof["passed"] is True
    assert proof["frames"] == 2
    assert proof["thresholds"] == {"scratch": 0.3, "dent": 0.4}
    assert proof["largest_probability_difference"] < 1e-4
    assert bundle.lineage.run == "runs/small"
    assert bundle.alerts == {"area_percent": 2.0}
    assert bundle.weights.opset == 18


def test_export_bundle__leaves_the_network_as_it_was(exported):
    network, _ = exported
    assert network.training
    assert isinstance(network, Small)


def test_export_bundle__leaves_no_temporary_files(exported):
    _, bundle = exported
    assert [path.name for path in bundle.path.parent.iterdir()] == ["small.bundle"]


def test_export_onnx__takes_any_batch_height_and_width(exported):
    network, bundle = exported
    onnx = OnnxRuntime(bundle.path / "model.onnx", stride_px=8)
    reference = TorchRuntime(network, channels=3)
    for shape in ((1, 3, 8, 8), (3, 3, 24, 64)):
        batch = np.random.default_rng(0).random(shape, np.float32)
        np.testing.assert_allclose(onnx(batch), reference(batch), atol=1e-5)


def test_export_bundle__refuses_to_overwrite_before_it_works(exported):
    network, bundle = exported
    with pytest.raises(ArtefactError, match="never edited"):
        export_bundle(network, predictor_for(network), frames(), bundle.path, BundleFacts("small"))


def test_export_bundle__a_failed_proof_leaves_evidence_and_no_bundle(exported, tmp_path, monkeypatch):
    network, bundle = exported
    other = copy.deepcopy(network)
    with torch.no_grad():
        other.up.bias[2] += 3.0

    def from_before(network, path, **settings):
        path.write_bytes((bundle.path / "model.onnx").read_bytes())

    monkeypatch.setattr("segwright.export.bundle_export.export_onnx", from_before)
    to = tmp_path / "bad.bundle"
    with pytest.raises(GateFailed, match=r"of its pixels differ, tolerance 0.50%; most in (first|second)") as caught:
        export_bundle(other, predictor_for(other), frames(), to, BundleFacts("bad"))
    assert caught.value.exit_code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["bad.parity-failed"]
    evidence = tmp_path / "bad.parity-failed"
    assert json.loads((evidence / "parity.json").read_text(encoding="utf-8"))["passed"] is False
    pictures = sorted(evidence.glob("*.png"))
    assert len(pictures) == 2
    assert (read_image(pictures[0]).pixels == (255, 0, 255)).all(axis=2).any()


def test_export_onnx__refuses_a_network_it_cannot_write(tmp_path):
    class DataDependent(torch.nn.Module):
        def forward(self, frames):
            return frames if frames.sum().item() > 0 else frames * int(frames.max().item())

    with pytest.raises(ArtefactError, match="cannot be written as ONNX"):
        export_onnx(DataDependent(), tmp_path / "a.onnx")


def test_parity__holds_with_every_view_and_the_crf(exported):
    network, bundle = exported
    tiles = TilePlan(Size(32, 32), 8, flips=("horizontal", "vertical"), quarter_turns=True, scales=(0.75, 1, 1.25))
    reference = replace(predictor_for(network), tiles=tiles, cleanup=Cleanup(crf=Crf(far_px=10)))
    proof = parity(
        reference, replace(reference, runtime=OnnxRuntime(bundle.path / "model.onnx", stride_px=8)), frames()
    )
    assert proof.passed
    assert proof.largest_probability_difference < 1e-3
