"""Small datasets to put into stores."""

from __future__ import annotations

from pathlib import Path

import pytest

from segwright.data import Dataset
from tests.data.formats.test_conformance import labelled, objects

pytest.importorskip("lance", reason="the store needs segwright[store]")


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Three frames of class ids, one with void."""
    return labelled(tmp_path / "frames", void=True)


@pytest.fixture
def drawn(tmp_path: Path) -> Dataset:
    """Three frames of shapes."""
    return objects(tmp_path / "drawn")
