"""Predictions as a folder: `masks/STEM.png` and a manifest, written frame by frame and finished by one rename.

DIR/
  manifest.json            classes, what predicted, every frame with its hash, every frame that was refused
  masks/STEM.png           class ids, the table's void id where void
  confidence/STEM.png      on request: the largest probability, 0..65535 for 0..1
  probabilities/STEM.npy   on request: float16 (channels, height, width)
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from segwright._version import __version__
from segwright.core import GREY, ArtefactError, DataError, Image, Listener, Problem, adopt, silent, tracked
from segwright.data.codecs import read_image, write_image, write_label_map
from segwright.infer.bundle import file_hash
from segwright.infer.prediction import SemanticPrediction
from segwright.infer.predictor import Predictor

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
JOURNAL = "journal.jsonl"


@dataclass(frozen=True)
class Extras:
    """What is written beside the masks."""

    confidence: bool = False
    probabilities: bool = False


@dataclass(frozen=True)
class Predicted:
    """A finished folder: frames with a mask, how many of them were kept from a broken run, what was refused."""

    folder: Path
    frames: int
    resumed: int
    problems: tuple[Problem, ...]


def predict_folder(
    frames: Sequence[tuple[str, Path]],
    predictor: Predictor,
    out: Path,
    model: Mapping[str, Any],
    *,
    extras: Extras = Extras(),
    listener: Listener = silent,
) -> Predicted:
    """Predict (stem, file) `frames` into the new folder `out`. `model` says what predicts: a bundle's name and hash.

    Work lies in `out` with a name ending in `.part` until it is whole; called again after an interruption with the
    same model, it keeps the frames that are done and whose files have not changed. A frame that cannot be read is
    left out, listed in the manifest and returned as a problem.

    Raises:
        ArtefactError: `out` exists, or cannot be written.
        DataError: two frames have one stem; all of them at once.
    """
    _require_free(out, [stem for stem, _ in frames])
    part = out.with_name(f"{out.name}.part")
    header = {"model": dict(model), "classes": predictor.classes.to_json(), "extras": vars(extras)}
    done = _journalled(part, header)
    resumed, rows, problems = 0, [], []
    with (part / JOURNAL).open("a", encoding="utf-8") as journal:
        for stem, path in tracked(frames, listener, "predict", len(frames)):
            try:
                digest = _hash_of(path)
                kept = done.get(stem) == digest
                if not kept:
                    _write(predictor, path, part, stem, extras)
                    journal.write(json.dumps({"stem": stem, "sha256": digest}, ensure_ascii=False) + "\n")
                    journal.flush()
            except DataError as error:
                problems += error.problems
                continue
            resumed += kept
            rows.append({"stem": stem, "source": path.as_posix(), "sha256": digest})
    _finish(part, out, {**header, "frames": rows, "refused": [problem_row(problem) for problem in problems]})
    return Predicted(out, len(rows), resumed, tuple(problems))


def _write(predictor: Predictor, path: Path, part: Path, stem: str, extras: Extras) -> None:
    image = read_image(path)
    try:
        prediction = predictor.predict(image, confidence=extras.confidence, probabilities=extras.probabilities)
    except DataError as error:  # the frame does not suit the model; say which frame
        raise DataError(
            *(Problem(str(path), row.rule, row.allowed, row.found, row.fix) for row in error.problems)
        ) from error
    for name, write in _files(prediction):
        target = part / f"{name.format(stem=stem)}"
        target.parent.mkdir(parents=True, exist_ok=True)
        write(target)


def _files(prediction: SemanticPrediction) -> Iterator[tuple[str, Any]]:
    """(path pattern, what writes it) of each file of a frame; the mask last, so that a mask means the rest is there."""
    if prediction.confidence is not None:
        scaled = np.rint(np.clip(prediction.confidence, 0, 1) * 65535).astype(np.uint16)
        yield "confidence/{stem}.png", lambda target: write_image(target, Image(adopt(scaled[..., None]), GREY))
    if prediction.probabilities is not None:
        values = prediction.probabilities.values.astype(np.float16)
        yield "probabilities/{stem}.npy", lambda target: np.save(target, values, allow_pickle=False)
    yield "masks/{stem}.png", lambda target: write_label_map(target, prediction.label_map)


def _journalled(part: Path, header: Mapping[str, Any]) -> dict[str, str]:
    """stem -> hash of the frames a broken run finished; starts `part` anew where that run was another one."""
    journal = part / JOURNAL
    wanted = json.dumps(header, ensure_ascii=False, sort_keys=True)
    try:
        lines = journal.read_text(encoding="utf-8").splitlines() if journal.is_file() else []
        if not lines or lines[0] != wanted:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            journal.write_text(wanted + "\n", encoding="utf-8")
            return {}
    except OSError as error:
        raise _unwritable(part, error) from error
    rows = [json.loads(line) for line in lines[1:] if line.endswith("}")]  # a kill may have cut the last line
    return {row["stem"]: row["sha256"] for row in rows}


def _finish(part: Path, out: Path, content: Mapping[str, Any]) -> None:
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "kind": "predictions",
        "task": "semantic",
        "segwright": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **content,
    }
    try:
        (part / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        (part / JOURNAL).unlink()
        part.replace(out)
    except OSError as error:
        raise _unwritable(out, error) from error


def _require_free(out: Path, stems: Sequence[str]) -> None:
    if out.exists():
        raise ArtefactError.of(
            str(out),
            "exists, and predictions are never edited",
            allowed="a new folder",
            fix="choose another --out, or delete the old folder",
        )
    twice = sorted({stem for stem in stems if stems.count(stem) > 1}) if len(set(stems)) < len(stems) else []
    if twice:
        fix = "predict them into two folders, or rename the files"
        raise DataError(*(Problem(stem, "is the name of two frames", "one frame a name", fix=fix) for stem in twice))


def _hash_of(path: Path) -> str:
    try:
        return file_hash(path)
    except OSError as error:
        found = error.strerror or str(error)
        raise DataError.of(str(path), "cannot be opened", allowed="a readable image file", found=found) from error


def _unwritable(path: Path, error: OSError) -> ArtefactError:
    problem = Problem(str(path), "cannot be written", found=error.strerror or str(error), fix="choose another --out")
    return ArtefactError(problem)


def problem_row(problem: Problem) -> dict[str, str]:
    """The four parts of a problem and its place, by name."""
    return {name: getattr(problem, name) for name in ("place", "rule", "allowed", "found", "fix")}
