"""Slices back into volumes: the frames of a case, stacked along the axis they were cut from."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segwright.core import DataError, Listener, Problem, raise_collected, tracked
from segwright.data.dataset import Dataset, Frame
from segwright.data.formats.nifti_files import write_nifti
from segwright.data.volumes import VolumeSlice

Placer = Callable[[str], Path]


@dataclass(frozen=True)
class Stack:
    """The frames of one volume, in order along `axis`; a frame that is no slice is a stack of one."""

    name: str
    frames: tuple[Frame, ...]
    axis: int
    affine: npt.NDArray

    @property
    def labelled(self) -> bool:
        """Whether every slice has labels."""
        return all(frame.mask is not None for frame in self.frames)


def stacks_of(dataset: Dataset) -> list[Stack]:
    """The frames of a dataset as volumes.

    Raises:
        DataError: slices that are missing, or labelled only in part; all of them.
    """
    groups: dict[tuple, list[Frame]] = defaultdict(list)
    for frame in dataset.frames:
        source = frame.image
        whole = (source.volumes, source.axis) if isinstance(source, VolumeSlice) else (frame.stem,)
        groups[whole].append(frame)
    stacks = [_stack(frames) for frames in groups.values()]
    raise_collected(problem for stack in stacks for problem in _gaps(stack))
    return stacks


def _stack(frames: list[Frame]) -> Stack:
    first = frames[0].image
    if not isinstance(first, VolumeSlice):
        return Stack(frames[0].stem, tuple(frames), 2, np.eye(4))
    ordered = sorted(frames, key=lambda frame: frame.image.index)  # type: ignore[attr-defined]
    stem = ordered[0].stem
    single = first.volumes[0].shape[first.axis] == 1
    return Stack(stem if single else stem.rpartition("/")[0], tuple(ordered), first.axis, first.volumes[0].affine)


def _gaps(stack: Stack) -> Iterator[Problem]:
    source = stack.frames[0].image
    fix = "write whole cases: split by the column case"
    if isinstance(source, VolumeSlice) and len(stack.frames) != source.volumes[0].shape[source.axis]:
        rule, allowed = "lacks slices of its volume", f"{source.volumes[0].shape[source.axis]} slices"
        yield Problem(stack.name, rule, allowed, str(len(stack.frames)), fix)
    if not stack.labelled and any(frame.mask is not None for frame in stack.frames):
        found = f"{sum(frame.mask is not None for frame in stack.frames)} of {len(stack.frames)} slices"
        yield Problem(stack.name, "is labelled in part", "labels for all slices or for none", found, fix)


def write_volumes(
    dataset: Dataset, image_at: Placer, labels_at: Placer, listener: Listener, numbers: npt.NDArray | None = None
) -> list[Stack]:
    """An image volume and a label volume for each stack; `numbers` (65536) says what is written for each class id.

    Raises:
        DataError: as `stacks_of`, or files that cannot be read or written.
    """
    stacks = stacks_of(dataset)
    for stack in tracked(stacks, listener, "writing", len(stacks), "volumes"):
        _write_image(stack, image_at(stack.name))
        if stack.labelled:
            ids = [dataset.read_labels(frame).ids for frame in stack.frames]
            voxels = _stacked(ids if numbers is None else [numbers[one] for one in ids], stack.axis)
            write_nifti(labels_at(stack.name), voxels, stack.affine)
    return stacks


def _write_image(stack: Stack, target: Path) -> None:
    """The file itself where the volume is one, else the slices, stacked; a fourth axis is bands."""
    source = stack.frames[0].image
    own = source.volumes[0].paths if isinstance(source, VolumeSlice) and len(source.volumes) == 1 else ()
    if len(own) == 1 and own[0].name.endswith(".nii.gz"):
        _copy(own[0], target)
        return
    pixels = [frame.image.read()[0].pixels for frame in stack.frames]
    kinds = {(one.dtype.str, one.shape[2:]) for one in pixels}
    if len(kinds) > 1:
        fix = "convert the slices to one pixel type"
        found = ", ".join(str(kind) for kind in sorted(kinds))
        raise DataError.of(stack.name, "has slices of several pixel types", allowed="one", found=found, fix=fix)
    flat = [one[..., 0] if one.shape[2] == 1 else one for one in pixels]
    write_nifti(target, _stacked(flat, stack.axis), stack.affine)


def _copy(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    except OSError as error:
        found, fix = error.strerror or str(error), "free space, or choose another folder"
        raise DataError.of(str(target), "cannot be written", allowed="room", found=found, fix=fix) from error


def _stacked(planes: Sequence[npt.NDArray], axis: int) -> npt.NDArray:
    """Slices (height, width, ...) as a volume: what `volumes.plane` cut, put together again."""
    return np.stack([np.swapaxes(one, 0, 1) for one in planes], axis=axis)
