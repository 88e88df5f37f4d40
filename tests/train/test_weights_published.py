"""Weights others published: by name, from their files, into networks for other bands and other classes."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path

import pytest
import segmentation_models_pytorch as smp
import timm
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

from segwright.core import ArtefactError, ConfigError
from segwright.data.codecs import read_image
from segwright.models import NetworkSpec, SegmentationNetwork, build_network
from segwright.train.weight_fit import adapted_to_bands
from segwright.train.weight_report import WEIGHTS_FILE, WeightReport, write_report
from segwright.train.weights import check_source, folded_layers, load_pretrained

WIDTHS = (256, 128, 64, 32, 16)


def build(
    encoder: str = "resnet18", *, bands: int = 3, channels: int = 3, network: str = "unet"
) -> SegmentationNetwork:
    torch.manual_seed(1)
    return build_network(NetworkSpec(network, encoder, bands, channels, WIDTHS)).eval()


def loaded(network: SegmentationNetwork, source: Path | str) -> WeightReport:
    report = load_pretrained(network, str(source))
    assert report is not None
    return report


def saved(model: nn.Module, path: Path) -> Path:
    torch.save(model.state_dict(), path)
    return path


@pytest.mark.parametrize("encoder", ["resnet18", "tu-resnet18"])
def test_smp__a_unet_fills_the_encoder_and_what_our_decoder_shares(tmp_path: Path, encoder: str) -> None:
    theirs = smp.Unet(encoder, encoder_weights=None, classes=3).eval()
    network = build()
    report = loaded(network, saved(theirs, tmp_path / "unet.pth"))
    frames = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        pyramid, expected = network.backbone(frames), theirs.encoder(frames)[1:]  # type: ignore[misc]
        for ours, other in zip(pyramid, expected, strict=True):
            torch.testing.assert_close(ours, other)
        features, below = pyramid[-1], theirs.decoder.blocks[0](expected[-1], 4, 4, expected[-2])
        torch.testing.assert_close(network.decoder.blocks[0](features, pyramid[-2]), below)  # type: ignore[union-attr,operator]
    assert [misfit.name for misfit in report.misfits] == ["decoder.blocks.4.mix.0.0.weight", "head.weight"]
    assert all(name.startswith("decoder.detail.") for name in report.missing)
    assert str(report.misfits[1]) == "head.weight 3x16x1x1, the file's is 3x16x3x3"
    assert "2 of another shape (decoder.blocks.4.mix.0.0.weight 16x48x3x3, the file's is 16x32x3x3, " in str(report)


@pytest.mark.parametrize("wrapped", [False, True])
def test_torchvision__a_segmentation_network_fills_the_encoder_and_its_heads_are_said(
    tmp_path: Path, wrapped: bool
) -> None:
    theirs = torchvision.models.segmentation.fcn_resnet50(weights=None, weights_backbone=None, aux_loss=True)
    state = {f"module.{name}" if wrapped else name: value for name, value in theirs.state_dict().items()}
    torch.save({"model": state, "epoch": 3}, tmp_path / "fcn.pth")
    network = build("resnet50")
    report = loaded(network, tmp_path / "fcn.pth")
    assert report.missing == ()
    assert {name.removeprefix("module.").split(".")[0] for name in report.unexpected} == {
        "classifier",
        "aux_classifier",
    }
    assert report.notes == ("decoder and head start from random: the file is an encoder's",)


def test_torchvision__names_nobody_knows_are_taken_by_order_where_every_shape_says_so(tmp_path: Path) -> None:
    theirs = torchvision.models.mobilenet_v2(weights=None).eval()
    network = build("mobilenetv2_100")
    report = loaded(network, saved(theirs, tmp_path / "mobilenet_v2.pth"))
    frames = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(network.backbone(frames)[-1], theirs.features[:-1](frames))  # type: ignore[misc]
    assert "taken by order" in report.notes[0]
    assert report.missing == ()
    assert report.unexpected[-1] == "classifier.1.bias"


@pytest.mark.parametrize(("bands", "rule"), [(1, "are summed to 1"), (5, "are repeated to 5 and scaled by 3/5")])
def test_bands__the_first_layer_is_adapted_and_the_rule_said(tmp_path: Path, bands: int, rule: str) -> None:
    path = saved(timm.create_model("resnet18", num_classes=2), tmp_path / "rgb.pt")
    colour, other = build(), build(bands=bands)
    loaded(colour, path)
    report = loaded(other, path)
    weights = [network.backbone.conv1.weight.detach() for network in (colour, other)]  # type: ignore[union-attr]
    torch.testing.assert_close(weights[1], adapted_to_bands(weights[0], bands))
    assert report.notes[0] == f"the first layer's 3 bands {rule}"
    assert report.misfits == ()


@pytest.mark.parametrize("bands", [1, 2, 4, 7])
def test_adapted_to_bands__is_timm_s_rule(bands: int) -> None:
    weight = torch.randn(8, 3, 3, 3)
    expected = timm.models.adapt_input_conv(bands, weight)
    torch.testing.assert_close(adapted_to_bands(weight, bands), expected)


def test_file__one_kernel_of_another_size_is_told_apart_from_missing(tmp_path: Path) -> None:
    state = timm.create_model("resnet18", num_classes=0).state_dict()
    state["layer1.0.conv1.weight"] = torch.zeros(64, 64, 5, 5)
    del state["bn1.weight"]
    torch.save(state, tmp_path / "other.pt")
    report = loaded(build(), tmp_path / "other.pt")
    assert report.missing == ("bn1.weight",)
    assert [str(misfit) for misfit in report.misfits] == [
        "encoder.backbone.layer1.0.conv1.weight 64x64x3x3, the file's is 64x64x5x5"
    ]
    write_report(report, tmp_path)
    told = json.loads((tmp_path / WEIGHTS_FILE).read_text())
    assert told["missing"] == ["bn1.weight"]
    assert told["misfits"][0]["file"] == "64x64x5x5"


def test_file__the_screen_shows_five_names_the_report_holds_all(tmp_path: Path) -> None:
    state = dict(list(timm.create_model("resnet18", num_classes=0).state_dict().items())[:30])
    torch.save({**state, **{f"extra.{number}": torch.zeros(1) for number in range(9)}}, tmp_path / "part.pt")
    report = loaded(build(), tmp_path / "part.pt")
    assert len(report.unexpected) == 9
    assert "9 not in the network (extra.0, extra.1, extra.2, extra.3, extra.4, ...)" in str(report)


def test_file__a_folder_of_the_hub_is_its_safetensors(tmp_path: Path) -> None:
    save_file(timm.create_model("resnet18", num_classes=0).state_dict(), tmp_path / "model.safetensors")
    assert loaded(build(), tmp_path).missing == ()
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArtefactError, match="empty: holds no weights"):
        load_pretrained(build(), str(tmp_path / "empty"))


def test_file__keras_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "weights.h5").write_bytes(b"\x89HDF")
    with pytest.raises(ArtefactError, match="is not a kind of file that weights are read from") as caught:
        check_source(str(tmp_path / "weights.h5"), "resnet18")
    assert caught.value.problems[0].found == ".h5"
    assert "torch.save(model.state_dict()" in caught.value.problems[0].fix


def test_file__the_same_names_with_other_shapes_say_the_shapes(tmp_path: Path) -> None:
    state = {name: value.new_zeros((*value.shape, 2)) for name, value in build().state_dict().items()}
    torch.save(state, tmp_path / "other.pt")
    with pytest.raises(ArtefactError, match="holds no weights for this network") as caught:
        load_pretrained(build(), str(tmp_path / "other.pt"))
    assert "encoder.backbone.conv1.weight 64x3x7x7, the file's is 64x3x7x7x2" in caught.value.problems[0].found


def test_timm__another_encoder_s_weights_are_refused() -> None:
    with pytest.raises(ConfigError, match="are the weights of another encoder") as caught:
        load_pretrained(build(), "timm:resnet34.a1_in1k")
    assert caught.value.problems[0].fix == "model.encoder=resnet34, or model.weights=timm:resnet18"


def test_timm__an_unknown_tag_names_those_there_are() -> None:
    with pytest.raises(ConfigError, match="is not among timm's weights") as caught:
        load_pretrained(build(), "timm:resnet18.a1_in1")
    assert "resnet18.a1_in1k" in caught.value.problems[0].allowed
    assert caught.value.problems[0].fix == "model.weights=timm:resnet18.a1_in1k"


def cache(hub: Path, repository: str, file: Path) -> None:
    """Put `file` into the hub's cache as the one file of `repository`."""
    folder, commit = hub / f"models--{repository.replace('/', '--')}", "0" * 40
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(commit)
    (folder / "snapshots" / commit).mkdir(parents=True)
    shutil.copy(file, folder / "snapshots" / commit / "model.safetensors")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The hub's cache, empty, with no network behind it."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.mark.parametrize(
    ("source", "repository"),
    [("timm:resnet18.a1_in1k", "timm/resnet18.a1_in1k"), ("hf-hub:someone/parts", "someone/parts")],
)
def test_hub__a_cached_repository_needs_no_network(hub: Path, tmp_path: Path, source: str, repository: str) -> None:
    model = timm.create_model("resnet18")
    save_file(model.state_dict(), tmp_path / "cached.safetensors")
    cache(hub, repository, tmp_path / "cached.safetensors")
    network = build()
    report = loaded(network, source)
    assert report.missing == ()
    torch.testing.assert_close(network.backbone.conv1.weight, model.conv1.weight)  # type: ignore[union-attr]


@pytest.mark.usefixtures("hub")
def test_hub__offline_says_how_to_fetch_it_elsewhere() -> None:
    with pytest.raises(ConfigError, match="hf-hub:someone/parts: cannot be had from the Hugging Face hub") as caught:
        load_pretrained(build(), "hf-hub:someone/parts")
    assert "LocalEntryNotFoundError" in caught.value.problems[0].found
    assert "hf download someone/parts model.safetensors --local-dir parts" in caught.value.problems[0].fix
    with pytest.raises(ConfigError, match="names no repository") as caught:
        load_pretrained(build(), "hf-hub:parts")
    assert caught.value.problems[0].allowed == "hf-hub:OWNER/NAME, or hf-hub:OWNER/NAME@REVISION"


def test_espnet__weights_for_other_classes_fill_the_encoder(shared_data: Path) -> None:
    path = shared_data / "weights/espnet/pretrained/decoder/espnet_p_2_q_8_camvid.pth"
    if not path.is_file():
        pytest.skip("no ESPNet file in the shared data")
    network = build("its own", channels=4, network="espnet")
    report = loaded(network, path)
    assert all(not misfit.name.startswith("encoder.") or ".classifier." in misfit.name for misfit in report.misfits)
    assert "encoder.classifier.conv.weight" in [misfit.name for misfit in report.misfits]
    assert report.unexpected == ()
    with pytest.raises(ConfigError, match="'espnet' has an encoder that timm has not"):
        load_pretrained(network, "imagenet")


def test_folded__deeplab_s_encoder_and_its_own_head_find_the_bird_as_published(shared_data: Path) -> None:
    """IoU 0.903 on the picture of the file's own test data, at 513x513; the last four layers are DeepLab's head."""
    path = shared_data / "weights/derived/deeplabv3_mnv2_pascal_quant_u8.pt"
    if not path.is_file():
        pytest.skip("no DeepLab file in the shared data")
    spec = NetworkSpec("deeplabv3", "mobilenetv2_100", 3, 21, WIDTHS, {"output_stride": 16})
    network = build_network(spec).eval()
    report = loaded(network, path)
    assert report.unexpected == ("layer 51", "layer 52", "layer 53", "layer 54")
    level, pooled, joined, classes = (
        partial(nn.functional.conv2d, weight=layer.weight, bias=layer.bias) for layer in folded_layers(path)[51:]
    )
    picture = read_image(shared_data / "weights/coral/bird_segmentation.bmp").pixels
    bird = read_image(shared_data / "weights/coral/bird_segmentation_mask.bmp").pixels[..., 0] == 3
    with torch.no_grad():
        frame = torch.from_numpy(picture.transpose(2, 0, 1).copy())[None] / 127.5 - 1
        features = network.backbone(frame)[-1]  # type: ignore[misc]
        near = level(features).relu()
        whole = pooled(features.mean((2, 3), keepdim=True)).relu().expand_as(near)
        logits = classes(joined(torch.cat([whole, near], dim=1)).relu())
        said = nn.functional.interpolate(logits, size=bird.shape, mode="bilinear", align_corners=True)
    found = said[0].argmax(0).numpy() == 3
    assert round(float((found & bird).sum() / (found | bird).sum()), 3) == 0.903


@pytest.mark.parametrize(
    "file",
    ["resnet_cifar/pretrained_models/resnet20-12fca82f.th", "lwnet/experiments/wnet_drive/model_checkpoint.pth"],
)
def test_others__networks_that_are_none_of_ours_are_refused_by_name(shared_data: Path, file: str) -> None:
    if not (shared_data / "weights" / file).is_file():
        pytest.skip(f"no {file} in the shared data")
    with pytest.raises(ArtefactError, match="holds no weights for this network"):
        load_pretrained(build("mobilenetv2_100"), str(shared_data / "weights" / file))
