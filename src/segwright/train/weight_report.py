"""What was loaded into what: on the screen in short, in weights.json name by name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segwright.train.checkpoint import write_atomically

WEIGHTS_FILE = "weights.json"
KEYS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Misfit:
    """A tensor that the file and the network both have, with other shapes."""

    name: str
    network: tuple[int, ...]
    file: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name} {_shape(self.network)}, the file's is {_shape(self.file)}"


@dataclass(frozen=True, slots=True)
class WeightReport:
    """What was loaded into what: tensors taken, left as they were, and left over in the file.

    `missing` are the network's tensors that the file does not have, `unexpected` the file's that the network has not,
    `misfits` those that both have with other shapes, all complete. `notes` say in sentences what was adapted, and what
    was left out on purpose, and why.
    """

    source: str
    matched: int
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    folded: bool = False
    misfits: tuple[Misfit, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        parts = [f"{self.matched} tensors from {self.source}"]
        counted: Mapping[str, Iterable[object]] = {
            "not in the file": self.missing,
            "of another shape": self.misfits,
            "not in the network": self.unexpected,
        }
        for what, entries in counted.items():
            names = [str(entry) for entry in entries]
            if names:
                shown = ", ".join(names[:KEYS_SHOWN]) + (", ..." if len(names) > KEYS_SHOWN else "")
                parts.append(f"{len(names)} {what} ({shown})")
        return "; ".join([*parts, *self.notes])

    def to_json(self) -> dict[str, Any]:
        """Plain values, every name."""
        return {
            "source": self.source,
            "matched": self.matched,
            "missing": list(self.missing),
            "misfits": [
                {"name": misfit.name, "network": _shape(misfit.network), "file": _shape(misfit.file)}
                for misfit in self.misfits
            ],
            "unexpected": list(self.unexpected),
            "notes": list(self.notes),
            "batch_norm_folded": self.folded,
        }


def write_report(report: WeightReport, folder: Path) -> None:
    """weights.json in the run's folder."""
    text = json.dumps(report.to_json(), ensure_ascii=False, indent=1) + "\n"
    write_atomically(folder / WEIGHTS_FILE, lambda part: part.write_text(text, encoding="utf-8"))


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(str(length) for length in shape) or "scalar"
