"""segwright data tag."""

from __future__ import annotations

from typing import Annotated

import typer

from segwright.cli.face import Face, JsonFlag


def tag(
    store: Annotated[str, typer.Argument(help="STORE or STORE@VERSION: the version that gets the name.")],
    name: Annotated[str, typer.Argument(help="The name, such as v1 or audited.")] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Take the name away.")] = False,
    json: JsonFlag = False,
) -> None:
    """Give a version a name, move a name, or list the names there are."""
    from segwright.cli.stores import store_at

    with Face(as_json=json) as face:
        opened = store_at(store)
        if not name:
            tags = dict(sorted(opened.log().tags.items()))
            text = "\n".join(f"{key}: version {number}" for key, number in tags.items()) or "no tags"
            face.finish({"tags": tags}, text)
        elif remove:
            opened.untag(name)
            face.finish({"removed": name}, f"{name} names no version any more")
        else:
            number = opened.tag(name, opened.place.version)
            face.finish({"tag": name, "version": number}, f"{name} is version {number} of {opened.place.uri}")
