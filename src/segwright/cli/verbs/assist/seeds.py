"""segwright assist seeds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segwright.cli.face import Face, JsonFlag

if TYPE_CHECKING:
    from segwright.assist import SeedReport


def seeds(
    data: Annotated[str, typer.Argument(help="Labelled frames: a folder, STORE@VERSION, or a segwright.yaml.")],
    out: Annotated[Path, typer.Option(help="The new folder: COCO instances.")],
    split_depth: Annotated[float, typer.Option(help="A lobe that stands out by this many px is an object.")] = 1.0,
    things: Annotated[str | None, typer.Option(help="The classes that are objects, with commas.")] = None,
    report: Annotated[Path | None, typer.Option(help="The page of what to look at.  [default: OUT.html]")] = None,
    most: Annotated[int, typer.Option(help="Pictures on the page, the least clear regions first.")] = 60,
    json: JsonFlag = False,
) -> None:
    """Turn semantic masks into objects, tell apart what touches, and show which of them to look at."""
    from segwright.assist import seed_dataset
    from segwright.cli.datasets import dataset_at, listed
    from segwright.core import DataError
    from segwright.data import export_dataset
    from segwright.pages import write_seeds_page

    page = report or out.with_name(f"{out.name}.html")
    if out.exists():
        raise DataError.of(str(out), "exists already", allowed="a new folder", fix="name another --out, or move it")
    with Face(as_json=json) as face:
        dataset = dataset_at(Path(data))
        for note in dataset.notes:
            face.say(f"note: {note}")
        seeded, found = seed_dataset(dataset, things=listed(things), depth_px=split_depth, listener=face.listener)
        written = export_dataset(seeded, out, "coco_json", listener=face.listener)
        write_seeds_page(page, seeded, found, most=most, listener=face.listener)
        losses = [*_lost(found), *written.losses]
        for loss in losses:
            face.say(f"lost: {loss}")
        payload = {"out": str(out), "report": str(page), "losses": losses, **found.to_json()}
        face.finish(payload, _answer(found, out, page))


def _lost(found: SeedReport) -> list[str]:
    lost = []
    if found.unlabelled:
        lost.append(f"frames that nobody labelled: {found.unlabelled} are left out")
    if found.left_out_px:
        lost.append(f"classes that are no things become background: {found.left_out_px} pixels")
    return lost


def _answer(found: SeedReport, out: Path, page: Path) -> str:
    nearly = len(found.cases) - len(found.split)
    return (
        f"{found.objects} objects of {found.regions} regions in {found.frames} frames: {out}\n"
        f"{len(found.split)} regions split, {nearly} nearly; look at them: {page}"
    )
