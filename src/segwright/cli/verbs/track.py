"""segwright track."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segwright.cli.face import Face, JsonFlag

if TYPE_CHECKING:
    from segwright.line.track_files import Tracks


def track(
    predictions: Annotated[Path, typer.Argument(help="The folder that predict wrote, of a bundle that finds objects.")],
    out: Annotated[Path, typer.Option(help="The new file of tracks.")] = Path("tracks.json"),
    count_line: Annotated[str | None, typer.Option(help="Count what crosses this line: x1,y1,x2,y2 in px.")] = None,
    count_region: Annotated[
        str | None, typer.Option(help="Count what comes into or leaves this box: left,top,right,bottom in px.")
    ] = None,
    min_hits: Annotated[int, typer.Option(help="Frames running an object must be found in to be a track.")] = 2,
    max_misses: Annotated[int, typer.Option(help="Frames running a track may not be found in.")] = 10,
    min_iou: Annotated[float, typer.Option(help="Mask IoU with where the track should be.")] = 0.2,
    sure: Annotated[float, typer.Option(help="Objects below this score start no track.")] = 0.5,
    belt: Annotated[str, typer.Option(help="What a new object moves by each frame: x,y in px.")] = "0,0",
    json: JsonFlag = False,
) -> None:
    """Follow the objects of predicted frames, taken in the order of their names, and count them."""
    from segwright.cli.gates import counts_table, gate_of, pair_of, said_of
    from segwright.core import ArtefactError
    from segwright.infer.bundle import file_hash
    from segwright.line import TrackSettings, Velocity
    from segwright.line.predicted_objects import objects_file, predicted_stems
    from segwright.line.track_files import track_folder, write_tracks

    gate, (right, down) = gate_of(count_line, count_region), pair_of("--belt", belt)
    settings = TrackSettings(min_hits, max_misses, min_iou, sure=sure, velocity=Velocity(down, right))
    stems, classes = predicted_stems(predictions)
    if out.exists():
        fix = "choose another --out, or delete the old file"
        raise ArtefactError.of(str(out), "exists, and tracks are never edited", allowed="a new file", fix=fix)
    with Face(as_json=json) as face:
        tracks = track_folder(predictions, stems, classes, settings, gate=gate, listener=face.listener)
        source = {"predictions": str(predictions), "sha256": file_hash(objects_file(predictions))}
        write_tracks(out, tracks, source, gate)
        face.say(said_of(tracks))
        payload = {"tracks": str(out), "frames": len(tracks.frames), **_counted(tracks)}
        face.finish(payload, counts_table(tracks))


def _counted(tracks: Tracks) -> dict[str, object]:
    return {"counts": tracks.counts.to_json(), "left_out": tracks.left_out}
