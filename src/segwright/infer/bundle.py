"""The bundle: a folder with everything a frame needs to be read, and what it came from. Never unpickled, never edited.

NAME.bundle/
  bundle.json    this module's `Bundle`
  model.onnx     the network, softmax inside
  card.md        the same for people
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Literal, Protocol

from segwright._version import __version__
from segwright.core import ArtefactError, ClassTable, SegwrightError
from segwright.infer.card import model_card
from segwright.infer.cleanup import Cleanup
from segwright.infer.decide import Decision
from segwright.infer.objects.candidates import MaskFrame
from segwright.infer.objects.decision import ObjectDecision
from segwright.infer.objects.segment_decision import SegmentDecision
from segwright.infer.preprocess import Preprocessing
from segwright.infer.tiles import TilePlan

SCHEMA_VERSION = 1
MANIFEST, CARD = "bundle.json", "card.md"
DIGEST = "content_hash"  # the manifest's key for the hash of everything else in it


@dataclass(frozen=True)
class Weights:
    """The network's file: its name in the bundle, what runs it, its hash, and what it takes and gives.

    `mask_frame` is what the masks of an instance network's candidates cover; None where it gives probabilities.
    `answers` says what else than probabilities or candidates comes out: "regions", "queries".
    """

    file: str
    format: str
    sha256: str
    channels: int
    stride_px: int
    precision: str = "float32"
    opset: int | None = None
    mask_frame: MaskFrame | None = None
    answers: Literal["regions", "queries"] | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON values; what only tasks of objects have is left out elsewhere: older bundles keep their hash."""
        late = ("mask_frame", "answers")
        return {key: value for key, value in asdict(self).items() if value is not None or key not in late}


@dataclass(frozen=True)
class Lineage:
    """What made the bundle, by hash; `parent` is the bundle it was calibrated from. None where it is not known.

    `train_frames` are the hashes of the single images trained on, with spaces between (see `Dataset.image_hashes`).
    `dataset_version` is the store's name, version and commit, where the frames came from a dataset store.
    """

    run: str | None = None
    plan_hash: str | None = None
    dataset_hash: str | None = None
    split_hash: str | None = None
    seed: int | None = None
    parent: str | None = None
    train_frames: str | None = None
    dataset_version: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON values; the two youngest are left out where not known, so that older bundles keep their hash."""
        late = ("train_frames", "dataset_version")
        return {key: value for key, value in asdict(self).items() if value is not None or key not in late}


@dataclass(frozen=True)
class Bundle:
    """A bundle as it lies on disk at `path`.

    `objects` decides the candidates of an instance network, `segments` the answer of a panoptic one; both are None for
    other tasks, for which `decision` is.
    `scores`, `parity`, `training` and `calibration` are JSON as others wrote it. `alerts` holds the project file's
    `alerts:` block: the area rule and where the part's pixels come from. `cleanup_choice` is why the cleanup is what it
    is, where it was searched on held-out frames.
    """

    path: Path = field(compare=False)
    name: str
    classes: ClassTable
    preprocessing: Preprocessing
    tiles: TilePlan
    weights: Weights
    decision: Decision = field(default_factory=Decision)
    cleanup: Cleanup = field(default_factory=Cleanup)
    objects: ObjectDecision | None = None
    segments: SegmentDecision | None = None
    lineage: Lineage = field(default_factory=Lineage)
    alerts: Mapping[str, Any] | None = None
    scores: Mapping[str, Any] | None = None
    calibration: Mapping[str, Any] | None = None
    parity: Mapping[str, Any] | None = None
    training: Mapping[str, Any] | None = None
    cleanup_choice: Mapping[str, Any] | None = None
    task: str = "semantic"
    segwright: str = __version__
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @cached_property
    def content_hash(self) -> str:
        """sha256 of what the manifest says, the hash of the weights included: one changed threshold is another bundle.

        It stands in bundle.json, and `read_bundle` compares.
        """
        return _digest(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """The manifest as JSON values, without its digest; `path` is left out, the class table carries its hash."""
        return {
            "schema_version": SCHEMA_VERSION,
            "name": self.name,
            "task": self.task,
            "segwright": self.segwright,
            "created": self.created,
            "classes": {**self.classes.to_json(), "hash": self.classes.content_hash},
            "preprocessing": self.preprocessing.to_json(),
            "tiles": self.tiles.to_json(),
            "decision": self.decision.to_json(),
            "cleanup": self.cleanup.to_json(),
            **({} if self.objects is None else {"objects": self.objects.to_json()}),
            **({} if self.segments is None else {"segments": self.segments.to_json()}),
            "alerts": self.alerts,
            "weights": self.weights.to_json(),
            "lineage": self.lineage.to_json(),
            "training": self.training,
            "scores": self.scores,
            "calibration": self.calibration,
            "parity": self.parity,
            **({} if self.cleanup_choice is None else {"cleanup_choice": self.cleanup_choice}),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any], path: Path) -> Bundle:
        """The bundle at `path` whose manifest says `data`; no file is looked at.

        Raises:
            KeyError, TypeError, ValueError: a section is missing or has another form.
            SegwrightError: a value is outside its range.
        """
        return Bundle(
            path=path,
            classes=ClassTable.from_json(data["classes"]),
            preprocessing=Preprocessing.from_json(data["preprocessing"]),
            tiles=TilePlan.from_json(data["tiles"]),
            weights=Weights(**data["weights"]),
            decision=Decision.from_json(data["decision"]),
            cleanup=Cleanup.from_json(data["cleanup"]),
            objects=None if data.get("objects") is None else ObjectDecision.from_json(data["objects"]),
            segments=None if data.get("segments") is None else SegmentDecision.from_json(data["segments"]),
            lineage=Lineage(**data["lineage"]),
            **{key: data[key] for key in ("name", "task", "segwright", "created")},
            **{key: data[key] for key in ("alerts", "scores", "calibration", "parity", "training")},
            cleanup_choice=data.get("cleanup_choice"),
        )


class Calibrated(Protocol):
    """What `with_thresholds` needs of a calibration: the decision it chose and its account of it."""

    @property
    def decision(self) -> Decision:
        """The thresholds chosen, or none where the largest probability decides."""
        ...

    def to_json(self) -> dict[str, Any]:
        """What was tried and how it scored, as JSON values: the bundle's `calibration`."""
        ...


def read_bundle(path: str | Path) -> Bundle:
    """The bundle in the folder `path`, its manifest and its weights checked against their hashes.

    Raises:
        ArtefactError: no bundle, one of another schema version, or one that is damaged or incomplete.
    """
    folder = Path(path)
    bundle = _read_manifest(folder)
    if bundle.weights.file != Path(bundle.weights.file).name:
        raise _damaged(folder, "names weights outside its folder", "a plain file name", bundle.weights.file)
    weights = folder / bundle.weights.file
    if not weights.is_file():
        raise _damaged(folder, "has lost its weights", bundle.weights.file, "no such file")
    found = file_hash(weights)
    if found != bundle.weights.sha256:
        raise _damaged(weights, "are not the weights the bundle was made with", bundle.weights.sha256, found)
    return bundle


def write_bundle(bundle: Bundle, weights: Path, to: Path) -> Bundle:
    """Write `bundle`, a copy of its `weights` file and its card to the new folder `to`; returns it as it lies there.

    Raises:
        ArtefactError: `to` exists (a bundle is never edited), or cannot be written.
    """
    require_new(to)
    written = replace(bundle, path=to)
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        part = Path(mkdtemp(prefix=f".{to.name}.", dir=to.parent))
        try:
            shutil.copyfile(weights, part / bundle.weights.file)
            (part / MANIFEST).write_text(_as_text(written), encoding="utf-8")
            (part / CARD).write_text(model_card(written.to_json()), encoding="utf-8")
            part.chmod(0o755)  # mkdtemp's folders are the owner's alone
            part.replace(to)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise ArtefactError.of(
            str(to), "cannot be written", found=error.strerror or str(error), fix="free space, or choose another folder"
        ) from error
    return written


def with_thresholds(
    source: Bundle,
    calibration: Calibrated,
    to: str | Path,
    *,
    on: Mapping[str, Any] | None = None,
) -> Bundle:
    """A new bundle at `to`: the weights of `source`, the thresholds of `calibration`. `source` is not touched.

    `on` says what was calibrated on (dataset hash, part). The parity proof is kept as it was made: with the decision
    of `source`, which it states.

    Raises:
        ArtefactError: `to` exists or cannot be written, or the folder of `source` no longer holds what was calibrated.
        ConfigError: a threshold for a class that `source` does not know.
    """
    calibration.decision.check(source.classes)
    return _renewed(replace(source, decision=calibration.decision), source, calibration.to_json(), Path(to), on)


def with_object_thresholds(
    source: Bundle,
    decision: ObjectDecision | SegmentDecision,
    calibration: Mapping[str, Any],
    to: str | Path,
    *,
    on: Mapping[str, Any] | None = None,
) -> Bundle:
    """As `with_thresholds`, of a bundle that finds objects or gives every pixel one segment.

    `decision` is what decides from now on, `calibration` says how it was chosen.
    """
    decision.check(source.classes)
    of_objects = isinstance(decision, ObjectDecision)
    changed = replace(source, objects=decision) if of_objects else replace(source, segments=decision)
    return _renewed(changed, source, calibration, Path(to), on)


def _renewed(
    changed: Bundle, source: Bundle, calibration: Mapping[str, Any], target: Path, on: Mapping[str, Any] | None
) -> Bundle:
    require_new(target)
    _require_unchanged(source)
    renewed = replace(
        changed,
        path=target,
        name=target.name.removesuffix(".bundle"),
        calibration={**calibration, **({"on": dict(on)} if on else {})},
        lineage=replace(source.lineage, parent=source.content_hash),
        segwright=__version__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return write_bundle(renewed, source.path / source.weights.file, target)


def _require_unchanged(bundle: Bundle) -> None:
    """Raise ArtefactError where the folder has changed since `bundle` was read: a calibration takes minutes."""
    found = read_bundle(bundle.path).content_hash
    if found != bundle.content_hash:
        rule = "is no longer the bundle that was calibrated"
        raise ArtefactError.of(
            str(bundle.path), rule, allowed=bundle.content_hash, found=found, fix="segwright calibrate again"
        )


def require_new(path: Path) -> None:
    """Raise ArtefactError where something lies at `path`: an artefact, once written, is never edited."""
    if os.path.lexists(path):
        raise ArtefactError.of(
            str(path),
            "exists, and a bundle is never edited",
            allowed="a new name",
            fix="choose another name for the new one",
        )


def file_hash(path: Path) -> str:
    """The sha256 of a file, hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _read_manifest(folder: Path) -> Bundle:
    path = folder / MANIFEST
    if not path.is_file():
        found = "no bundle.json in it" if folder.is_dir() else "a file" if folder.exists() else "nothing there"
        raise ArtefactError.of(
            str(folder),
            "is not a bundle",
            allowed="a folder with bundle.json",
            found=found,
            fix="make one: segwright export RUN --to onnx",
        )
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        version = data["schema_version"]
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path, "is not a bundle's manifest", "the JSON that segwright wrote", str(error)) from error
    if version != SCHEMA_VERSION:
        written_by = data.get("segwright", "another version")
        raise ArtefactError.of(
            str(folder),
            "has another schema version",
            allowed=str(SCHEMA_VERSION),
            found=f"{version}, written by segwright {written_by}",
            fix="export the run again with this version, or install the one that wrote it",
        )
    _require_untouched(path, data)
    try:
        return Bundle.from_json(data, folder)
    except (KeyError, TypeError, ValueError, SegwrightError) as error:
        found = f"{type(error).__name__}: {error}".replace("\n", " ")
        raise _damaged(path, "is not a bundle's manifest", "every section segwright writes", found) from error


def _require_untouched(path: Path, data: Mapping[str, Any]) -> None:
    """Raise ArtefactError where the manifest does not hash to what was written into it: an edit, or a damaged copy."""
    written = data.get(DIGEST)
    content = _digest({key: value for key, value in data.items() if key != DIGEST})
    if written == content:
        return
    raise ArtefactError.of(
        str(path),
        "is not as it was written",
        allowed=f"content that hashes to its {DIGEST}: {written or 'none is in it'}",
        found=content,
        fix="copy the bundle again from where it was made, or export the run again; "
        "other thresholds: segwright calibrate writes a new bundle",
    )


def _damaged(place: Path, rule: str, allowed: str, found: str) -> SegwrightError:
    fix = "copy the bundle again from where it was made, or export the run again"
    return ArtefactError.of(str(place), rule, allowed=allowed, found=found, fix=fix)


def _as_text(bundle: Bundle) -> str:
    return json.dumps({**bundle.to_json(), DIGEST: bundle.content_hash}, ensure_ascii=False, indent=1) + "\n"


def _digest(content: Mapping[str, Any]) -> str:
    """sha256 of JSON content, whatever its spacing and the order of its keys."""
    plain = json.loads(json.dumps(content))  # as it reads back: keys as text, tuples as lists
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
