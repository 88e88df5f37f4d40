"""segwright predict."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segwright.cli.face import Face, JsonFlag


def predict(
    bundle: Annotated[Path, typer.Argument(help="The bundle that predicts.")],
    images: Annotated[list[Path], typer.Argument(help="Image files, and folders of them.")],
    out: Annotated[Path, typer.Option(help="The new folder for masks/STEM.png and manifest.json.")],
    confidence: Annotated[bool, typer.Option("--confidence", help="Also write confidence/STEM.png, 16 bit.")] = False,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Also write probabilities/STEM.npy, float16.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Masks for image files. Frames that cannot be read are left out, listed, and make the exit code 2."""
    from segwright.core import raise_collected
    from segwright.infer import predictor_of, read_bundle
    from segwright.infer.prediction_folder import Extras, predict_folder, problem_row

    source = read_bundle(bundle)
    frames = named_frames(images)
    model = {"bundle": source.name, "bundle_hash": source.content_hash}
    with Face(as_json=json) as face:
        done = predict_folder(
            frames,
            predictor_of(source),
            out,
            model,
            extras=Extras(confidence, probabilities),
            listener=face.listener,
        )
        kept = f", {done.resumed} of them kept from an interrupted run" if done.resumed else ""
        refused = f", {len(done.problems)} refused" if done.problems else ""
        payload = {
            "predictions": str(out),
            "frames": done.frames,
            "resumed": done.resumed,
            "refused": [problem_row(problem) for problem in done.problems],
        }
        if not (json and done.problems):
            face.finish(payload, f"{done.frames} masks in {out}{kept}{refused}")
    raise_collected(done.problems)


def named_frames(paths: list[Path]) -> list[tuple[str, Path]]:
    """(stem, file) for files, named by their own name, and for the images below folders, by their path within."""
    from segwright.core import DataError, Problem, raise_collected
    from segwright.data.listing import list_files, stem_of

    missing = [path for path in paths if not path.exists()]
    raise_collected(
        Problem(str(path), "does not exist", "an image file or a folder", fix="check the path") for path in missing
    )
    frames = []
    for path in paths:
        if path.is_dir():
            frames += [(stem_of(name), path / name) for name in list_files(path).images]
        else:
            frames.append((stem_of(path.name), path))
    if not frames:
        places = ", ".join(str(path) for path in paths)
        raise DataError.of(
            places,
            "hold no image",
            allowed="files with the suffix of an image format",
            found="none",
            fix="name the images, or the folder they lie in",
        )
    return frames
