"""A source of frames inspected one by one: an overlay and a record each, and on with the next."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from segwright.core import DataError, Image, Listener, Note, Progress, adopt, silent
from segwright.data.codecs import read_image, write_image
from segwright.infer.bundle import file_hash
from segwright.line.inspect import Inspection, Inspector
from segwright.line.records import REFUSED, Record, RecordKey, Records
from segwright.line.sources import FolderSource, SourceFrame

OVERLAYS = "overlays"


@dataclass(frozen=True)
class Seen:
    """One frame the watch dealt with: newly inspected or refused (`record`), or recorded before (`record` None)."""

    name: str
    record: Record | None
    seconds: float


@dataclass(frozen=True)
class WatchSummary:
    """What a watch did. `verdicts` counts kinds over the frames inspected now; `skipped` were recorded before."""

    verdicts: Mapping[str, int] = field(default_factory=dict)
    skipped: int = 0
    seconds: float = 0.0

    @property
    def inspected(self) -> int:
        return sum(self.verdicts.values())

    @property
    def rejected(self) -> int:
        """Frames that need a person: alerts, no part found, refused."""
        return self.inspected - self.verdicts.get("ok", 0)

    @property
    def frames_per_second(self) -> float | None:
        """Over reading, network, part, overlay and record; None where nothing was inspected."""
        return self.inspected / self.seconds if self.inspected and self.seconds else None

    def to_json(self) -> dict[str, object]:
        return {
            "inspected": self.inspected,
            "skipped": self.skipped,
            "verdicts": dict(self.verdicts),
            "frames_per_second": self.frames_per_second,
        }


def watch(
    source: FolderSource, inspector: Inspector, records: Records, out: Path, *, bundle_hash: str
) -> Iterator[Seen]:
    """Inspect every frame of `source` that `records` does not hold yet; yields each once its record is written.

    The overlay goes to `out`/overlays first and the record after it, in one transaction: whatever has a record has
    its overlay, and a watch that was killed goes on where it stopped. A frame that cannot be read is recorded as
    refused, with the problem's text, and the watch goes on. Errors that are not the frame's (a full disk, a lost
    database) end it.
    """
    for frame in source:
        started = time.perf_counter()
        key, unreadable = _key(frame, inspector, bundle_hash)
        if records.has(key):
            yield Seen(frame.name, None, time.perf_counter() - started)
            continue
        record = _refused(key, unreadable, source) if unreadable else _inspected(frame, key, inspector, out, source)
        records.add(record)
        yield Seen(frame.name, record, time.perf_counter() - started)


def watch_all(
    source: FolderSource,
    inspector: Inspector,
    records: Records,
    out: Path,
    *,
    bundle_hash: str,
    listener: Listener = silent,
) -> WatchSummary:
    """`watch` to the end of the source, or to an interrupt in one that is followed; what happened, counted."""
    verdicts: Counter[str] = Counter()
    skipped, seconds, total = 0, 0.0, source.count()
    try:
        for seen in watch(source, inspector, records, out, bundle_hash=bundle_hash):
            skipped += seen.record is None
            if seen.record is not None:
                verdicts[seen.record.verdict] += 1
                seconds += seen.seconds
                _tell(seen.record, listener)
            done = skipped + verdicts.total()
            detail = f"{verdicts.total() / seconds:.1f} frames/s" if seconds else ""
            listener(Progress("watch", done, max(total or 0, done), detail=detail))
    except KeyboardInterrupt:
        if not source.follow:
            raise
    return WatchSummary(dict(verdicts), skipped, seconds)


def overlay_name(frame_name: str) -> str:
    """Where a frame's overlay goes, relative to the output folder: always a JPEG, one name a frame."""
    return f"{OVERLAYS}/{frame_name if frame_name.endswith('.jpg') else frame_name + '.jpg'}"


def _key(frame: SourceFrame, inspector: Inspector, bundle_hash: str) -> tuple[RecordKey, str]:
    """The inspection's key and, where the file cannot be opened at all, why."""
    try:
        return RecordKey(frame.name, file_hash(frame.path), bundle_hash, inspector.rule_hash), ""
    except OSError as error:
        why = f"{frame.path}: cannot be opened\n  found:   {error.strerror or error}"
        return RecordKey(frame.name, "", bundle_hash, inspector.rule_hash), why


def _inspected(frame: SourceFrame, key: RecordKey, inspector: Inspector, out: Path, source: FolderSource) -> Record:
    started = time.perf_counter()
    try:
        inspection = inspector.inspect(read_image(frame.path))
    except DataError as error:
        return _refused(key, str(error), source)
    overlay = overlay_name(frame.name)
    write_image(out / overlay, Image(adopt(inspection.plot())))
    return _record(key, inspection, overlay, time.perf_counter() - started, source)


def _record(key: RecordKey, inspection: Inspection, overlay: str, seconds: float, source: FolderSource) -> Record:
    verdict = inspection.verdict
    return Record(
        key,
        verdict.kind,
        verdict.reasons,
        verdict.total_percent,
        verdict.part_px,
        {name: (area, verdict.percent.get(name)) for name, area in verdict.area_px.items()},
        overlay,
        seconds,
        str(source.folder),
    )


def _refused(key: RecordKey, problem: str, source: FolderSource) -> Record:
    return Record(key, REFUSED, (problem,), source=str(source.folder))


def _tell(record: Record, listener: Listener) -> None:
    if record.verdict != "ok":
        text = f"{record.key.name}: {record.verdict.replace('_', ' ')}: {'; '.join(record.reasons)}"
        listener(Note("watch", text, "warning"))
