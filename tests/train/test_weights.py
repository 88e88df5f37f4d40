"""Pretrained weights: what went where is said, and what does not fit is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from segwright.core import ArtefactError, ClassTable, ConfigError
from segwright.models import NetworkSpec, SegmentationNetwork, build_network
from segwright.train import Run
from segwright.train.weight_sources import ALLOWED
from segwright.train.weights import imagenet_at_hand, load_pretrained


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The hub's cache, empty, with no network behind it."""
    cache = tmp_path / "hub"
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    return cache


def build(encoder: str = "test_resnet") -> SegmentationNetwork:
    return build_network(NetworkSpec("unet", encoder, 3, 3, (16, 12, 8, 8, 8)))


@pytest.mark.parametrize("encoder", ["test_resnet", "mobilenetv3_small_100", "regnetx_002", "repvgg_a0"])
def test_load__a_timm_classifier_fills_the_encoder(tmp_path: Path, encoder: str) -> None:
    torch.manual_seed(3)
    classifier = timm.create_model(encoder, num_classes=5)
    torch.save(classifier.state_dict(), tmp_path / "weights.pt")
    network = build(encoder).eval()
    report = load_pretrained(network, str(tmp_path / "weights.pt"))
    assert report is not None
    assert report.missing == ()
    tops = {name.split(".")[0] for name in report.unexpected}
    assert tops <= {"fc", "classifier", "head", "conv_head", "norm_head"}
    frames = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        features = classifier.eval().forward_intermediates(frames, intermediates_only=True)
        for ours, theirs in zip(network.encoder(frames)[-1:], features[-1:], strict=True):
            torch.testing.assert_close(ours, theirs)


def test_load__says_exactly_what_was_missing_and_left_over(tmp_path: Path) -> None:
    state = timm.create_model("test_resnet", num_classes=5).state_dict()
    del state["layer1.0.conv1.weight"]
    save_file({**state, "extra.weight": torch.zeros(1)}, tmp_path / "weights.safetensors")
    report = load_pretrained(build(), str(tmp_path / "weights.safetensors"))
    assert report is not None
    assert report.missing == ("layer1.0.conv1.weight",)
    assert set(report.unexpected) == {"extra.weight", "fc.weight", "fc.bias"}
    assert "1 not in the file (layer1.0.conv1.weight)" in str(report)
    assert "3 not in the network (" in str(report)


@pytest.mark.parametrize("wrapper", ["state_dict", "model", None])
@pytest.mark.parametrize("prefix", ["", "module.", "backbone.", "encoder."])
def test_load__wrapped_and_prefixed_files_are_understood(tmp_path: Path, wrapper: str | None, prefix: str) -> None:
    state = {f"{prefix}{name}": value for name, value in timm.create_model("test_resnet").state_dict().items()}
    torch.save({wrapper: state, "epoch": 3} if wrapper else state, tmp_path / "weights.pt")
    report = load_pretrained(build(), str(tmp_path / "weights.pt"))
    assert report is not None
    assert report.missing == ()


def test_load__weights_of_another_network_are_refused(tmp_path: Path) -> None:
    torch.save({"layers.0.weight": torch.zeros(3, 3)}, tmp_path / "weights.pt")
    with pytest.raises(ArtefactError, match="holds no weights for this network") as caught:
        load_pretrained(build(), str(tmp_path / "weights.pt"))
    assert caught.value.problems[0].found == "layers.0.weight, ..."
    for content in (torch.zeros(3), [1, 2], {"state_dict": 7}):
        torch.save(content, tmp_path / "weights.pt")
        with pytest.raises(ArtefactError, match="holds no weights for this network"):
            load_pretrained(build(), str(tmp_path / "weights.pt"))


def test_load__a_missing_file_says_what_may_stand_there() -> None:
    with pytest.raises(ArtefactError, match=r"model\.weights: nowhere\.pt: does not exist") as caught:
        load_pretrained(build(), "nowhere.pt")
    assert caught.value.problems[0].allowed == ALLOWED


def test_load__nothing_stays_random() -> None:
    assert load_pretrained(build(), None) is None


def test_load__an_earlier_run_fills_the_whole_network(finished: Run) -> None:
    network = build()
    report = load_pretrained(network, str(finished.path))
    assert report is not None
    assert (report.missing, report.unexpected) == ((), ())
    for name, value in finished.module().state_dict().items():
        assert torch.equal(network.state_dict()[name], value) or name.endswith("num_batches_tracked")


def test_load__an_earlier_run_with_other_classes_gives_all_but_the_head(finished: Run) -> None:
    network = build_network(NetworkSpec("unet", "test_resnet", 3, 7, (16, 12, 8, 8, 8)))
    report = load_pretrained(network, str(finished.path))
    assert report is not None
    assert report.missing == ()
    assert {str(misfit) for misfit in report.misfits} == {
        "head.weight 7x8x1x1, the file's is 3x8x1x1",
        "head.bias 7, the file's is 3",
    }
    assert "the head is left out: it answers for another number of classes than 7" in report.notes


def test_load__an_earlier_run_with_as_many_but_other_classes_gives_all_but_the_head(finished: Run) -> None:
    turned = ClassTable.of(["background", "line", "blob"])
    report = load_pretrained(build(), str(finished.path), turned)
    assert report is not None
    assert report.missing == ("head.weight", "head.bias")
    same = load_pretrained(build(), str(finished.path), finished.classes)
    assert same is not None
    assert same.missing == ()


@pytest.mark.usefixtures("offline")
def test_imagenet__offline_is_a_clear_error() -> None:
    with pytest.raises(ConfigError, match="timm's weights for 'resnet10t' cannot be had") as caught:
        load_pretrained(build("resnet10t"), "imagenet")
    assert caught.value.problems[0].fix == (
        "where the hub can be reached: hf download timm/resnet10t.c3_in1k model.safetensors --local-dir "
        "resnet10t.c3_in1k; copy the folder here and set model.weights=resnet10t.c3_in1k/model.safetensors, "
        "or model.weights=null to start from random"
    )
    assert not imagenet_at_hand("resnet10t")
