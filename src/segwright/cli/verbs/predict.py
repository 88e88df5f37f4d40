"""segwright predict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segwright.cli.face import Face, JsonFlag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segwright.cli.following import Following
    from segwright.infer.bundle import Bundle
    from segwright.infer.prediction_folder import Predicted


def predict(
    bundle: Annotated[Path, typer.Argument(help="The bundle that predicts.")],
    images: Annotated[list[Path], typer.Argument(help="Image files, and folders of them.")],
    out: Annotated[Path, typer.Option(help="The new folder: masks, objects or segments, and manifest.json.")],
    confidence: Annotated[bool, typer.Option("--confidence", help="Also write confidence/STEM.png, 16 bit.")] = False,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Also write probabilities/STEM.npy, float16.")
    ] = False,
    overlays: Annotated[
        bool, typer.Option("--overlays", help="Also write overlays/STEM.jpg: what was found, drawn over the frame.")
    ] = False,
    yolo: Annotated[
        bool, typer.Option("--yolo", help="Also write yolo/labels/STEM.txt: the objects as YOLO segmentation labels.")
    ] = False,
    track: Annotated[
        bool, typer.Option("--track", help="Also follow the objects through the frames: tracks.json.")
    ] = False,
    count_line: Annotated[
        str | None, typer.Option(help="With --track: count what crosses this line: x1,y1,x2,y2 in px.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Masks, objects or segments of image files. Frames that cannot be read are listed, and make the exit code 2."""
    from segwright.core import raise_collected
    from segwright.infer import predictor_of, read_bundle
    from segwright.infer.prediction_folder import Extras, predict_folder

    source = read_bundle(bundle)
    frames = named_frames(images)
    model = {"bundle": source.name, "bundle_hash": source.content_hash}
    with Face(as_json=json) as face:
        follow = _following(source, face, track, count_line)
        done = predict_folder(
            frames, predictor_of(source), out, model,
            extras=Extras(confidence, probabilities, overlays, yolo), beside=follow, listener=face.listener,
        )  # fmt: skip
        if not (json and done.problems):
            scores = _least_scores(source, done)
            face.finish(_payload(done, follow, scores), _said(done, follow, scores))
    raise_collected(done.problems)


def _following(source: Any, face: Face, track: bool, count_line: str | None) -> Following | None:
    """What follows the objects once they are predicted, where that was asked for and can be."""
    from segwright.core import ConfigError

    if not track:
        if count_line is None:
            return None
        fix = "add --track"
        raise ConfigError.of("--count-line", "counts tracks, and nothing is tracked", found=count_line, fix=fix)
    if source.objects is None and source.segments is None:
        raise ConfigError.of(
            str(source.path),
            "finds no objects that could be followed",
            allowed="with --track the bundle of an instance or panoptic network",
            found=f"task {source.task}",
            fix="leave out --track, or name another bundle",
        )
    from segwright.cli.following import Following
    from segwright.cli.gates import gate_of

    return Following(source.classes, gate_of(count_line, None), face.listener)


def _least_scores(source: Bundle, done: Predicted) -> dict[str, float]:
    """The score that the objects of each class needed, by name; empty where the bundle finds none."""
    asked = source.objects or source.segments
    return {} if asked is None else {name: asked.thresholds.get(name, asked.score) for name in done.objects}


def _payload(done: Predicted, follow: Following | None, scores: Mapping[str, float]) -> dict[str, Any]:
    from segwright.infer.prediction_folder import problem_row

    return {
        "predictions": str(done.folder),
        "frames": done.frames,
        "resumed": done.resumed,
        **({"objects": dict(done.objects)} if scores else {}),
        "refused": [problem_row(problem) for problem in done.problems],
        **({"least_scores": dict(scores)} if scores else {}),
        **({} if follow is None else follow.payload()),
    }


def _said(done: Predicted, follow: Following | None, scores: Mapping[str, float]) -> str:
    from segwright.core.errors import few

    kept = f", {done.resumed} of them kept from an interrupted run" if done.resumed else ""
    refused = f", {len(done.problems)} refused" if done.problems else ""
    followed = "" if follow is None else f"\n{follow.said()}"
    if not scores:
        return f"{done.frames} masks in {done.folder}{kept}{refused}{followed}"
    counts = [f"{count} {name}" for name, count in done.objects.items() if count]
    head = f"{few(counts) or 'no object'} found in {done.frames} frame{'s' * (done.frames != 1)}: {done.folder}"
    return f"{head}{kept}{refused}\nthe score an object needs: {_grouped(scores)}{followed}"


def _grouped(scores: Mapping[str, float]) -> str:
    """Each class's score, or the one of all."""
    from segwright.core.errors import few

    if len(set(scores.values())) == 1:
        return f"{next(iter(scores.values())):.3g}"
    return few([f"{name} {value:.3g}" for name, value in scores.items()])


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
