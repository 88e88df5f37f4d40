"""Query networks by name; transformers, which takes seconds to load, is loaded by whoever builds one."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from segwright.core import DependencyMissing
from segwright.models.query.network import QueryNetwork
from segwright.models.spec import NetworkSpec


def mask2former(spec: NetworkSpec) -> QueryNetwork:
    """Mask2Former on the encoder of `spec`."""
    return _module("mask2former").Mask2Former(spec)


def eomt(spec: NetworkSpec) -> QueryNetwork:
    """EoMT of the size that the encoder of `spec` names."""
    return _module("eomt").Eomt(spec)


def _module(name: str) -> Any:
    try:
        return import_module(f"segwright.models.query.{name}")
    except ModuleNotFoundError as error:
        raise DependencyMissing.of(
            f"model.network={name}", "needs transformers", found=str(error), fix='pip install "segwright[train]"'
        ) from error
