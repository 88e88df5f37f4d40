"""segwright demo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segwright.cli.face import Face, JsonFlag

if TYPE_CHECKING:
    from rich.table import Table

    from segwright.core import SegwrightError
    from segwright.demo.outcome import Outcome
    from segwright.demo.panoptic import SceneSpec


def demo(
    out: Annotated[Path, typer.Option(help="The folder to fill.")] = Path("demo"),
    full: Annotated[
        bool, typer.Option("--full", help="The guide's 4,000 frames at production size and ResNet-34; wants a GPU.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Delete what an earlier demo left; an unfinished one is gone on with.")
    ] = False,
    panoptic: Annotated[
        bool, typer.Option("--panoptic", help="Only draw frames: bolts and brackets on a belt, as COCO panoptic.")
    ] = False,
    frames: Annotated[
        int | None, typer.Option(min=1, help="With --panoptic: how many frames; 240, or 4,002 with --full.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed draws other frames.")] = 7,
    json: JsonFlag = False,
) -> None:
    """Run the guide's worked example: frames, training, scores, thresholds, export, inspection."""
    if panoptic:
        _draw_panoptic(out, _scenes(frames, seed, full=full), fresh=fresh, json=json)
        return
    if frames is not None:
        raise _frames_alone(frames)
    from segwright.demo.settings import DemoSettings
    from segwright.demo.story import Story

    _make_room(out, finished="outcome.json", begun=("segwright.yaml", "frames"), fresh=fresh)
    settings = DemoSettings.full(seed) if full else DemoSettings.small(seed)
    with Face(as_json=json) as face:
        face.say(_opening(settings.frames.frames_per_line * len(settings.frames.lines)))
        outcome = Story(out, settings, face.listener).tell()
        face.finish(outcome.to_json())
        for table in (_classes(outcome), _splits(outcome), _verdicts(outcome), _goals(outcome)):
            face.say(table)
        face.say(_closing(out, outcome))


def _scenes(frames: int | None, seed: int, *, full: bool) -> SceneSpec:
    """The scenes asked for; every line has as many, so that a number may be rounded up."""
    from segwright.demo.panoptic.spec import FULL_FRAMES, FULL_SIZE, SceneSpec

    usual = SceneSpec(seed=seed)
    lines = len(usual.camera.lines)
    wanted = frames or (FULL_FRAMES if full else usual.frames_per_line * lines)
    return SceneSpec(-(-wanted // lines), FULL_SIZE if full else usual.size, seed)


def _draw_panoptic(out: Path, spec: SceneSpec, *, fresh: bool, json: bool) -> None:
    from segwright.demo.panoptic import CLASSES, generate_scenes
    from segwright.demo.panoptic.generate import TABLE
    from segwright.infer.runtimes.onnx_runtime import usable_cores

    _make_room(out, finished="manifest.json", begun=("panoptic",), fresh=fresh)
    count = spec.frames_per_line * len(spec.camera.lines)
    with Face(as_json=json) as face:
        face.say(f"{count} frames of {spec.size}: bolts and brackets (things) on a belt over a floor (stuff).")
        generate_scenes(out, spec, workers=usable_cores(), listener=face.listener)
        face.finish({"out": str(out), "frames": count, "classes": CLASSES.to_json(), **spec.to_json()})
        typed = f"segwright init {out} --task panoptic --columns-csv {out / TABLE}"
        face.say(f"Look at {out / 'images'}. Train on them: {typed}")


def _frames_alone(frames: int) -> SegwrightError:
    from segwright.core import ConfigError

    rule, fix = "says how many panoptic frames are drawn, and nothing else", "add --panoptic, or leave --frames out"
    return ConfigError.of("segwright demo: --frames", rule, allowed="with --panoptic", found=str(frames), fix=fix)


def _make_room(out: Path, *, finished: str, begun: Sequence[str], fresh: bool) -> None:
    """Leave `out` as it is where it is empty or a demo of this kind began to fill it; `fresh` deletes that.

    Raises:
        ArtefactError: it holds the `finished` demo, or files that no demo of this kind wrote.
    """
    import shutil

    from segwright.core import ArtefactError

    if not out.exists() or not any(out.iterdir()):
        return
    is_finished = (out / finished).exists()
    ours = is_finished or any((out / name).exists() for name in begun)
    if fresh and ours:
        shutil.rmtree(out)
    if not out.exists() or (ours and not is_finished):
        return
    raise ArtefactError.of(
        str(out),
        "is not empty",
        found="a finished demo" if ours else "files that no demo wrote",
        fix="the same command with --fresh starts again" if ours else "name another folder with --out",
    )


def _opening(frames: int) -> str:
    return (
        "The guide's worked example: find scratches, dents and discoloration on stamped brackets.\n"
        f"{frames} frames from three press lines are drawn, two lines are learned from, the third is held out."
    )


def _classes(outcome: Outcome) -> Table:
    table = _table(f"Held-out press line, {outcome.held_out.images} frames, whole ONNX pipeline at native size")
    for column in ("class", "IoU", "Dice", "precision", "recall", "boundary F at 3 px"):
        table.add_column(column, justify="left" if column == "class" else "right")
    for name, scores in outcome.held_out.classes.items():
        keys = ("iou", "dice", "precision", "recall", "boundary_f@3")
        table.add_row(name, *(_number(scores[key]) for key in keys))
    return table


def _splits(outcome: Outcome) -> Table:
    table = _table("What a random split hides: unseen frames of the same lines against an unseen line")
    for column in ("split", "frames", "mIoU", "mIoU of defects", "boundary F at 3 px"):
        table.add_column(column, justify="left" if column == "split" else "right")
    rows = {"same lines (random split)": outcome.same_lines, "held-out line (split by line)": outcome.held_out}
    for name, evaluation in rows.items():
        keys = ("pooled_miou", "pooled_miou_foreground", "boundary_f@3")
        table.add_row(name, str(evaluation.images), *(_number(evaluation.scores[key]) for key in keys))
    return table


def _verdicts(outcome: Outcome) -> Table:
    table = _table("Verdicts on the held-out line: alert above 2 % defect area of the bracket")
    for column in ("method", "false rejects", "false accepts", "defect IoU"):
        table.add_column(column, justify="left" if column == "method" else "right")
    for row in outcome.verdicts:
        rejects, accepts = f"{row.false_rejects} of {row.acceptable}", f"{row.false_accepts} of {row.defective}"
        table.add_row(row.method, rejects, accepts, _number(row.defect_iou) if row.defect_iou is not None else "")
    return table


def _goals(outcome: Outcome) -> Table:
    table = _table("Against the guide's figures")
    for column in ("figure", "guide", "here", ""):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for goal in outcome.goals:
        table.add_row(goal.name, _number(goal.guide), _number(goal.measured), "reached" if goal.reached else "MISSED")
    return table


def _closing(out: Path, outcome: Outcome) -> str:
    parity = outcome.bundle.parity or {}
    share = parity.get("pixel_share")
    proof = "" if share is None else f"parity: {100 * share:.4f} % of pixels differ between torch and ONNX\n"
    minutes = sum(outcome.seconds.values()) / 60
    return (
        f"{proof}{minutes:.1f} minutes. Look at {out / 'report.html'} and {out / 'inspection' / 'overlays'}\n"
        f"The same by hand: segwright predict {out / 'brackets.bundle'} IMAGES --out predictions"
    )


def _table(title: str) -> Table:
    from rich import box
    from rich.table import Table

    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, title_style="bold")


def _number(value: float | None) -> str:
    return "absent" if value is None else f"{value:.3f}"
