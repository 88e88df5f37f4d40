"""segwright distill."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segwright.cli.face import Face, JsonFlag
from segwright.cli.interrupted import saying_how_to_go_on
from segwright.cli.project_words import project_of

if TYPE_CHECKING:
    from rich.console import RenderableType

    from segwright.infer.bundle import Bundle
    from segwright.project import Project
    from segwright.train import Run
    from segwright.train.student import Distillation


def distill(
    teacher: Annotated[Path, typer.Argument(help="The finished run that teaches, runs/NAME.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(help="[segwright.yaml] [section.key=value ...]", show_default=False)
    ] = None,
    student: Annotated[
        list[str] | None, typer.Option(help="A setting of the student, such as model.encoder=resnet18. Repeatable.")
    ] = None,
    run: Annotated[Path | None, typer.Option(help="The student's run; default runs/TEACHER-student.")] = None,
    out: Annotated[Path | None, typer.Option(help="The new bundle; default RUN.bundle.")] = None,
    alone: Annotated[bool, typer.Option("--alone", help="Also train the student without its teacher.")] = False,
    json: JsonFlag = False,
) -> None:
    """Train a small network on a large one's answers, export it with a parity proof, and say what each class lost."""
    _require_settings(student or [])
    _require_run(teacher)
    words = [*(arguments or []), *(student or [])]
    path, project = project_of(_with_teacher(words, teacher))
    folder = run or path.parent / "runs" / f"{teacher.resolve().name}-student"
    with Face(as_json=json) as face:
        from segwright.export import export_run
        from segwright.infer.bundle import require_new
        from segwright.pages import write_distillation_page
        from segwright.train.run import open_run
        from segwright.train.student import compare

        bundled = out or Path(f"{folder.resolve().name}.bundle")
        require_new(bundled)  # now, and not when the student has learned
        again = ["distill", str(teacher), *words, *(["--run", str(run)] if run else []),
                 *(["--out", str(out)] if out else []), *(["--alone"] if alone else [])]  # fmt: skip
        with saying_how_to_go_on(face.listener, "distill", again, ", and keeps what is finished"):
            taught, untaught = _trained(face, project, path.parent, folder, alone=alone)
            found = compare(taught, open_run(teacher), untaught, face.listener)
            page = folder / "distillation.html"
            write_distillation_page(page, found.to_json(), title=f"{folder.name}, taught by {teacher.resolve().name}")
            bundle = export_run(taught, bundled, listener=face.listener)
        payload = {"run": str(folder), "bundle": str(bundle.path), "parity": bundle.parity, **found.to_json()}
        face.finish(payload, _answer(found, bundle, page))


def _trained(face: Face, project: Project, base: Path, folder: Path, *, alone: bool) -> tuple[Run, Run | None]:
    """The student's run, and that of the same student without a teacher where it is asked for."""
    from segwright.train.student import trained

    taught = trained(project, base, folder, face.listener)
    if not alone:
        return taught, None
    plain = project.training.model_copy(update={"distill_from": None})
    untaught = project.model_copy(update={"training": plain})
    return taught, trained(untaught, base, folder.with_name(f"{folder.name}-alone"), face.listener)


def _require_settings(student: list[str]) -> None:
    """Refuse what is no setting: among the bare words it would be taken for a project file."""
    from segwright.core import ConfigError

    wrong = [word for word in student if "=" not in word]
    if wrong:
        raise ConfigError.of(
            "--student",
            "is no setting",
            allowed="section.key=value",
            found=", ".join(wrong),
            fix="--student model.encoder=resnet18, or --student model.network=fpn",
        )


def _require_run(teacher: Path) -> None:
    """Refuse a teacher that is no run, before a project is looked for beside it."""
    if not (teacher / "plan.yaml").is_file():
        from segwright.train.run import open_run

        open_run(teacher)


def _with_teacher(words: list[str], teacher: Path) -> list[str]:
    """The words with the teacher among them, and with the project beside its runs where none is named or here."""
    from segwright.project import PROJECT_FILE

    beside = teacher.resolve().parent.parent / PROJECT_FILE
    named = any("=" not in word for word in words)
    where = [] if named or Path(PROJECT_FILE).is_file() or not beside.is_file() else [str(beside)]
    return [*where, *words, f'training.distill_from="{teacher.resolve()}"']


def _answer(found: Distillation, bundle: Bundle, page: Path) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    boundary = f"boundary_f@{found.boundary_px}"
    table = Table(title=f"the same {found.to_json()['images']} held-out frames", title_justify="left")
    table.add_column("IoU, boundary F", overflow="fold")
    for who in found.scored:
        table.add_column(f"{who}, {found.parameters[who] / 1e6:.2f} M", justify="right")
    for name, rows in found.classes.items():
        table.add_row(name, *(f"{_number(row['iou'])}  {_number(row[boundary])}" for row in rows.values()))
    lost = ", ".join(f"{name} {fall:.3f}" for name, fall in found.lost().items())
    return Group(
        table,
        Text(f"IoU lost to the teacher: {lost or 'by no class'}"),
        Text(f"report: {page}"),
        Text(f"bundle: {bundle.path}, parity proved on {(bundle.parity or {})['frames']} whole frames"),
    )


def _number(value: float | None) -> str:
    return "absent" if value is None else f"{value:.3f}"
