"""`segwright train --preview [FILE]`: the crops that a training would see, and nothing trained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwright.cli.project_words import project_of

if TYPE_CHECKING:
    from segwright.cli.face import Face
    from segwright.train import Plan
    from segwright.train.preview import Preview

SUFFIXES = (".html", ".png")


def show_preview(face: Face, words: list[str], given: dict[str, object]) -> None:
    """Write the sheet and say what was counted. `given` are other options by name; none of them goes with a preview.

    Raises:
        ConfigError: an option beside it, or a file of another kind.
    """
    file, words = _file_among(words, [name for name, value in given.items() if value])
    path, project = project_of(words)
    from segwright.pages import write_preview
    from segwright.train import plan_project
    from segwright.train.preview import preview
    from segwright.train.tasks import make_feed

    plan, dataset, split = plan_project(project, path.parent, face.listener)
    out = file or path.parent / "preview.html"
    if plan.objects is not None:
        from segwright.cli.training.object_preview import show_object_preview

        show_object_preview(face, plan, dataset.only(split.parts["train"]), out)
        return
    seen = preview(plan, make_feed(plan, dataset, split, face.listener), face.listener)
    write_preview(out, seen.crops, plan.classes, _numbers(plan, seen))
    counted: dict[str, Any] = {
        "crops": seen.counted,
        "steps": seen.steps,
        "void_share": seen.void_share,
        "classes": {
            name: {"crops": count, "pixel_share": seen.pixel_shares[name]} for name, count in seen.crop_counts.items()
        },
    }
    face.finish({"preview": str(out), **counted}, _answer(out, seen))


def settings_of(plan: Plan) -> dict[str, str]:
    """What the sheet says of the plan."""
    sampling = plan.sampling
    sides = ", ".join(str(side) for side in sampling.sides) or str(sampling.crop)
    return {"batch": str(sampling.batch), "crop": f"{sides} px", "seed": str(plan.optimiser.seed)}


def _file_among(words: list[str], beside: list[str]) -> tuple[Path | None, list[str]]:
    """The sheet's file, if one is named, and the other words."""
    from segwright.core import ConfigError

    if beside:
        raise ConfigError.of(
            "--preview",
            "trains nothing and takes no option that says how",
            allowed="a project file, settings, and a file to write",
            found=", ".join(beside),
            fix="segwright train --preview preview.html, and train afterwards",
        )
    files = [word for word in words if "=" not in word and Path(word).suffix.lower() not in (".yaml", ".yml")]
    if len(files) > 1 or any(Path(word).suffix.lower() not in SUFFIXES for word in files):
        raise ConfigError.of(
            "--preview",
            "writes one page or one picture",
            allowed="a file that ends in " + " or ".join(SUFFIXES),
            found=", ".join(files),
            fix="segwright train --preview preview.html",
        )
    return (Path(files[0]) if files else None), [word for word in words if word not in files]


def _numbers(plan: Plan, seen: Preview) -> Any:
    from segwright.pages import PreviewNumbers

    sampling, settings = plan.sampling, settings_of(plan)
    asked = {name: share * sampling.rare_share for name, share in sampling.class_shares.items()}
    return PreviewNumbers(
        plan.name, seen.steps, seen.counted, seen.crop_counts, seen.pixel_shares, asked, seen.void_share, settings
    )


def _answer(out: Path, seen: Preview) -> str:
    rows = [f"{'':16}{'crops':>8}{'pixels':>10}"]
    for name, count in seen.crop_counts.items():
        rows.append(f"{name:16}{count / seen.counted:>8.0%}{seen.pixel_shares[name]:>10.2%}")
    head = f"{out}: {len(seen.crops)} of {seen.counted} crops of the first {seen.steps} steps"
    return "\n".join([head, *rows, f"void: {seen.void_share:.1%} of all pixels"])
