"""Published weights of query networks, from a folder that transformers saved; nothing is fetched here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from transformers import (
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
    DINOv3ViTConfig,
    DINOv3ViTModel,
    PreTrainedModel,
)

from segwright.core import ArtefactError, ConfigError
from segwright.models import build_network
from segwright.models.query import QueryNetwork
from segwright.project import read_project
from segwright.train.plan_inputs import input_needs
from segwright.train.query_weights import configured, load_published
from segwright.train.weight_sources import is_published
from tests.models.query.tiny import spec
from tests.train.tiny import write_project


def saved(folder: Path, network: str, encoder: str) -> dict[str, Tensor]:
    """A model with 5 classes, saved as transformers saves it; its weights."""
    made = build_network(spec(network, encoder, channels=5))
    assert isinstance(made, QueryNetwork)
    whole = type(made.model)(made.model.config)
    whole.save_pretrained(folder)
    return dict(whole.state_dict())


def project_of(tmp_path: Path, network: str, weights: str):
    path = write_project(tmp_path / "project", per_line=1)
    return read_project(path, [f"model.network={network}", f"model.weights={weights}"])


@pytest.mark.parametrize(("network", "encoder"), [("mask2former", "swin_micro"), ("eomt", "dinov3_tiny")])
def test_published__whole_network_but_what_has_a_channel_a_class(tmp_path: Path, network: str, encoder: str) -> None:
    theirs = saved(tmp_path / "published", network, encoder)
    project = configured(project_of(tmp_path, network, str(tmp_path / "published")))
    options = project.model.options
    assert list(options) == ["configuration"]
    assert "id2label" not in json.loads(str(options["configuration"]))
    # without the folder from here on: the plan holds the configuration, as resuming and exporting need
    made = build_network(spec(network, "unread", **options))
    assert isinstance(made, QueryNetwork)
    report = load_published(made, str(tmp_path / "published"))
    assert report.missing == ("class_predictor.bias", "class_predictor.weight")
    assert report.unexpected == ()
    own = made.model.state_dict()
    same = [name for name in own if name in theirs and torch.equal(own[name], theirs[name])]
    assert len(same) >= report.matched == len(own) - 2
    assert "2 not in the file (class_predictor.bias, class_predictor.weight)" in str(report)


def test_published__another_number_of_bands_is_said(tmp_path: Path) -> None:
    saved(tmp_path / "published", "eomt", "dinov2_tiny")
    project = configured(project_of(tmp_path, "eomt", str(tmp_path / "published")))
    made = build_network(spec("eomt", "unread", channels=5, bands=4, **project.model.options))
    assert isinstance(made, QueryNetwork)
    report = load_published(made, str(tmp_path / "published"))
    assert report.missing == ("embeddings.patch_embeddings.projection.weight",)


def test_published__tensors_that_are_too_many_are_named(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    saved(tmp_path / "published", "eomt", "dinov2_tiny")
    file = tmp_path / "published" / "model.safetensors"
    state = load_file(file)
    save_file({**state, "head.extra": torch.zeros(2)}, file, {"format": "pt"})
    made = build_network(spec("eomt", "dinov2_tiny", channels=5))
    assert isinstance(made, QueryNetwork)
    report = load_published(made, str(tmp_path / "published"))
    assert (report.missing, report.unexpected) == ((), ("head.extra",))


def test_hub__offline_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    project = project_of(tmp_path, "mask2former", "hf-hub:segwright/none")
    with pytest.raises(ConfigError) as caught:
        configured(project)
    (problem,) = caught.value.problems
    assert (problem.place, problem.rule) == ("model.weights: hf-hub:segwright/none", "cannot be had")
    assert "go online once" in problem.fix
    made = build_network(spec("eomt", "dinov2_tiny"))
    assert isinstance(made, QueryNetwork)
    with pytest.raises(ConfigError, match="cannot be had"):
        load_published(made, "hf-hub:segwright/none")


def test_hub__of_another_network_is_left_to_its_encoder(tmp_path: Path) -> None:
    project = project_of(tmp_path, "unet", "hf-hub:segwright/none")
    assert configured(project) == project


def test_folder__that_transformers_saved_is_for_query_networks(tmp_path: Path) -> None:
    saved(tmp_path / "published", "eomt", "dinov2_tiny")
    with pytest.raises(ConfigError, match="are of transformers, and the network 'unet' is not"):
        configured(project_of(tmp_path, "unet", str(tmp_path / "published")))


def test_configuration__of_the_other_network_is_refused(tmp_path: Path) -> None:
    saved(tmp_path / "published", "eomt", "dinov2_tiny")
    with pytest.raises(ConfigError, match="not those of a network 'mask2former'"):
        configured(project_of(tmp_path, "mask2former", str(tmp_path / "published")))


@pytest.mark.parametrize("source", [None, "auto", "imagenet", "weights.safetensors"])
def test_other_weights__leave_the_project_as_it_is(tmp_path: Path, source: str | None) -> None:
    assert not is_published(source)
    project = project_of(tmp_path, "unet", "null" if source is None else source)
    assert configured(project) is project


def test_needs__are_known_before_any_frame_is_read() -> None:
    assert input_needs(spec("eomt", "dinov2_tiny", patch=8)).stride_px == 8
    assert input_needs(spec("mask2former", "test_resnet")).stride_px == 32


def test_module__names_are_those_of_transformers() -> None:
    made = build_network(spec("eomt", "dinov2_tiny"))
    assert isinstance(made.backbone, nn.Module)
    assert "embeddings.cls_token" in dict(made.backbone.named_parameters())


def dino(folder: Path, family: str, image_size: int, patch: int) -> nn.Module:
    """A random transformer of the family, saved as transformers saves it, in evaluation mode."""
    sizes = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "image_size": image_size}
    if family == "dinov3":
        config = DINOv3ViTConfig(intermediate_size=128, num_register_tokens=4, patch_size=patch, **sizes)
        model: PreTrainedModel = DINOv3ViTModel(config)
    else:
        model = Dinov2WithRegistersModel(Dinov2WithRegistersConfig(patch_size=patch, **sizes))
    for value in model.parameters():
        nn.init.normal_(value, std=0.1)
    model.save_pretrained(folder)
    return model.eval()


@pytest.mark.parametrize("family", ["dinov2", "dinov3"])
def test_dino__a_published_transformer_is_the_same_inside_an_eomt(tmp_path: Path, family: str) -> None:
    theirs = dino(tmp_path / "dino", family, image_size=64, patch=16)
    project = project_of(tmp_path, "eomt", str(tmp_path / "dino"))
    assert configured(project) is project
    made = build_network(spec("eomt", f"{family}_tiny")).eval()
    assert isinstance(made, QueryNetwork)
    report = load_published(made, str(tmp_path / "dino"))
    random = {name.split(".")[0] for name in report.missing}
    assert random == {"query", "upscale_block", "mask_head", "class_predictor"}
    assert report.unexpected == ("embeddings.mask_token",)
    frames = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        tokens, told = made._tokens(frames, (4, 4))  # type: ignore[operator]
        for block in made.model.layers:  # type: ignore[union-attr]
            tokens = block(tokens, None, **told)
        found = made.model.layernorm(tokens)  # type: ignore[operator]
        torch.testing.assert_close(found, theirs(frames).last_hidden_state)


def test_dino__patches_and_places_of_another_size_are_resampled(tmp_path: Path) -> None:
    dino(tmp_path / "dino", "dinov2", image_size=56, patch=14)
    made = build_network(spec("eomt", "dinov2_tiny", image_size=96))
    assert isinstance(made, QueryNetwork)
    report = load_published(made, str(tmp_path / "dino"))
    assert not any(name.startswith("embeddings") for name in report.missing)


def test_dino__of_another_width_is_refused(tmp_path: Path) -> None:
    dino(tmp_path / "dino", "dinov3", image_size=64, patch=16)
    made = build_network(spec("eomt", "dinov3_tiny", width=64))
    assert isinstance(made, QueryNetwork)
    with pytest.raises(ArtefactError, match="holds no weights for this network"):
        load_published(made, str(tmp_path / "dino"))
