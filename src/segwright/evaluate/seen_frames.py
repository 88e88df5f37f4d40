"""Frames that a model was trained on: a score over them says what it remembers, not what it has learned."""

from __future__ import annotations

from segwright.core import ConfigError
from segwright.data import Dataset
from segwright.evaluate.sources import few


def refuse_seen_frames(dataset: Dataset, train_frames: str | None, *, place: str, fix: str) -> None:
    """Refuse frames that a model was trained on, by the hashes that its plan or bundle keeps of them.

    `train_frames` is None or empty where an older artefact does not know them.

    Raises:
        ConfigError: with how many there are, and their names.
    """
    seen = dataset.stems_among((train_frames or "").split())
    if seen:
        raise ConfigError.of(
            place, f"holds {len(seen)} of {len(dataset)} frames that the model was trained on, byte for byte",
            allowed="frames it has not seen, or a held-out part of the split it was trained with", found=few(seen),
            fix=fix,
        )  # fmt: skip


def seen_note(dataset: Dataset, train_frames: str | None) -> tuple[str, ...]:
    """A note where frames that are scored were trained on; nothing where none was, or nobody knows."""
    seen = dataset.stems_among((train_frames or "").split())
    if not seen:
        return ()
    return (
        f"the model was trained on {len(seen)} of these {len(dataset)} frames, and its scores on them say what it "
        f"remembers: {few(seen)}",
    )
