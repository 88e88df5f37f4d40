"""segwright data log."""

from __future__ import annotations

from typing import Annotated

import typer

from segwright.cli.face import Face, JsonFlag


def log(
    store: Annotated[str, typer.Argument(help="A dataset store: a folder, or an address such as s3://bucket/frames.")],
    frame: Annotated[str, typer.Option(help="Only versions that touched this frame.")] = "",
    last: Annotated[int, typer.Option(min=1, help="How many versions to show, newest first.")] = 50,
    json: JsonFlag = False,
) -> None:
    """Say who changed what, when, why and with which tool, newest version first."""
    from rich.table import Table

    from segwright.cli.stores import store_at, version_row, what_changed

    with Face(as_json=json) as face:
        versions = store_at(store).log().versions()
        touched = [
            version
            for version in versions
            if not frame or frame in {*version.added, *version.changed, *version.removed, *version.set_aside}
        ]
        rows = [version_row(version) for version in reversed(touched)]
        table = Table(title=f"{store}: {len(rows)} versions" + (f" of {frame}" if frame else ""))
        for heading in ("version", "when", "who", "frames", "why", "from"):
            table.add_column(heading)
        for row in rows[:last]:
            name = " ".join([str(row["version"]), *row["tags"]])
            origin = " ".join(text for text in (row["source"], row["model"]) if text) or row["tool"]
            table.add_row(name, row["when"][:16].replace("T", " "), row["who"], what_changed(row), row["why"], origin)
        face.say(table)
        if len(rows) > last:
            face.say(f"and {len(rows) - last} older versions (--last {len(rows)})")
        face.finish({"store": store, "versions": rows[:last], "total": len(rows)})
