"""segwright data checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segwright.cli.face import Face, JsonFlag


def checkout(
    store: Annotated[str, typer.Argument(help="STORE or STORE@VERSION, a number or a tag.")],
    out: Annotated[Path, typer.Option(help="The new folder.")],
    format: Annotated[str, typer.Option(help="The format to write, such as index_png.")] = "index_png",  # noqa: A002
    json: JsonFlag = False,
) -> None:
    """Write a version as a plain folder to work in; `segwright import` of it then knows what others changed."""
    from segwright.cli.stores import store_at
    from segwright.data.store.checkout import checkout as written_out

    with Face(as_json=json) as face:
        origin, written = written_out(store_at(store), out, format=format, listener=face.listener)
        for loss in written.losses:
            face.say(f"lost: {loss}")
        payload = {"store": origin.store, "version": origin.version, "out": str(out), "losses": list(written.losses)}
        next_step = f"next: segwright import {out} --to {origin.store} --message '...'"
        face.finish(payload, f"{written.frames} frames of version {origin.version} in {out}\n{next_step}")
