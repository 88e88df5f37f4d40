"""segwright watch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segwright.cli.face import Face, JsonFlag

if TYPE_CHECKING:
    from segwright.infer.bundle import Bundle
    from segwright.line import WatchSummary


def watch(
    bundle: Annotated[Path, typer.Argument(help="The bundle that inspects.")],
    source: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of frames.")],
    out: Annotated[Path, typer.Option(help="The folder for overlays.")] = Path("inspection"),
    records: Annotated[str, typer.Option(help="Database for verdicts, as an SQLAlchemy URL.")] = "sqlite:///records.db",
    follow: Annotated[bool, typer.Option("--follow/--once", help="Wait for more frames, or stop after these.")] = False,
    part: Annotated[
        str | None, typer.Option(help="Where the part is: frame, background, or class names with commas.")
    ] = None,
    limit: Annotated[float | None, typer.Option(help="Alert above this percentage of the part.")] = None,
    fail_on_alert: Annotated[
        bool, typer.Option("--fail-on-alert", help="Exit with 1 where a frame was rejected.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Inspect a folder of frames: verdicts, overlays, records. Frames with a record are not inspected again."""
    from segwright.infer import read_bundle
    from segwright.infer.loading import semantic_predictor
    from segwright.line import FolderSource, Records, inspector_for, watch_all

    loaded = read_bundle(bundle)
    inspector = inspector_for(semantic_predictor(loaded), _alerts(loaded, part, limit))
    frames = FolderSource(source, follow)
    with Face(as_json=json) as face, Records(records) as database:
        summary = watch_all(frames, inspector, database, out, bundle_hash=loaded.content_hash, listener=face.listener)
        payload = {**summary.to_json(), "records": records, "out": str(out)}
        face.finish(payload, _answer(summary, records, out))
    if fail_on_alert and summary.rejected:
        raise typer.Exit(1)


def _alerts(bundle: Bundle, part: str | None, limit: float | None) -> dict[str, Any]:
    """The bundle's alert settings with what the command line says instead."""
    alerts = dict(bundle.alerts or {})
    if part is not None:
        alerts["part"] = part if part in ("frame", "background") else [name.strip() for name in part.split(",")]
    if limit is not None:
        alerts["area_percent"] = limit
    return alerts


def _answer(summary: WatchSummary, records: str, out: Path) -> str:
    verdicts = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in sorted(summary.verdicts.items()))
    speed = "" if summary.frames_per_second is None else f" at {summary.frames_per_second:.1f} frames/s"
    skipped = f"; {summary.skipped} were recorded before" if summary.skipped else ""
    return (
        f"{summary.inspected} frames inspected{speed}: {verdicts or 'nothing new'}{skipped}\n"
        f"records in {records}, overlays in {out}"
    )
