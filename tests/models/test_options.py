"""What a network can be told: every mistake said at once, nothing guessed."""

from __future__ import annotations

from typing import Any

import pytest

from segwright.core import ConfigError
from segwright.models import NetworkSpec, build_network
from segwright.models.options import Option, resolve_options

KNOWN = {
    "variant": Option("8s", "how fine the skips go", ("8s", "16s", "32s")),
    "deep": Option(default=False, about="answers at every level", choices=(False, True)),
    "width": Option(256, "channels between the layers", least=8),
}


def spec(**options: Any) -> NetworkSpec:
    return NetworkSpec("unet", "test_resnet", 3, 2, options=options)


def test_options__defaults_and_what_was_told() -> None:
    assert resolve_options(spec(deep=True, width=8), KNOWN) == {"variant": "8s", "deep": True, "width": 8}


def test_options__every_mistake_at_once_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="is not an option of the network 'unet'") as caught:
        resolve_options(spec(varient="8s", deep=1, width=True, variant="4s", zzz=3), KNOWN)
    assert {problem.place: (problem.allowed, problem.found, problem.fix) for problem in caught.value.problems} == {
        "model.options.varient": ("variant, deep, width", "varient", "did you mean model.options.variant?"),
        "model.options.deep": ("false, true", "1", "model.options.deep=false, the default"),
        "model.options.width": ("a whole number, 8 or more", "true", "model.options.width=256, the default"),
        "model.options.variant": ("8s, 16s, 32s", "4s", "model.options.variant=8s, the default"),
        "model.options.zzz": ("variant, deep, width", "zzz", "leave `zzz` out of model.options"),
    }


def test_build_network__refuses_options_the_network_does_not_have() -> None:
    with pytest.raises(ConfigError, match=r"model\.options\.zzz: is not an option of the network 'unet'"):
        build_network(spec(zzz=1))


def test_spec__files_written_before_there_were_options_open() -> None:
    old = {"network": "unet", "encoder": "test_resnet", "bands": 3, "channels": 2, "decoder_widths": [16, 8, 8, 8, 8]}
    assert NetworkSpec.from_json(old) == NetworkSpec("unet", "test_resnet", 3, 2, (16, 8, 8, 8, 8))
