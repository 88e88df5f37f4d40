"""segwright benchmark."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segwright.cli.face import Face, JsonFlag

if TYPE_CHECKING:
    from rich.console import RenderableType

    from segwright.core import Size
    from segwright.export.benchmark import Job, Machine, Row
    from segwright.project import Project


class Runtime(StrEnum):
    """What runs the networks."""

    torch = "torch"
    onnxruntime = "onnxruntime"


class Precision(StrEnum):
    """The numbers torch computes with."""

    fp32 = "fp32"
    bf16 = "bf16"


def benchmark(
    source: Annotated[
        Path | None, typer.Argument(help="A RUN, a BUNDLE or segwright.yaml.", show_default=False)
    ] = None,
    models: Annotated[str | None, typer.Option(help="Networks, comma-separated, or `all`.")] = None,
    encoder: Annotated[str | None, typer.Option(help="Their encoder.  [default: the project's, or resnet34]")] = None,
    size: Annotated[str, typer.Option(help="WIDTHxHEIGHT of your frames.")] = "1920x1080",
    tile: Annotated[
        int | None, typer.Option(min=32, help="Side of a tile, px.  [default: the project's, or 512]")
    ] = None,
    classes: Annotated[int | None, typer.Option(min=1, help="How many.  [default: the project's, or 2]")] = None,
    runtime: Annotated[Runtime, typer.Option(help="What runs them.")] = Runtime.torch,
    precision: Annotated[Precision, typer.Option(help="What torch computes with.")] = Precision.fp32,
    repeats: Annotated[int, typer.Option(min=1, help="Frames timed after one that warms up; the median is shown.")] = 5,
    threads: Annotated[int | None, typer.Option(min=1, help="Cores.  [default: all this process may use]")] = None,
    limit: Annotated[float, typer.Option(min=1, help="Seconds after which a network is given up.")] = 600,
    json: JsonFlag = False,
) -> None:
    """Say what networks cost on this machine: parameters, operations, memory, frames a second at your frame size."""
    with Face(as_json=json) as face:
        from dataclasses import replace

        from segwright.export import benchmark as measuring

        like = _asked(source, encoder, classes, tile)
        like = replace(
            like, size=_size(size), runtime=runtime.value, precision=precision.value, repeats=repeats, threads=threads
        )
        jobs = _jobs(source, models, like)
        machine = measuring.measured_on(threads)
        rows = measuring.benchmark(jobs, limit_s=limit, listener=face.listener)
        _require_one(rows)
        payload = {
            "machine": machine.to_json(),
            "size": {"width": like.size.width, "height": like.size.height},
            "flops_count_a_multiply_add_as": 2,
            "rows": [row.to_json() for row in rows],
        }
        face.finish(payload, _table(rows, jobs[0], machine))


def _asked(source: Path | None, encoder: str | None, classes: int | None, tile: int | None) -> Job:
    """A job with what the options and the project file say of a network; size and runtime are put in later."""
    from segwright.core import Size
    from segwright.export.benchmark import Job
    from segwright.infer.preprocess import Preprocessing
    from segwright.infer.tiles import TilePlan
    from segwright.infer.views import flips_of
    from segwright.models import NetworkSpec
    from segwright.project.model import DECODER_WIDTHS, Model

    project = _project(source)
    model, inference = (Model(), None) if project is None else (project.model, project.inference)
    channels = classes or (2 if project is None else len(project.classes.names))
    widths = DECODER_WIDTHS if model.decoder_widths == "auto" else model.decoder_widths
    spec = NetworkSpec(model.network, encoder or model.encoder, 3, channels, widths, model.options)
    given = None if inference is None or inference.tile == "auto" else inference.tile
    side = tile or given or 512
    overlap = None if inference is None or inference.overlap_px == "auto" else inference.overlap_px
    overlap = side // 4 if overlap is None or tile is not None else overlap
    blend, flips = ("gaussian", False) if inference is None else (inference.blend, inference.flips)
    tiles = TilePlan(Size(side, side), overlap, blend, flips=flips_of(flips))
    return Job(model.network, Size(1, 1), tiles, Preprocessing(), spec)


def _project(source: Path | None) -> Project | None:
    """The project file that was named, or the one here; None for runs and bundles, and where there is none."""
    from segwright.project import PROJECT_FILE, read_project

    if source is None:
        return read_project(Path(PROJECT_FILE)) if Path(PROJECT_FILE).is_file() else None
    return read_project(source) if source.suffix in (".yaml", ".yml") else None


def _jobs(source: Path | None, models: str | None, like: Job) -> list[Job]:
    """What is measured: one artefact, the networks named, or the project's; without a project, all."""
    from segwright.core import ConfigError
    from segwright.export.benchmark import job_of_artefact, jobs_of_networks
    from segwright.models import NETWORKS

    if source is not None and source.suffix not in (".yaml", ".yml"):
        if models is not None:
            raise ConfigError.of(
                "--models", "is not for a run or a bundle, which has its own network",
                allowed="RUN, BUNDLE or --models",
                found=f"{source} and --models {models}", fix=f"segwright benchmark {source}",
            )  # fmt: skip
        return [job_of_artefact(source, like)]
    if models is not None:
        names = list(NETWORKS) if models == "all" else [name.strip() for name in models.split(",") if name.strip()]
    else:
        names = list(NETWORKS) if _project(source) is None else [like.name]
    return jobs_of_networks(names, like)


def _size(text: str) -> Size:
    from segwright.core import ConfigError, Size

    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise ConfigError.of(
            "--size", "cannot be read", allowed="WIDTHxHEIGHT in px", found=text, fix="--size 1920x1080"
        )
    return Size(int(height), int(width))


def _require_one(rows: list[Row]) -> None:
    """Raise ConfigError where no network could be measured: there is no answer."""
    from segwright.core import ConfigError, Problem

    if all(row.failure is not None for row in rows):
        fix = "segwright benchmark --models unet, a smaller --size or --tile, or a longer --limit"
        raise ConfigError(*(Problem(row.name, "could not be measured", "", row.failure or "", fix) for row in rows))


def _table(rows: list[Row], job: Job, machine: Machine) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    size = f"{job.size.width}x{job.size.height}"
    title = f"{size} frames, {job.runtime}, {job.precision}, median of {job.repeats}"
    table = Table(title=title, title_justify="left")
    for heading in ("network", "frames/s", "s", "tiles", "M param.", "GFLOP", "MiB"):
        table.add_column(heading, justify="left" if heading == "network" else "right", no_wrap=heading != "network")
    for row in rows:
        if row.failure is None:
            table.add_row(_shown(row), *_figures(row))
    parts: list[RenderableType] = [table]
    parts += [Text(f"{row.name}: {row.failure}") for row in rows if row.failure is not None]
    said = "GFLOP of a frame: multiply and add counted as two, convolutions and matrix products only"
    memory = "MiB: the most its process held above what it held before"
    return Group(*parts, Text(f"{said}\n{memory}\nmachine: {machine}"))


def _shown(row: Row) -> str:
    """The network, with its encoder where that need not be the one that was asked for."""
    from segwright.export.benchmark import OF_ONE_FAMILY

    return f"{row.name} on {row.encoder}" if row.name in OF_ONE_FAMILY else row.name


def _figures(row: Row) -> list[str]:
    peak = row.peak_mib if row.device_mib is None else row.device_mib
    return [
        f"{row.frames_per_second:.3g}",
        f"{row.seconds:.3f}",
        str(row.tiles),
        "-" if row.parameters is None else f"{row.parameters / 1e6:.2f}",
        "-" if row.flops is None else f"{row.flops / 1e9:.1f}",
        "-" if peak is None else f"{peak:.0f}",
    ]
