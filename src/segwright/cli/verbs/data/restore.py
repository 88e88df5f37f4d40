"""segwright data restore."""

from __future__ import annotations

from typing import Annotated

import typer

from segwright.cli.face import Face, JsonFlag


def restore(
    store: Annotated[str, typer.Argument(help="STORE@VERSION: the version that shall be the newest again.")],
    message: Annotated[str, typer.Option("--message", "-m", help="Why: what the log will say.")] = "",
    who: Annotated[str, typer.Option(help="Who; else SEGWRIGHT_USER, else the user of this machine.")] = "",
    json: JsonFlag = False,
) -> None:
    """Make a new version that equals an old one; nothing of the history is lost."""
    from segwright.cli.stores import store_at, version_row, what_changed
    from segwright.core import ConfigError
    from segwright.data.store import Author
    from segwright.data.store import restore as restored

    with Face(as_json=json) as face:
        opened = store_at(store)
        wanted = opened.place.version
        if wanted is None:
            raise ConfigError.of(
                "segwright data restore", "needs a version", allowed="STORE@VERSION", found=store,
                fix=f"segwright data log {store}",
            )  # fmt: skip
        version = restored(opened, wanted, Author(who, message or f"restore version {wanted}"))
        if version is None:
            face.finish({"version": None}, f"{opened.place.uri} equals version {wanted} already")
            return
        row = version_row(version)
        face.finish(row, f"{opened.place.uri}@{version.number}: as version {wanted} ({what_changed(row)})")
