from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import segwright
from segwright.core import ArtefactError, ClassTable, ConfigError, DependencyMissing
from segwright.infer import load, predictor_of, write_bundle
from segwright.infer.runtimes.onnx_runtime import OnnxRuntime
from tests.infer.bundles import make_bundle, write_onnx


def test_load__predicts_as_the_bundle_says(tmp_path):
    frame = np.zeros((40, 90, 3), np.uint8)
    frame[5:10, 5:25, 0] = 255
    frame[20, 20, 1] = 255
    prediction = segwright.load(make_bundle(tmp_path).path).predict(frame)
    assert prediction.areas_px() == {"background": 3500, "scratch": 100, "dent": 0}
    assert prediction.confidence.min() > 0.9


def test_load__needs_no_torch(tmp_path):
    bundle = make_bundle(tmp_path)
    code = (
        "import sys, numpy, segwright\n"
        f"print(segwright.load({str(bundle.path)!r}).predict(numpy.zeros((9, 9, 3), 'uint8')).areas_px())\n"
        "assert 'torch' not in sys.modules\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "'background': 81" in ran.stdout


def test_load__refuses_a_table_the_network_does_not_answer_for(tmp_path):
    bundle = make_bundle(tmp_path)
    wrong = replace(bundle, classes=ClassTable.of(["background", "scratch"]), decision=type(bundle.decision)())
    written = write_bundle(wrong, bundle.path / "model.onnx", tmp_path / "wrong.bundle")
    with pytest.raises(ArtefactError, match=r"3 channels[\s\S]*found:\s+2 classes: background, scratch"):
        load(written.path)


def test_load__refuses_an_unknown_runtime(tmp_path):
    with pytest.raises(ConfigError, match=r"allowed: auto, onnxruntime[\s\S]*found:\s+tensorrt"):
        load(make_bundle(tmp_path).path, runtime="tensorrt")


def test_load__refuses_weights_no_runtime_can_run(tmp_path):
    bundle = make_bundle(tmp_path)
    foreign = replace(bundle, weights=replace(bundle.weights, format="tensorrt"))
    with pytest.raises(ArtefactError, match=r"no runtime here can run[\s\S]*found:\s+tensorrt"):
        predictor_of(foreign)


def test_onnx_runtime__says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(DependencyMissing, match="pip install onnxruntime"):
        OnnxRuntime(write_onnx(tmp_path / "a.onnx"))


def test_onnx_runtime__refuses_a_file_that_is_no_network(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"not a network")
    with pytest.raises(ArtefactError, match="is not a network that ONNX Runtime can run"):
        OnnxRuntime(tmp_path / "a.onnx")


def test_onnx_runtime__answers_with_probabilities_for_any_batch_and_size(tmp_path):
    runtime = OnnxRuntime(write_onnx(tmp_path / "a.onnx"), stride_px=8, threads=1)
    for shape in ((1, 3, 8, 8), (3, 3, 16, 40)):
        answer = runtime(np.random.default_rng(0).random(shape, np.float32))
        np.testing.assert_allclose(answer.sum(axis=1), 1, atol=1e-6)
    assert runtime.channels == 3
    assert runtime.name.startswith("onnxruntime ")
