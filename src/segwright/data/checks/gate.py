"""The rules that training waits for, judged once for the same frames and split: the answer is kept in the cache."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from segwright._version import __version__
from segwright.core import DataError, GateFailed, Listener, Note, silent
from segwright.data.archive import cache_folder
from segwright.data.checks.evidence import ProjectFacts
from segwright.data.checks.finding import Finding, Reported
from segwright.data.checks.lint import chosen_rules, lint
from segwright.data.dataset import Dataset
from segwright.data.split import Split

# What a file says rather than what the split does: the user must change something, as wherever files are read.
FILE_RULES = ("SEG003", "SEG004", "SEG005", "SEG006", "SEG008", "SEG009")


def enforce_gates(
    dataset: Dataset,
    split: Split,
    *,
    project: ProjectFacts | None = None,
    ignore: Sequence[str] = (),
    listener: Listener = silent,
) -> None:
    """Judge the gate rules but those in `ignore`, and raise where an error-level finding is left.

    Raises:
        DataError: files that cannot be used as they are; all findings at once.
        GateFailed: everything was read, and the split leaks, or a part is void all over.
        ConfigError: `ignore` names no rule.
    """
    rules = [rule for rule in chosen_rules((), ignore) if rule.gate]
    codes = [rule.code for rule in rules]
    kept = _cache_file(dataset, split, project, codes)
    errors = _read(kept)
    if errors is None:
        listener(
            Note("lint", f"{len(rules)} gate rules look at {len(dataset)} frames; kept, as long as nothing changes")
        )
        report = lint(dataset, split=split, project=project, rules=rules, listener=listener)
        errors = list(report.errors)
        _write(kept, errors)
    else:
        listener(Note("lint", f"{len(rules)} gate rules judged these frames and this split before"))
    if not errors:
        return
    problems = [row.problem() for row in errors]
    raise (DataError if any(row.code in FILE_RULES for row in errors) else GateFailed)(*problems)


def _cache_file(dataset: Dataset, split: Split, project: ProjectFacts | None, codes: Sequence[str]) -> Path:
    """Where the answer for exactly this content lies; paths of frames are part of it, as findings name them."""
    content = [__version__, str(dataset.root), dataset.content_hash, split.content_hash, split.by, list(dataset.notes)]
    digest = hashlib.sha256(json.dumps([*content, repr(project), list(codes)]).encode()).hexdigest()
    return cache_folder() / "lint" / f"{digest[:32]}.json"


def _read(path: Path) -> list[Reported] | None:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [Reported(row["code"], row["rule"], row["severity"], _finding(row)) for row in rows]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _finding(row: dict) -> Finding:
    texts = {name: row[name] for name in ("place", "what", "fix", "frame", "allowed", "found")}
    return Finding(**texts, subject=row["key"])


def _write(path: Path, errors: Sequence[Reported]) -> None:
    """Keep the answer; a cache that cannot be written costs time and nothing else."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps([row.to_json() for row in errors], ensure_ascii=False), encoding="utf-8")
        temporary.replace(path)
    except OSError:
        return
