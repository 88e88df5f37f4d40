"""segwright data relabel."""

from __future__ import annotations

from typing import Annotated

import typer

from segwright.cli.face import Face, JsonFlag


def relabel(
    store: Annotated[str, typer.Argument(help="A dataset store.")],
    map: Annotated[list[str], typer.Option(help="OLD=NEW: a class, void, or a new name. Repeatable.")],  # noqa: A002
    message: Annotated[str, typer.Option("--message", "-m", help="Why: what the log will say.")] = "",
    who: Annotated[str, typer.Option(help="Who; else SEGWRIGHT_USER, else the user of this machine.")] = "",
    json: JsonFlag = False,
) -> None:
    """Merge classes, rename one, or make one void, in a new version."""
    from segwright.cli.stores import renamings_of, store_at, version_row, what_changed
    from segwright.data.store import Author
    from segwright.data.store import relabel as relabelled

    with Face(as_json=json) as face:
        opened = store_at(store)
        renamings = renamings_of(map, "--map")
        why = message or "relabel " + ", ".join(f"{old}={new}" for old, new in renamings.items())
        version = relabelled(opened, renamings, Author(who, why), listener=face.listener)
        if version is None:
            face.finish({"version": None}, "nothing changed, no new version")
            return
        row = version_row(version)
        text = f"{opened.place.uri}@{version.number}: {what_changed(row)}; {version.header.classes.describe()}"
        face.finish({**row, "classes": version.header.classes.to_json()}, text)
