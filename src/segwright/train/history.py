"""history.jsonl: one line a training report or validation round, in step order, without gaps after a resume."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from segwright.core import ArtefactError


class History:
    """Appends rows to a file; `rewind` drops the rows a resumed run is about to write again."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, row: dict[str, Any]) -> None:
        """Write one row at once, so that a killed run loses at most the line it was writing.

        Raises:
            ArtefactError: the disk is full or the folder cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as handle:
                handle.write(json.dumps(row, ensure_ascii=False) + "\n")
        except OSError as error:
            raise ArtefactError.of(
                str(self.path),
                "could not be written",
                found=error.strerror or str(error),
                fix="free some space, then `segwright train --resume`",
            ) from error

    def rows(self) -> list[dict[str, Any]]:
        """All whole rows; a last line that was cut off by a kill is dropped."""
        if not self.path.exists():
            return []
        rows = []
        # A kill can also cut a character in two, so bytes that are no text must not stop the reading.
        for line in self.path.read_text(encoding="utf-8", errors="replace").split("\n"):
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:
                break
        return rows

    def rewind(self, step: int) -> None:
        """Keep only the rows up to and including `step`."""
        kept = [row for row in self.rows() if row["step"] <= step]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".part")
        temporary.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept), encoding="utf-8")
        temporary.replace(self.path)
