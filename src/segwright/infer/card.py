"""The card of a bundle: its manifest as a page for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from segwright.infer.views import Views


def model_card(manifest: Mapping[str, Any]) -> str:
    """Markdown from bundle.json alone: what the model sees, what it learned from, how good it is, where it stops."""
    sections = (_head, _classes, _reading, _lineage, _scores, _cleaning, _calibration, _parity, _limits)
    return "\n".join(line for section in sections for line in section(manifest)) + "\n"


def _head(manifest: Mapping[str, Any]) -> Iterator[str]:
    names = ", ".join(spec["name"] for spec in manifest["classes"]["classes"])
    yield f"# {manifest['name']}"
    if manifest.get("segments") is not None:
        yield f"\nGives each pixel of a frame one segment, things counted and stuff named: {names}."
    elif manifest.get("objects") is None:
        yield f"\nNames each pixel of a frame one of: {names}."
    else:
        things = [
            spec["name"] for spec in manifest["classes"]["classes"] if spec["name"] != manifest["classes"]["background"]
        ]
        yield f"\nFinds objects in a frame, each with its outline and how sure it is: {', '.join(things)}."
    yield f"Written {manifest['created']} by segwright {manifest['segwright']}."


def _classes(manifest: Mapping[str, Any]) -> Iterator[str]:
    table, thresholds = manifest["classes"], manifest["decision"]["thresholds"]
    yield "\n## Classes\n\n| id | class | threshold |\n|---|---|---|"
    objects, segments = manifest.get("objects"), manifest.get("segments")
    for spec in table["classes"]:
        if segments is not None:
            rule = _segment_rule(manifest, spec)
        elif objects is not None:
            rule = f"score {objects['thresholds'].get(spec['name'], objects['score']):.3g} or more"
            rule = "none: what no object covers" if spec["name"] == table["background"] else rule
        elif spec["name"] == table["background"]:
            rule = "takes what no other class passes for" if thresholds else "largest probability"
        else:
            rule = f"{thresholds.get(spec['name'], 0.5):.3g}" if thresholds else "largest probability"
        yield f"| {spec['id']} | {spec['name']} | {rule} |"
    yield f"\nVoid is {table['void_id']}: never an answer, and left out of every score."


def _segment_rule(manifest: Mapping[str, Any], spec: Mapping[str, Any]) -> str:
    """What a segment of a class needs."""
    segments = manifest["segments"]
    if spec["kind"] == "thing" or manifest["weights"].get("answers") == "queries":
        least = segments["thresholds"].get(spec["name"], segments["score"])
        return f"{spec['kind']}: score {least:.3g} or more"
    return f"stuff: {segments['stuff_area_px']} px or more in a frame"


def _reading(manifest: Mapping[str, Any]) -> Iterator[str]:
    pixels, tiles, cleanup = manifest["preprocessing"], manifest["tiles"], manifest["cleanup"]
    yield "\n## How a frame is read\n"
    yield f"- {pixels['dtype']} frames with the bands {', '.join(pixels['bands'])}, any size from 1 px"
    size = f"{tiles['width']}x{tiles['height']} px, {tiles['overlap_px']} px overlap, {tiles['blend']} blending"
    yield f"- tiles of {size}{_views(tiles)}"
    yield f"- opening {cleanup['opening_radius_px'] or 'off'}, regions under {cleanup['min_area_px']} px removed, " \
          f"holes up to {cleanup['fill_holes_px']} px filled"  # fmt: skip
    if cleanup.get("largest_only"):
        yield f"- only the largest region of a frame stays of {', '.join(cleanup['largest_only'])}"
    if cleanup.get("crf"):
        yield f"- probabilities refined by a dense CRF before they are decided on: {_plain(cleanup['crf'])}"
    if manifest["alerts"]:
        yield f"- alerts: {_plain(manifest['alerts'])}"


def _views(tiles: Mapping[str, Any]) -> str:
    views = Views.from_json(tiles)
    if views.single:
        return ""
    only_mirrored = views == Views(("horizontal",))
    return (
        ", averaged with the mirror image"
        if only_mirrored
        else f", averaged over {views}: {views.cost:.3g} times the work"
    )


def _lineage(manifest: Mapping[str, Any]) -> Iterator[str]:
    yield "\n## Where it comes from\n"
    for key, value in {**manifest["lineage"], "weights": manifest["weights"]["sha256"]}.items():
        if value is not None:
            yield f"- {key.replace('_', ' ')}: `{value}`"
    for key, value in (manifest["training"] or {}).items():
        yield f"- {key.replace('_', ' ')}: {_plain(value)}"


def _scores(manifest: Mapping[str, Any]) -> Iterator[str]:
    yield "\n## Scores\n"
    scores = manifest["scores"]
    if not scores:
        yield "None were measured before the export."
        return
    where = {key: value for key, value in scores.items() if not isinstance(value, Mapping | list)}
    yield f"Measured on {_plain(where)}."
    overall = scores.get("scores", {})
    if overall:
        yield "\n| score | value |\n|---|---|"
        yield from (f"| {name} | {_number(value)} |" for name, value in overall.items())
    by_class = scores.get("classes", {})
    names = list(dict.fromkeys(name for row in by_class.values() for name in row))
    if names:
        yield f"\n| class | {' | '.join(names)} |\n|---|{'---|' * len(names)}"
        for class_name, row in by_class.items():
            yield f"| {class_name} | {' | '.join(_number(row.get(name)) for name in names)} |"


def _cleaning(manifest: Mapping[str, Any]) -> Iterator[str]:
    choice = manifest.get("cleanup_choice")
    if choice:
        yield "\n## How the cleanup was chosen\n"
        yield f"On {choice['frames']} frames, each predicted by a network that had not seen it; {choice['rule']}. "
        before, after = _number(choice["before"]), _number(choice["after"])
        yield f"{choice['score']} {before} before, {after} after, on those frames.\n"
        yield from (f"- {row['setting']}: {row['reason']}" for row in choice["settings"])


def _calibration(manifest: Mapping[str, Any]) -> Iterator[str]:
    calibration = manifest["calibration"]
    if calibration:
        yield "\n## Calibration\n"
        shown = ("target", "kept", "thresholds", "images", "on", "notes")
        yield from (f"- {key}: {_plain(calibration[key])}" for key in shown if calibration.get(key) is not None)
        yield "- the hold-out chose the thresholds, so scores on it flatter them: judge them on another part"


def _parity(manifest: Mapping[str, Any]) -> Iterator[str]:
    yield "\n## Parity\n"
    proof = manifest["parity"]
    if not proof:
        yield "No proof was made."
        return
    if "objects" in proof or "segments" in proof:
        yield from _object_parity(manifest)
        return
    yield f"{proof['exported']} against {proof['reference']} on {proof['frames']} whole frames, from pixels "
    yield f"to cleaned mask: {proof['pixel_share']:.2e} of the pixels differ, probabilities by at most "
    yield f"{proof['largest_probability_difference']:.1e}."
    if proof["thresholds"] != manifest["decision"]["thresholds"]:
        yield "The proof was made with the thresholds of the bundle this one was calibrated from."


def _object_parity(manifest: Mapping[str, Any]) -> Iterator[str]:
    proof = manifest["parity"]
    yield f"{proof['exported']} against {proof['reference']} on {proof['frames']} whole frames, from pixels "
    if "segments" in proof:
        yield f"to segments: {proof['alone']} of {proof['segments']} segments are given by one of them only; "
        yield f"{proof['pixel_share']:.2e} of the pixels are in other segments."
    else:
        yield f"to objects: {proof['alone']} of {proof['objects']} objects are found by one of them only; scores "
        yield f"differ by at most {proof['largest_score_difference']:.1e}."
    if manifest["calibration"] and manifest["calibration"].get("kept"):
        yield "The proof was made with the thresholds of the bundle this one was calibrated from."


def _limits(manifest: Mapping[str, Any]) -> Iterator[str]:
    yield "\n## Limits\n"
    yield "- It answers for the classes above only: anything else is called one of them."
    yield "- Scores hold for frames like those it was measured on; measure again for another camera or part."
    if manifest["cleanup"]["opening_radius_px"]:
        yield "- Opening removes what is thinner than its disk, also where it is real."
    if not (manifest["scores"] or {}).get("images"):
        yield "- Without a number of images beside them, treat scores as unproven."


def _number(value: Any) -> str:
    return "absent" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(_plain(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
