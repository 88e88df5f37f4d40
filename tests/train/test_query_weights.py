"""Published weights of query networks, from a folder that transformers saved; nothing is fetched here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from segwright.core import ConfigError
from segwright.models import build_network
from segwright.models.query import QueryNetwork
from segwright.project import read_project
from segwright.train.plan_inputs import input_needs
from segwright.train.query_weights import configured, is_published, load_published
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
    project = project_of(tmp_path, "mask2former", "hub:segwright/none")
    with pytest.raises(ConfigError) as caught:
        configured(project)
    (problem,) = caught.value.problems
    assert (problem.place, problem.rule) == ("model.weights: hub:segwright/none", "cannot be had")
    assert "go online once" in problem.fix
    made = build_network(spec("eomt", "dinov2_tiny"))
    assert isinstance(made, QueryNetwork)
    with pytest.raises(ConfigError, match="cannot be had"):
        load_published(made, "hub:segwright/none")


def test_hub__is_for_query_networks(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="are of transformers, and the network 'unet' is not"):
        configured(project_of(tmp_path, "unet", "hub:segwright/none"))


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
