"""segwright data show."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from segwright.cli.face import Face, JsonFlag


def show(
    store: Annotated[str, typer.Argument(help="STORE or STORE@VERSION, a number or a tag.")],
    frame: Annotated[str, typer.Option(help="One frame: its hashes, columns, and the versions that touched it.")] = "",
    frames: Annotated[bool, typer.Option("--frames", help="Every frame, a line each.")] = False,
    json: JsonFlag = False,
) -> None:
    """Say what a version holds: classes, frames, columns, and who made it."""
    from segwright.cli.stores import store_at, version_row, what_changed

    with Face(as_json=json) as face:
        opened = store_at(store)
        log = opened.log()
        number = log.number_of(opened.place.version, store)
        versions = log.versions()
        state = log.state(number)
        row = version_row(versions[number - 1])
        payload: dict[str, Any] = {"store": opened.place.uri, **row, "frames": len(state.frames)}
        lines = [
            f"{opened.place.uri}@{number} {' '.join(row['tags'])}".rstrip(),
            f"by {row['who']} on {row['when']}: {row['why'] or 'no message'} ({what_changed(row)})",
        ]
        if state.classes is not None:
            payload["classes"] = state.classes.to_json()
            lines.append(f"classes: {state.classes.describe()}")
        labelled = sum(one.labels is not None for one in state.frames.values())
        lines.append(f"frames: {len(state.frames):,}, labelled {labelled:,}")
        columns = sorted({name for one in state.frames.values() for name, _ in one.columns})
        payload["columns"] = columns
        lines.append(f"columns: {', '.join(columns) or 'none'}")
        if frame:
            lines += _frame(frame, state.frames, versions, payload, store)
        if frames:
            payload["stems"] = sorted(state.frames)
            lines += sorted(state.frames)
        face.finish(payload, "\n".join(lines))


def _frame(stem: str, frames: Any, versions: Any, payload: dict[str, Any], store: str) -> list[str]:
    """What is known of one frame, as lines; also put into `payload`."""
    from segwright.core import DataError

    row = frames.get(stem)
    if row is None:
        shown, fix = ", ".join(sorted(frames)[:5]), f"segwright data show {store} --frames"
        raise DataError.of(f"frame '{stem}'", "is not in this version", allowed=shown, fix=fix)
    touched = [version.number for version in versions if stem in {*version.added, *version.changed, *version.removed}]
    facts = {
        "image": row.image, "media": row.media, "size": f"{row.width}x{row.height}", "labels": row.labels,
        "labels_kind": row.labels_kind, "columns": dict(row.columns), "versions": touched,
    }  # fmt: skip
    payload["frame"] = {"stem": stem, **facts}
    return [f"{stem}:", *(f"  {name}: {value}" for name, value in facts.items())]
