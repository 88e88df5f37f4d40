"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Test machines are shared: how long one example takes says nothing about the code.
settings.register_profile("segwright", deadline=None)
settings.load_profile("segwright")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public sets kept beside the checkout; tests that need it are skipped where it is absent."""
    named = os.environ.get("SEGWRIGHT_SHARED_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder}; set SEGWRIGHT_SHARED_DATA to a copy of it")
    return folder


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache of the tests' own: what a test run leaves in the user's could decide the next one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEGWRIGHT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
