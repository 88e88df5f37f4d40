"""segwright data diff."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segwright.cli.face import Face, JsonFlag

if TYPE_CHECKING:
    from rich.table import Table

    from segwright.data import Dataset
    from segwright.evaluate.mask_diff import DatasetDiff, MaskDiff

FRAMES_LISTED = 10
MOVES_LISTED = 12


def diff(
    old: Annotated[str, typer.Argument(help="STORE@VERSION, labelled frames of any format, or a segwright.yaml.")],
    new: Annotated[str, typer.Argument(help="The same frames later or by others. Else STORE's newest.")] = "",
    report: Annotated[Path | None, typer.Option(help="Write a page with before, after and delta of frames.")] = None,
    set_aside: Annotated[
        bool, typer.Option("--set-aside", help="What STORE@VERSION tried and another writer's work came before.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Say what changed between two versions: frames, pixels from class to class, outlines, components."""
    from segwright.evaluate.mask_diff import diff_datasets, write_diff_page
    from segwright.evaluate.mask_diff.page import changed_frames

    with Face(as_json=json) as face:
        before, after, names = _sides(old, new, set_aside=set_aside)
        found = diff_datasets(before, after, names=names, listener=face.listener)
        for note in found.notes:
            face.say(f"note: {note}")
        if found.total is not None:
            face.say(_moves(found, found.total))
            face.say(_classes(found, found.total))
        if report is not None:
            write_diff_page(report, found, changed_frames(before, after, found))
        payload = {**found.to_json(), **({} if report is None else {"report": str(report)})}
        face.finish(payload, "\n".join(_lines(found, report)))


def _sides(old: str, new: str, *, set_aside: bool) -> tuple[Dataset, Dataset, tuple[str, str]]:
    """Both datasets and their names."""
    from segwright.cli.datasets import dataset_at
    from segwright.core import ConfigError
    from segwright.data.store import is_store, place_of

    if set_aside:
        from segwright.cli.stores import store_at

        store = store_at(old)
        return (*store.set_aside(store.place.version), ("newest", f"set aside in {old}"))
    if not new and not (is_store(old) and place_of(old).version):
        raise ConfigError.of(
            "segwright data diff", "needs two sides", allowed="OLD NEW, or STORE@VERSION alone", found=old,
            fix=f"segwright data diff {old} NEW",
        )  # fmt: skip
    new = new or place_of(old).uri
    return dataset_at(Path(old)), dataset_at(Path(new)), (old, new)


def _lines(found: DatasetDiff, report: Path | None) -> list[str]:
    changed = [row for row in found.changes if row.changed_px]
    came_and_went = f"+{len(found.added)} -{len(found.removed)}"
    lines = [f"frames: {came_and_went}, {found.compared} compared, {len(changed)} with other labels"]
    lines += [f"  {row.stem}: {row.changed_px:,} px" for row in changed[:FRAMES_LISTED]]
    if len(changed) > FRAMES_LISTED:
        lines.append(f"  and {len(changed) - FRAMES_LISTED} more (--json, --report)")
    others = [row for row in found.changes if row.image_changed or row.columns]
    if others:
        lines.append(f"{len(others)} frames have another picture or other columns")
    return [*lines, f"written: {report}"] if report is not None else lines


def _moves(found: DatasetDiff, total: MaskDiff) -> Table:
    """The largest moves from class to class, a line each: a matrix of many classes fits no terminal."""
    import numpy as np
    from rich.table import Table

    names = [*found.classes.names, "void"]
    moved = total.pixels - np.diag(np.diag(total.pixels))
    order = [divmod(int(at), len(names)) for at in np.argsort(-moved, axis=None, kind="stable")]
    pairs = [(old, new) for old, new in order if moved[old, new]]
    table = Table(title=f"pixels whose label changed: {int(moved.sum()):,}")
    for heading in (f"in {found.names[0]}", f"in {found.names[1]}"):
        table.add_column(heading, overflow="fold")
    table.add_column("px", justify="right", no_wrap=True)
    for old, new in pairs[:MOVES_LISTED]:
        table.add_row(names[old], names[new], f"{moved[old, new]:,}")
    if len(pairs) > MOVES_LISTED:
        rest = sum(int(moved[pair]) for pair in pairs[MOVES_LISTED:])
        table.add_row(f"{len(pairs) - MOVES_LISTED} more pairs", "(--json, --report)", f"{rest:,}")
    return table


def _classes(found: DatasetDiff, total: MaskDiff) -> Table:
    from rich.table import Table

    table = Table(title="components and outlines")
    for heading in ("class", "added", "removed", "split", "merged", "shift px", "95 %"):
        table.add_column(heading, justify="left" if heading == "class" else "right")
    for spec, row in zip(found.classes.foreground, total.classes, strict=True):
        shift = "-" if row.mean_shift_px is None else f"{row.mean_shift_px:.2f}"
        p95 = "-" if row.shift_quantile_px(0.95) is None else str(row.shift_quantile_px(0.95))
        numbers = (f"{value:,}" for value in (row.added, row.removed, row.split, row.merged))
        table.add_row(spec.name, *numbers, shift, p95)
    return table
