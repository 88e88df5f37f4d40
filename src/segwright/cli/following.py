"""Tracking at the end of `segwright predict`: in the folder that is being written, before it gets its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segwright.cli.gates import said_of
from segwright.core import ClassTable, Listener
from segwright.infer.bundle import file_hash
from segwright.line.counting import Gate
from segwright.line.predicted_objects import objects_file
from segwright.line.track_files import TRACKS, Tracks, track_folder, write_tracks


@dataclass
class Following:
    """Called with the folder and its frames it writes tracks.json there, and keeps the tracks for the answer."""

    classes: ClassTable
    gate: Gate | None
    listener: Listener
    tracks: Tracks | None = None

    def __call__(self, folder: Path, stems: Sequence[str]) -> None:
        self.tracks = track_folder(folder, stems, self.classes, gate=self.gate, listener=self.listener)
        write_tracks(folder / TRACKS, self.tracks, {"sha256": file_hash(objects_file(folder))}, self.gate)

    def payload(self) -> dict[str, Any]:
        """What was counted, for machines."""
        return {} if self.tracks is None else {"counts": self.tracks.counts.to_json(), "left_out": self.tracks.left_out}

    def said(self) -> str:
        """What was counted, for people: a line, and one for each way and class in which something went."""
        if self.tracks is None:
            return ""
        counts = self.tracks.counts
        ways = [
            f"{way}: " + (", ".join(f"{count} {name}" for name, count in row.items() if count) or "nothing")
            for way, row in counts.crossed.items()
        ]
        return "\n".join([said_of(self.tracks), *ways])
