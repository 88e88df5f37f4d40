"""Checkpoints: all or nothing on disk, and nothing that could run code."""

from __future__ import annotations

import os
import pickle
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from segwright.core import ArtefactError
from segwright.train.checkpoint import (
    load_state,
    load_weights,
    remove_leftovers,
    save_state,
    save_weights,
    write_atomically,
)


def full_disk(part: Path) -> None:
    part.write_bytes(b"half")
    raise OSError(28, "No space left on device")


def test_write__a_full_disk_leaves_the_old_file_and_no_scraps(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    path.write_bytes(b"old")
    with pytest.raises(ArtefactError, match=r"last\.pt: could not be written") as caught:
        write_atomically(path, full_disk)
    assert "No space left on device" in caught.value.problems[0].found
    assert "segwright train --resume" in caught.value.problems[0].fix
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["last.pt"]


def test_write__a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("a file")
    with pytest.raises(ArtefactError, match="could not be written"):
        write_atomically(tmp_path / "checkpoints" / "last.pt", lambda part: part.write_bytes(b"x"))


@pytest.fixture
def _small_files_only() -> Iterator[None]:
    """No file above 100 kB: stops the libraries' own writers where a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("_small_files_only")
@pytest.mark.parametrize(("save", "load"), [(save_state, load_state), (save_weights, load_weights)])
def test_save__stopped_by_the_system_half_way_keeps_the_old_file(
    tmp_path: Path, save: Callable, load: Callable
) -> None:
    small, large = ({"w": torch.ones(size)} for size in (10, 200_000))
    save(tmp_path / "file", small)
    with pytest.raises(ArtefactError, match="file: could not be written"):
        save(tmp_path / "file", large)
    assert torch.equal(load(tmp_path / "file")["w"], small["w"])
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_state__round_trip_keeps_tensors_numbers_and_strides(tmp_path: Path) -> None:
    weight = torch.randn(4, 3, 3, 3).contiguous(memory_format=torch.channels_last)
    state = {"network": {"w": weight}, "step": 7, "guard": {"best_score": None, "class_best": {"Öl": 0.5}}}
    save_state(tmp_path / "last.pt", state)
    back = load_state(tmp_path / "last.pt")
    assert torch.equal(back["network"]["w"], weight)
    assert back["network"]["w"].stride() == weight.stride()
    assert {name: back[name] for name in ("step", "guard")} == {name: state[name] for name in ("step", "guard")}


def test_weights__round_trip_of_tensors_that_are_not_contiguous(tmp_path: Path) -> None:
    state = {"w": torch.randn(4, 3, 2, 2).contiguous(memory_format=torch.channels_last), "n": torch.tensor(3)}
    save_weights(tmp_path / "best.safetensors", state)
    back = load_weights(tmp_path / "best.safetensors")
    assert set(back) == {"w", "n"}
    assert all(torch.equal(back[name], value) for name, value in state.items())


class Dangerous:
    """Runs a command where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable, tuple]:
        return os.system, (f"touch {self.path}",)


def test_load_state__a_file_that_would_run_code_is_refused_and_runs_none(tmp_path: Path) -> None:
    torch.save({"w": Dangerous(tmp_path / "ran")}, tmp_path / "evil.pt")
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps(Dangerous(tmp_path / "ran")))
    for name in ("evil.pt", "evil.pkl"):
        with pytest.raises(ArtefactError, match=r"holds Python objects|is not a readable checkpoint"):
            load_state(tmp_path / name)
    assert not (tmp_path / "ran").exists()
    with pytest.raises(ArtefactError, match="holds Python objects, and loading those runs whatever code") as caught:
        load_state(tmp_path / "evil.pt")
    assert caught.value.problems[0].found == f"{os.system.__module__}.system"


@pytest.mark.parametrize("content", [b"", b"\x80", b"PK\x03\x04 and no more", b"text\n", bytes(range(256)), b"\0" * 64])
def test_load__other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ArtefactError, match="is not a readable checkpoint"):
        load_state(path)
    with pytest.raises(ArtefactError, match="is not a readable safetensors file"):
        load_weights(path)


def test_load__a_file_cut_off_is_refused(tmp_path: Path) -> None:
    save_state(tmp_path / "last.pt", {"w": torch.zeros(1000)})
    content = (tmp_path / "last.pt").read_bytes()
    for length in (10, len(content) // 2, len(content) - 10):
        (tmp_path / "last.pt").write_bytes(content[:length])
        with pytest.raises(ArtefactError, match="is not a readable checkpoint"):
            load_state(tmp_path / "last.pt")


def test_load__a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="nothing to resume"):
        load_state(tmp_path / "last.pt")
    with pytest.raises(ArtefactError, match="train first"):
        load_weights(tmp_path / "best.safetensors")


def test_remove_leftovers__takes_half_written_files_and_no_others(tmp_path: Path) -> None:
    for name in (".last.pt.77.part", "last.pt", "best.safetensors", "my.part"):
        (tmp_path / name).write_bytes(b"x")
    remove_leftovers(tmp_path)
    remove_leftovers(tmp_path / "missing")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["best.safetensors", "last.pt", "my.part"]
