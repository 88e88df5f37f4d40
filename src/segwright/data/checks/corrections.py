"""Corrected masks in a new folder; what is there already is never touched."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segwright.core import ConfigError, Listener, silent, tracked
from segwright.data.checks.finding import Rule
from segwright.data.checks.lint import LintReport
from segwright.data.codecs import write_label_map
from segwright.data.dataset import Dataset, Frame
from segwright.data.workers import in_threads


@dataclass(frozen=True, slots=True)
class Corrected:
    """One frame whose labels were changed: by which rules, and how many pixels."""

    stem: str
    codes: tuple[str, ...]
    changed_px: int


def require_new_folder(folder: Path) -> None:
    """Raise ConfigError where something is in `folder` already."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError.of(
            "--fix",
            "writes to a new folder only",
            allowed="a folder that does not exist, or is empty",
            found=str(folder),
            fix="name another: --fix corrected",
        )


def write_corrected(
    dataset: Dataset, report: LintReport, rules: Sequence[Rule], folder: Path, listener: Listener = silent
) -> list[Corrected]:
    """Write the masks of all readable frames to `folder`/masks/STEM.png, corrected where a rule found something.

    `folder`/classes.json says what the ids mean, `folder`/corrections.json what was changed and why. A frame is
    corrected by the rules that reported it, in the order of their codes. Frames with a finding of an unreadable file
    are left out.

    Raises:
        ConfigError: the folder holds something.
        DataError: a mask cannot be written.
    """
    require_new_folder(folder)
    corrections = {rule.code: rule.correct for rule in rules if rule.correct is not None}
    wanted: dict[str, set[str]] = defaultdict(set)
    unread = {row.finding.frame for row in report.rows if row.finding.subject.startswith("unread ")}
    for row in report.rows:
        if row.code in corrections and row.finding.frame is not None:
            wanted[row.finding.frame].add(row.code)

    def written(frame: Frame) -> Corrected:
        labels = dataset.read_labels(frame)
        corrected, codes = labels, tuple(sorted(wanted.get(frame.stem, ())))
        for code in codes:
            corrected = corrections[code](corrected)
        write_label_map(folder / "masks" / f"{frame.stem}.png", corrected)
        return Corrected(frame.stem, codes, int(np.count_nonzero(corrected.ids != labels.ids)))

    frames = [frame for frame in dataset.frames if frame.mask is not None and frame.stem not in unread]
    done = list(tracked(in_threads(written, frames), listener, "correcting", len(frames)))
    changed = [row for row in done if row.changed_px]
    classes = json.dumps(dataset.classes.to_json(), ensure_ascii=False, indent=1)
    (folder / "classes.json").write_text(classes + "\n", encoding="utf-8")
    rows = [{"frame": row.stem, "rules": list(row.codes), "changed_px": row.changed_px} for row in changed]
    text = json.dumps({"schema": "segwright/corrections", "schema_version": 1, "frames": rows}, indent=1)
    (folder / "corrections.json").write_text(text + "\n", encoding="utf-8")
    return changed
