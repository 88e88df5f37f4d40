"""Damage is found: in images, labels, rows and headers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segwright.data import Dataset
from segwright.data.store import Author, create_store, import_dataset, open_store, verify


def _store(dataset: Dataset, folder: Path):
    store = create_store(folder / "frames.store")
    import_dataset(dataset, store, Author("ada"))
    return store


def test_verify__a_sound_store(dataset, tmp_path):
    found = verify(_store(dataset, tmp_path))
    assert (found.versions, found.problems) == (1, ())
    assert found.blobs == 6


@pytest.mark.parametrize("table", ["blobs.lance", "log.lance"])
def test_verify__a_flipped_bit_is_found_wherever_it_is(dataset, tmp_path, table):
    _store(dataset, tmp_path)
    (file,) = (tmp_path / "frames.store" / table / "data").glob("*.lance")
    sound = file.read_bytes()
    rng = np.random.default_rng(3)
    missed = []
    for at in rng.integers(0, len(sound), 60):
        damaged = bytearray(sound)
        damaged[at] ^= 1 << int(rng.integers(8))
        file.write_bytes(bytes(damaged))
        if not verify(open_store(tmp_path / "frames.store")).problems and not _same_content(tmp_path, sound, file):
            missed.append(int(at))
    file.write_bytes(sound)
    assert missed == []


def _same_content(folder: Path, sound: bytes, file: Path) -> bool:
    """Whether the table reads as before: a bit of padding or statistics that nothing depends on was flipped."""
    import lance

    damaged = lance.dataset(file.parents[1]).to_table()
    kept = file.read_bytes()
    file.write_bytes(sound)
    right = lance.dataset(file.parents[1]).to_table()
    file.write_bytes(kept)
    return damaged.equals(right)


def test_verify__a_lost_image_names_the_frame(dataset, tmp_path):
    store = _store(dataset, tmp_path)
    import lance

    lance.dataset(tmp_path / "frames.store" / "blobs.lance").delete("kind = 'image'")
    problems = verify(store).problems
    assert any(": a" in problem.place and "gone" in problem.rule for problem in problems)
