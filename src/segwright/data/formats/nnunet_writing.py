"""Writing nnU-Net raw: volumes as NIfTI, other frames as PNG."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segwright.core import RGB, ClassTable, DataError, Listener, tracked
from segwright.data.codecs.writing import write_values
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.format import Options
from segwright.data.formats.placing import place_image
from segwright.data.formats.volume_writing import write_volumes
from segwright.data.volumes import VolumeSlice
from segwright.data.workers import in_threads

JSON = "dataset.json"
STEMS = "segwright_stems"  # case -> stem, where a stem is no name for a case
_BANDS: dict[tuple[str, ...], list[str]] = {RGB: ["R", "G", "B"]}


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> None:  # noqa: ARG001
    """imagesTr/CASE_0000.*, labelsTr/CASE.* and dataset.json; background is 0, classes count from 1, ignore is last.

    Slices of volumes become volumes again (.nii.gz), other frames pictures (.png). A case is named as its stem is, with
    __ for each /. Frames without labels go to imagesTs/.

    Raises:
        DataError: pictures that PNG does not hold, frames of several bands, slices that are missing.
    """
    volumes = [isinstance(frame.image, VolumeSlice) for frame in dataset.frames]
    numbers = _numbers(dataset.classes)
    if volumes and all(volumes):
        written = _write_volumes(dataset, folder, numbers, listener)
    else:
        written = _write_pictures(dataset, folder, numbers, listener)
    channels, cases, ending, has_void = written
    labels = {"background": 0, **{spec.name: int(numbers[spec.class_id]) for spec in dataset.classes.foreground}}
    if has_void:
        labels["ignore"] = int(numbers[dataset.classes.void_id])
    data = {
        "channel_names": {str(at): name for at, name in enumerate(channels)},
        "labels": labels,
        "numTraining": len([name for name in (folder / "labelsTr").glob("*") if name.is_file()]),
        "file_ending": ending,
        STEMS: {case: stem for case, stem in cases.items() if case != stem},
    }
    (folder / JSON).write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _numbers(table: ClassTable) -> npt.NDArray:
    """What is written for each class id: consecutive from 1, the background 0, void the highest."""
    kind = np.uint8 if len(table.foreground) < 255 else np.uint16
    numbers = np.zeros(65536, kind)
    for at, spec in enumerate(table.foreground, start=1):
        numbers[spec.class_id] = at
    numbers[table.void_id] = len(table.foreground) + 1
    return numbers


def _case(stem: str) -> str:
    return stem.replace("/", "__")


Written = tuple[list[str], dict[str, str], str, bool]


def _write_volumes(dataset: Dataset, folder: Path, numbers: npt.NDArray, listener: Listener) -> Written:
    has_void = any(
        frame.mask is not None and (dataset.read_labels(frame).ids == dataset.classes.void_id).any()
        for frame in dataset.frames
    )
    labelled = {frame.stem.rpartition("/")[0] for frame in dataset.frames if frame.mask is not None}
    labelled |= {frame.stem for frame in dataset.frames if frame.mask is not None}

    def image_at(name: str) -> Path:
        return folder / ("imagesTr" if name in labelled else "imagesTs") / f"{_case(name)}_0000.nii.gz"

    stacks = write_volumes(
        dataset, image_at, lambda name: folder / "labelsTr" / f"{_case(name)}.nii.gz", listener, numbers
    )
    return ["volume"], {_case(stack.name): stack.name for stack in stacks}, ".nii.gz", has_void


def _write_pictures(dataset: Dataset, folder: Path, numbers: npt.NDArray, listener: Listener) -> Written:
    def placed(frame: Frame) -> tuple[tuple[str, ...], bool]:
        case = _case(frame.stem)
        part = "imagesTr" if frame.mask is not None else "imagesTs"
        name = place_image(replace(frame, stem=f"{case}_0000"), folder / part, (".png",))
        if not name.endswith(".png"):
            rule, fix = "has pixels that PNG does not hold", "write the format nifti_pairs, which holds any"
            raise DataError.of(str(frame.image), rule, allowed="8 or 16 bits, grey or RGB", found=name, fix=fix)
        bands = frame.image.read()[0].bands
        if frame.mask is None:
            return bands, False
        ids = dataset.read_labels(frame).ids
        write_values(folder / "labelsTr" / f"{case}.png", numbers[ids])
        return bands, bool((ids == dataset.classes.void_id).any())

    found = list(tracked(in_threads(placed, dataset.frames), listener, "writing", len(dataset)))
    kinds = sorted({bands for bands, _ in found})
    if len(kinds) > 1:
        rule, fix = "have different bands", "convert the images to grey or to RGB, all of them"
        shown = "; ".join(", ".join(bands) for bands in kinds)
        raise DataError.of("frames", rule, allowed="the same channels for every case", found=shown, fix=fix)
    channels = _BANDS.get(kinds[0], list(kinds[0])) if kinds else []
    cases = {_case(frame.stem): frame.stem for frame in dataset.frames}
    return channels, cases, ".png", any(void for _, void in found)
