"""Predictions as a folder, by task, and a manifest; written frame by frame and finished by one rename.

DIR/
  manifest.json            classes, what predicted, every frame with its hash, every frame that was refused
  masks/STEM.png           class ids, the table's void id where void
  instances.json           of an instance model instead: COCO results, image ids are stems
  panoptic/STEM.png        of a panoptic model instead: segment ids (id = R + 256 G + 65536 B), 0 where void
  panoptic.json            and what each segment is, in the layout of COCO panoptic
  confidence/STEM.png      on request: the largest probability, 0..65535 for 0..1
  probabilities/STEM.npy   on request: float16 (channels, height, width)
  overlays/STEM.jpg        on request: the frame with what was found drawn over it
  yolo/                    on request: labels/STEM.txt, one line an object, and data.yaml
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from segwright._version import __version__
from segwright.core import ArtefactError, ClassSpec, ClassTable, DataError, Listener, Problem, silent, tracked
from segwright.data.codecs import read_image
from segwright.infer.bundle import file_hash
from segwright.infer.frame_files import OBJECTS, SEGMENTS, Extras, File, Prediction, files_of
from segwright.infer.objects import ObjectPredictor, PanopticPredictor
from segwright.infer.objects.results import categories
from segwright.infer.objects.yolo_text import write_yolo_names
from segwright.infer.predictor import Predictor

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
JOURNAL = "journal.jsonl"
KIND = "predictions"
INSTANCES, PANOPTIC = "instances.json", "panoptic.json"

AnyPredictor = Predictor | ObjectPredictor | PanopticPredictor


@dataclass(frozen=True)
class Predicted:
    """A finished folder: frames done, how many of them were kept from a broken run, what was refused.

    `objects` are those found, by class, 0 where there is none; empty where the task has none.
    """

    folder: Path
    frames: int
    resumed: int
    problems: tuple[Problem, ...]
    objects: Mapping[str, int] = field(default_factory=dict)


def predict_folder(
    frames: Sequence[tuple[str, Path]],
    predictor: AnyPredictor,
    out: Path,
    model: Mapping[str, Any],
    *,
    extras: Extras = Extras(),
    beside: Callable[[Path, Sequence[str]], None] | None = None,
    listener: Listener = silent,
) -> Predicted:
    """Predict (stem, file) `frames` into the new folder `out`. `model` says what predicts: a bundle's name and hash.

    Work lies in `out` with a name ending in `.part` until it is whole; called again after an interruption with the
    same model, it keeps the frames that are done and whose files have not changed. A frame that cannot be read is
    left out, listed in the manifest and returned as a problem. `beside` writes more into the folder before it gets its
    name: it is called with the folder and the stems of its frames.

    Raises:
        ArtefactError: `out` exists, something else lies where the work would, or a file cannot be written.
        ConfigError: extras that models of this task do not give.
        DataError: two frames have one stem; all of them at once.
    """
    extras.check(task := _task_of(predictor))
    _require_free(out, [stem for stem, _ in frames])
    part = out.with_name(f"{out.name}.part")
    header = {"model": dict(model), "classes": predictor.classes.to_json(), "extras": vars(extras)}
    rows, problems, resumed = _each_frame(frames, predictor, part, _journalled(part, header), extras, listener)
    stems = [row["stem"] for row in rows]
    found = _join(part, task, stems, predictor.classes)
    if extras.yolo:
        _name_classes(part, predictor.classes)
    (beside or _nothing)(part, stems)
    refused = [problem_row(problem) for problem in problems]
    _finish(part, out, {"task": task, **header, "frames": rows, "refused": refused})
    counts = {spec.name: found[spec.class_id] for spec in kinds_of_objects(predictor)}
    return Predicted(out, len(rows), resumed, tuple(problems), counts)


def kinds_of_objects(predictor: AnyPredictor) -> tuple[ClassSpec, ...]:
    """The classes whose objects are told apart; none of a model that names pixels."""
    if isinstance(predictor, PanopticPredictor):
        return tuple(spec for spec in predictor.classes if spec.kind == "thing")
    return predictor.classes.foreground if isinstance(predictor, ObjectPredictor) else ()


def _each_frame(
    frames: Sequence[tuple[str, Path]],
    predictor: AnyPredictor,
    part: Path,
    done: Mapping[str, str],
    extras: Extras,
    listener: Listener,
) -> tuple[list[dict[str, str]], list[Problem], int]:
    """The manifest's rows of frames that have their files in `part`, what was refused, and how many were kept."""
    rows: list[dict[str, str]] = []
    problems: list[Problem] = []
    resumed = 0
    for stem, path in tracked(frames, listener, "predict", len(frames)):
        try:
            digest = _hash_of(path)
            if done.get(stem) == digest:
                resumed += 1
            else:
                _write(files_of(_predict(predictor, path, extras), extras), part, stem)
                _note_done(part / JOURNAL, stem, digest)
        except DataError as error:
            problems += error.problems
            continue
        rows.append({"stem": stem, "source": path.as_posix(), "sha256": digest})
    return rows, problems, resumed


def _nothing(_: Path, __: Sequence[str]) -> None:
    """Write nothing beside the predictions."""


def _task_of(predictor: AnyPredictor) -> str:
    if isinstance(predictor, PanopticPredictor):
        return "panoptic"
    return "instance" if isinstance(predictor, ObjectPredictor) else "semantic"


def _predict(predictor: AnyPredictor, path: Path, extras: Extras) -> Prediction:
    image = read_image(path)
    try:
        if isinstance(predictor, ObjectPredictor | PanopticPredictor):
            return predictor.predict(image)
        return predictor.predict(image, confidence=extras.confidence, probabilities=extras.probabilities)
    except DataError as error:  # the frame does not suit the model; say which frame
        raise DataError(
            *(Problem(str(path), row.rule, row.allowed, row.found, row.fix) for row in error.problems)
        ) from error


def _write(files: Iterator[File], part: Path, stem: str) -> None:
    """Write a frame's files. A full disk ends the run: it is no fault of the frame, and the next one would fail too."""
    for name, write in files:
        target = part / name.format(stem=stem)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            write(target)
        except OSError as error:
            raise _unwritable(target, error) from error
        except DataError as error:  # how the codecs say that a file cannot be written
            raise ArtefactError(*error.problems) from error


def _note_done(journal: Path, stem: str, digest: str) -> None:
    try:
        with journal.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"stem": stem, "sha256": digest}, ensure_ascii=False) + "\n")
    except OSError as error:
        raise _unwritable(journal, error) from error


def _journalled(part: Path, header: Mapping[str, Any]) -> dict[str, str]:
    """stem -> hash of the frames a broken run finished; starts `part` anew where that run was another one."""
    journal = part / JOURNAL
    wanted = json.dumps(header, ensure_ascii=False, sort_keys=True)
    _require_own(part)
    try:
        lines = journal.read_text(encoding="utf-8").splitlines() if journal.is_file() else []
        if not lines or lines[0] != wanted:
            if part.is_dir():
                shutil.rmtree(part)
            part.mkdir(parents=True)
            journal.write_text(wanted + "\n", encoding="utf-8")
            return {}
    except OSError as error:
        raise _unwritable(part, error) from error
    rows = [_parsed(line) for line in lines[1:]]
    return {row["stem"]: row["sha256"] for row in rows if row.keys() == {"stem", "sha256"}}


def _require_own(part: Path) -> None:
    """Raise ArtefactError where something lies at `part` that no interrupted prediction left: it is about to go."""
    try:
        if not os.path.lexists(part) or (part.is_dir() and not part.is_symlink() and _is_own(part)):
            return
        found = "a file" if not part.is_dir() else ", ".join(sorted(path.name for path in part.iterdir())[:5])
    except OSError as error:
        found = error.strerror or str(error)
    raise ArtefactError.of(
        str(part),
        "is in the way, and no interrupted prediction of segwright left it",
        allowed=f"nothing, or a folder with the {JOURNAL} of `segwright predict`",
        found=found,
        fix="move it away, or choose another --out",
    )


def _is_own(part: Path) -> bool:
    """Whether predict wrote the folder: it says so in its journal or, where only the last rename failed, manifest."""
    names = {path.name for path in part.iterdir()}
    if JOURNAL in names:
        with (part / JOURNAL).open(encoding="utf-8", errors="replace") as file:
            first = file.readline()
        return _parsed(first).keys() == {"model", "classes", "extras"} or (not first and names == {JOURNAL})
    if MANIFEST in names:
        return _parsed((part / MANIFEST).read_text(encoding="utf-8", errors="replace")).get("kind") == KIND
    return not names


def _parsed(text: str) -> dict[str, Any]:
    """The JSON object in `text`, empty where there is none: a kill or a full disk may have cut it."""
    try:
        row = json.loads(text)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}


def _join(part: Path, task: str, stems: Sequence[str], classes: ClassTable) -> Counter[int]:
    """What the task keeps in one file for all frames; how many objects or segments there are of each class id."""
    if task == "instance":
        return _join_objects(part, stems)
    return _join_segments(part, stems, classes) if task == "panoptic" else Counter()


def _join_objects(part: Path, stems: Sequence[str]) -> Counter[int]:
    """The frames' objects as one COCO results file, their own files go; how many there are of each class id."""
    found: Counter[int] = Counter()
    try:
        with (part / INSTANCES).open("w", encoding="utf-8") as file:
            file.write("[")
            separator = "\n"
            for stem in stems:
                for row in json.loads((part / OBJECTS / f"{stem}.json").read_text(encoding="utf-8")):
                    file.write(separator + json.dumps({"image_id": stem, **row}, ensure_ascii=False))
                    separator = ",\n"
                    found[row["category_id"]] += 1
            file.write("\n]\n")
        shutil.rmtree(part / OBJECTS, ignore_errors=True)
    except OSError as error:
        raise _unwritable(part / INSTANCES, error) from error
    return found


def _name_classes(part: Path, classes: ClassTable) -> None:
    """What the numbers in YOLO's text stand for."""
    target = part / "yolo" / "data.yaml"
    try:
        target.parent.mkdir(exist_ok=True)
        write_yolo_names(target, classes)
    except OSError as error:
        raise _unwritable(target, error) from error


def _join_segments(part: Path, stems: Sequence[str], classes: ClassTable) -> Counter[int]:
    """What the frames' segments are as one file in COCO panoptic's layout, image ids are stems; their own files go.

    How many there are of each class id.
    """
    found_ids: Counter[int] = Counter()
    rows = {"images": [], "annotations": []}
    try:
        for stem in stems:
            found = json.loads((part / SEGMENTS / f"{stem}.json").read_text(encoding="utf-8"))
            named = {"file_name": f"{stem}.png", **found["size"]}
            rows["images"].append({"id": stem, **named})
            named = {"image_id": stem, "file_name": f"{stem}.png"}
            found_ids.update(segment["category_id"] for segment in found["segments_info"])
            rows["annotations"].append({**named, "segments_info": found["segments_info"]})
        content = {**rows, "categories": categories(classes)}
        (part / PANOPTIC).write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")
        shutil.rmtree(part / SEGMENTS, ignore_errors=True)
    except OSError as error:
        raise _unwritable(part / PANOPTIC, error) from error
    return found_ids


def _finish(part: Path, out: Path, content: Mapping[str, Any]) -> None:
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "kind": KIND,
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
        raise DataError.of(
            str(path),
            "cannot be opened",
            allowed="a readable image file",
            found=found,
            fix="check that the file is there, readable and an image, then run the same command again",
        ) from error


def _unwritable(path: Path, error: OSError) -> ArtefactError:
    fix = "free space and predict again: the frames that are done are kept; or choose another --out"
    return ArtefactError(Problem(str(path), "cannot be written", found=error.strerror or str(error), fix=fix))


def problem_row(problem: Problem) -> dict[str, str]:
    """The four parts of a problem and its place, by name."""
    return {name: getattr(problem, name) for name in ("place", "rule", "allowed", "found", "fix")}
