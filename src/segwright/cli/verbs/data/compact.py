"""segwright data compact."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from segwright.cli.face import Face, JsonFlag


def compact(
    store: Annotated[str, typer.Argument(help="A dataset store.")],
    json: JsonFlag = False,
) -> None:
    """Merge the small files that many small versions leave; every version stays readable, byte for byte."""
    from segwright.cli.stores import store_at
    from segwright.core import ConfigError
    from segwright.data.store import compact as compacted

    with Face(as_json=json) as face:
        opened = store_at(store)
        if opened.place.version is not None:
            rule, fix = "names a version, and all of them lie in the same files", opened.place.uri
            raise ConfigError.of(store, rule, allowed="a store", found=f"@{opened.place.version}", fix=fix)
        found = compacted(opened, face.listener)
        text = f"{store}: {found.files_before:,} -> {found.files_after:,} files"
        if found.bytes_before is not None and found.bytes_after is not None:
            text += f", {found.bytes_before / 2**20:,.1f} -> {found.bytes_after / 2**20:,.1f} MiB"
        if found.unnamed:
            text += f"; {found.unnamed:,} images and labels are of no version, and stay: an import may need them"
        face.finish({"store": store, **asdict(found)}, text)
