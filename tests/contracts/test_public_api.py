"""What `segwright` and its rooms export: present, sorted, documented, and nothing that starts with an underscore."""

from __future__ import annotations

import importlib
import inspect
from importlib.metadata import version

import pytest

import segwright

ROOMS = ("core", "data", "evaluate", "export", "infer", "line", "models", "pages", "project", "train")


def test_segwright__exports_its_three_doors() -> None:
    assert set(segwright.__all__) == {"__version__", "evaluate", "load", "open_dataset"}


def test_segwright__version_is_the_installed_one() -> None:
    assert segwright.__version__ == version("segwright")


@pytest.mark.parametrize("name", ["evaluate", "load", "open_dataset"])
def test_public_function__lives_in_its_room_and_says_what_it_raises(name: str) -> None:
    function = getattr(segwright, name)
    assert function.__module__.startswith("segwright.")
    assert "Raises:" in (inspect.getdoc(function) or "")


def test_unknown_name__is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'segwright' has no attribute 'mean_iou'"):
        _ = segwright.mean_iou


@pytest.mark.parametrize("room", ROOMS)
def test_room__exports_what_it_lists(room: str) -> None:
    module = importlib.import_module(f"segwright.{room}")
    missing = [name for name in module.__all__ if not hasattr(module, name)]
    assert missing == []


@pytest.mark.parametrize("room", ROOMS)
def test_room__lists_each_public_name_once_and_no_private_one(room: str) -> None:
    names = importlib.import_module(f"segwright.{room}").__all__
    assert len(set(names)) == len(names)
    assert [name for name in names if name.startswith("_")] == []


@pytest.mark.parametrize("room", ROOMS)
def test_room__documents_its_functions_and_classes(room: str) -> None:
    module = importlib.import_module(f"segwright.{room}")
    exported = {name: getattr(module, name) for name in module.__all__}
    undocumented = [
        name
        for name, value in exported.items()
        if (inspect.isclass(value) or inspect.isfunction(value)) and not inspect.getdoc(value)
    ]
    assert undocumented == []
