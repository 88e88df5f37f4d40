"""What the formats of volumes have in common: cases, their slices as frames, and what does not fit together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from segwright.core import ClassSpec, ClassTable, ConfigError, Problem, few
from segwright.data.dataset import Frame
from segwright.data.formats.format import Options, id_of, renamings
from segwright.data.formats.nifti_files import NiftiFile
from segwright.data.volumes import VolumeLabels, VolumeSlice, voxels_of

_LOOKED_AT = 12
AXIS_HELP = "the axis of the file along which the slices lie: 0, 1 or 2 (default)"


@dataclass(frozen=True)
class Case:
    """One volume with its channels and its labels, where there are any."""

    name: str
    channels: tuple[NiftiFile, ...]
    labels: NiftiFile | None


def axis_of(options: Options) -> int:
    """The option `axis`.

    Raises:
        ConfigError: another value than 0, 1, 2.
    """
    axis = options.get("axis", 2)
    if axis in (0, 1, 2) and not isinstance(axis, bool):
        return int(axis)
    fix = "leave it out for the last axis"
    raise ConfigError.of("options: axis", "is no axis", allowed="0, 1, 2", found=str(axis), fix=fix)


def misfits(case: Case) -> Iterator[Problem]:
    """Channels and labels that do not lie on the grid of the first channel."""
    first = case.channels[0]
    others = [*case.channels[1:], *([case.labels] if case.labels is not None else [])]
    for other in others:
        if other.shape[:3] != first.shape[:3]:
            allowed, found = ("x".join(str(side) for side in one.shape[:3]) for one in (first, other))
            fix = "export it on the image's grid, or move the pair away: is it another organ, or another visit?"
            yield Problem(str(other), f"has another size than {first.path.name}", allowed, found, fix)
        elif not np.allclose(other.affine, first.affine, atol=1e-2):
            fix = "resample it to the image's grid; nothing is moved silently"
            rule = f"lies elsewhere than {first.path.name}: the affine transforms differ"
            found = f"up to {float(np.abs(other.affine - first.affine).max()):.3g} apart"
            yield Problem(str(other), rule, "one grid for image and labels", found, fix)


def frames_of(case: Case, axis: int, mapping: Mapping[int, int]) -> Iterator[Frame]:
    """A frame for each slice: CASE/012, or CASE alone where there is one slice."""
    first = case.channels[0]
    count = first.shape[axis]
    digits = len(str(count - 1))
    spacing = {f"spacing_{name}_mm": f"{side:g}" for name, side in zip("xyz", first.spacing_mm, strict=False)}
    for index in range(count):
        stem = case.name if count == 1 else f"{case.name}/{index:0{digits}d}"
        mask = None if case.labels is None else VolumeLabels(case.labels, axis, index, mapping)
        columns = {"case": case.name, "slice": str(index), **spacing}
        yield Frame(stem, VolumeSlice(case.channels, axis, index), mask, columns)


def table_from_labels(cases: Sequence[Case], options: Options, place: str) -> ClassTable:
    """`class_0, class_1, ...` where the user agreed to that, else the error that shows what to paste.

    Raises:
        ConfigError: `classes_from_masks` is not set.
    """
    labels = [case.labels for case in cases if case.labels is not None]
    values: set[int] = set()
    for volume in labels[:: max(1, len(labels) // _LOOKED_AT)]:
        values.update(int(value) for value in np.unique(voxels_of(volume)))
    ids = sorted(values - {255})
    if options.get("classes_from_masks") and ids and ids[0] >= 0 and ids[-1] < 255:
        background = "background" if ids[0] == 0 else None
        names = ("background" if value == 0 else f"class_{value}" for value in ids)
        specs = (ClassSpec(value, name) for value, name in zip(ids, names, strict=True))
        return ClassTable(tuple(specs), background=background)
    names = ", ".join("background: 0" if value == 0 else f"class_{value}: {value}" for value in ids[:24])
    raise ConfigError.of(
        place,
        "has no class table: nobody says what the values in the labels mean",
        allowed="`classes:` in segwright.yaml, a file classes.txt, or `options: {classes_from_masks: true}`",
        found=f"values {few([str(value) for value in sorted(values)])}",
        fix=f"paste and rename: classes: {{names: {{{names}}}}}, or `options: {{classes_from_masks: true}}`",
    )


def value_mapping(table: ClassTable, options: Options) -> dict[int, int]:
    """The option `map`: values of the label volumes to class ids.

    Raises:
        ConfigError: something else than a number is renamed.
    """
    renamed = renamings(options.get("map"))
    strange = [text for text in renamed if not text.isdigit()]
    if strange:
        fix = "write the number that stands in the labels first"
        raise ConfigError.of("options: map", "renames no number", allowed="[7=void]", found=few(strange), fix=fix)
    return {int(text): id_of(becomes, table) for text, becomes in renamed.items()}
