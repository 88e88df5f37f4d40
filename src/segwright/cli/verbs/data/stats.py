"""segwright data stats."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segwright.cli.face import Face, JsonFlag

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from segwright.data import Dataset, Finding, Split, Statistics


def stats(
    data: Annotated[Path, typer.Argument(help="Labelled frames: a folder, .json, .xml, .zip; or a segwright.yaml.")],
    split: Annotated[Path | None, typer.Option(help="Compare the parts of this split with what trains.")] = None,
    by: Annotated[list[str] | None, typer.Option(help="Column to count by; repeatable; else all small ones.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write an HTML page with pictures here.")] = None,
    columns: Annotated[str | None, typer.Option(help="Columns from file names: '(?P<line>[^_]+)_'.")] = None,
    columns_csv: Annotated[Path | None, typer.Option(help="Columns from a CSV whose first names the image.")] = None,
    format: Annotated[str, typer.Option(help="auto, or a format such as voc, coco_json, nifti_pairs.")] = "auto",  # noqa: A002
    classes: Annotated[str, typer.Option(help="Class names for ids 0, 1, ..., comma-separated, or a file.")] = "",
    option: Annotated[list[str] | None, typer.Option(help="A setting of the format: --option cut=128.")] = None,
    json: JsonFlag = False,
) -> None:
    """Count what labelled frames hold, by class, picture and domain, and say first what matters."""
    from segwright.cli.datasets import class_table_of, dataset_at, options_of, refuse_with_project
    from segwright.data import findings_of, statistics

    refuse_with_project(data, {"--format": format != "auto", "--classes": classes, "--option": option})
    if out is not None:
        _require_page(out)
    with Face(as_json=json) as face:
        dataset = dataset_at(
            data,
            format=format,
            classes=class_table_of(classes),
            columns_from=columns,
            columns_csv=columns_csv,
            options=options_of(option or []),
        )
        chosen = _split_for(dataset, split, data)
        numbers = statistics(dataset, split=chosen, by=by or None, listener=face.listener)
        findings = findings_of(numbers)
        if out is not None:
            from segwright.pages import write_statistics_page

            write_statistics_page(out, dataset, numbers, face.listener)
        payload = {"findings": [row.to_json() for row in findings], **numbers.to_json()}
        payload["report"] = None if out is None else str(out)
        face.finish(payload, _answer(numbers, findings, out))


def _require_page(out: Path) -> None:
    """Refuse what is no page before minutes are spent on counting."""
    from segwright.core import ConfigError

    if out.suffix.lower() not in (".html", ".htm") or out.is_dir():
        raise ConfigError.of(
            "--out", "is where an HTML page is written", allowed="a file NAME.html", found=str(out),
            fix=f"--out {out / 'stats.html' if out.is_dir() else out.with_suffix('.html')}",
        )  # fmt: skip


def _split_for(dataset: Dataset, split: Path | None, data: Path) -> Split | None:
    """The split of `--split`, else that of the project file where it has been made; it must hold on the frames."""
    from segwright.cli.datasets import PROJECT_SUFFIXES
    from segwright.core import raise_collected
    from segwright.data import read_split, verify_split
    from segwright.project import read_project

    if split is None and data.suffix.lower() in PROJECT_SUFFIXES:
        path = data.parent / read_project(data).split.file
        split = path if path.is_file() else None
    if split is None:
        return None
    found = read_split(split)
    raise_collected(verify_split(dataset, found))
    return found


def _answer(numbers: Statistics, findings: tuple[Finding, ...], out: Path | None) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [*_finding_lines(findings), _table(numbers)]
    parts += [Text(f"note: {note}") for note in numbers.notes]
    parts.append(Text(f"written: {out}" if out else "pictures, places, domains: --out stats.html"))
    return Group(*parts)


def _finding_lines(findings: tuple[Finding, ...]) -> Iterator[RenderableType]:
    from rich.text import Text

    for row in findings:
        yield Text.assemble((f"{row.kind}: ", "yellow"), (row.subject, "bold"), f" {row.text}")
    if not findings:
        yield Text("nothing stands out: no class is absent, rare or thin, no domain unlike the others")


def _table(numbers: Statistics) -> Table:
    from rich.table import Table

    counts = numbers.counts
    table = Table(title=f"{counts.frames:,} frames, void {100 * counts.void_fraction:.2f} % of the labelled pixels")
    table.add_column("class", overflow="fold")
    for heading in ("share", "frames", "regions", "area px", "band px", "elongation"):
        table.add_column(heading, justify="right", no_wrap=True)
    for channel, name in enumerate(numbers.classes.names):
        share = f"{100 * counts.shares[channel]:.3f} %"
        regions = counts.regions["area_px"][channel].weight
        measures = ("area_px", "band_width_px", "elongation")
        medians = (counts.regions[measure][channel].quantile(0.5) for measure in measures)
        said = ("-" if value is None else f"{value:,.3g}" if value < 1000 else f"{value:,.0f}" for value in medians)
        table.add_row(name, share, f"{counts.frames_present[channel]:,}", f"{regions:,.0f}", *said)
    return table
