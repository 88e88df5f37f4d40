"""Checkpoints on disk: written to a temporary name, flushed, renamed; read without unpickling objects."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from segwright.core import ArtefactError, SegwrightError

LAST = "last.pt"
BEST = "best.safetensors"
PART = ".part"


class NotWritten(ArtefactError):
    """The disk is full or the folder cannot be written: nothing is wrong with what was to be written."""


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then put it in place with one rename.

    Raises:
        NotWritten: the disk is full or the folder cannot be written; what stood at `path` stays as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}{PART}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        with temporary.open("rb+") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
    except (OSError, RuntimeError, SafetensorError) as error:
        with suppress(OSError):
            temporary.unlink()
        raise NotWritten.of(
            str(path),
            "could not be written",
            found=str(error),
            fix="free some space, then `segwright train --resume`: nothing written so far is lost; "
            "of --search, --folds and distill the same command goes on",
        ) from error


def remove_leftovers(folder: Path) -> None:
    """Delete what `write_atomically` had half written when its process was killed."""
    for part in folder.glob(f".*{PART}"):
        part.unlink(missing_ok=True)


def save_weights(path: Path, state: Mapping[str, Tensor]) -> None:
    """Network weights as safetensors."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    write_atomically(path, lambda part: save_file(tensors, part))


def load_weights(path: Path) -> dict[str, Tensor]:
    """Network weights from safetensors."""
    try:
        return load_file(path)
    except FileNotFoundError:
        raise ArtefactError.of(str(path), "does not exist", fix="train first, or name another run") from None
    except Exception as error:
        raise ArtefactError.of(
            str(path),
            "is not a readable safetensors file",
            found=str(error),
            fix="copy or download the file again, or name another one",
        ) from error


def save_state(path: Path, state: dict[str, Any]) -> None:
    """The whole training state: tensors, numbers, names."""
    write_atomically(path, lambda part: torch.save(state, part))


def load_state(path: Path) -> dict[str, Any]:
    """A training state; files that hold anything but tensors and plain values are refused."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        fix = "start without --resume, or name the run that was interrupted"
        raise ArtefactError.of(str(path), "does not exist", found="nothing to resume", fix=fix) from None
    except Exception as error:  # torch's readers raise a dozen unrelated types on damaged and foreign files
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> SegwrightError:
    refused = re.search(r"GLOBAL ([\w.]+)", str(error))  # torch names the class or function it would not run
    if refused is not None:
        return ArtefactError.of(
            str(path),
            "holds Python objects, and loading those runs whatever code the file says",
            allowed="tensors, numbers, text, and lists and tables of them",
            found=refused[1],
            fix="where you trust it: torch.save(torch.load(FILE, weights_only=False)['state_dict'], 'weights.pt')",
        )
    return ArtefactError.of(
        str(path),
        "is not a readable checkpoint",
        found=str(error).split("\n")[0] or type(error).__name__,
        fix="copy or download the file again; a checkpoint of a run is made anew by segwright train",
    )
