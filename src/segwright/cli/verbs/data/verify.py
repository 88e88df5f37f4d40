"""segwright data verify."""

from __future__ import annotations

from typing import Annotated

import typer

from segwright.cli.face import Face, JsonFlag


def verify(
    store: Annotated[str, typer.Argument(help="A dataset store.")],
    json: JsonFlag = False,
) -> None:
    """Hash every image, label and log row again; exit code 1 where a byte is not what was written."""
    from segwright.cli.stores import store_at
    from segwright.core import GateFailed
    from segwright.data.store import verify as verified

    with Face(as_json=json) as face:
        found = verified(store_at(store), face.listener)

        def gate() -> None:
            if found.problems:
                raise GateFailed(*found.problems)

        payload = {"store": store, "versions": found.versions, "blobs": found.blobs, "sound": not found.problems}
        said = "sound" if not found.problems else f"{len(found.problems)} problems"
        face.finish(
            payload, f"{store}: {found.versions} versions, {found.blobs:,} images and labels: {said}", gate=gate
        )
