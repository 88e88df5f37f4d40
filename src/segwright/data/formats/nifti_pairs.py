"""NIfTI pairs: images/CASE.nii.gz with labels/CASE.nii.gz; the slices are the frames."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from segwright.core import ClassTable, DataError, Listener, Problem, few, raise_collected
from segwright.data.class_files import CLASS_FILES, read_class_file
from segwright.data.dataset import Dataset
from segwright.data.formats.format import Format, Options
from segwright.data.formats.nifti_files import NiftiFile, bare_name
from segwright.data.formats.volume_frames import (
    AXIS_HELP,
    Case,
    axis_of,
    frames_of,
    misfits,
    table_from_labels,
    value_mapping,
)
from segwright.data.formats.volume_writing import write_volumes
from segwright.data.listing import Listing

_IMAGES = ("images", "image", "imgs", "img", "volumes")
_LABELS = ("labels", "label", "masks", "mask", "segmentations")


def recognise(listing: Listing) -> str | None:
    """Volumes in images/ with volumes of the same name in labels/."""
    images, labels = _files(listing, {})
    shared = len(images.keys() & labels.keys())
    return f"{shared} NIfTI volumes with labels of the same name" if shared else None


def read(listing: Listing, classes: ClassTable | None, options: Options) -> Dataset:
    """Frames of all slices along `axis`, with the columns case, slice and spacing_x_mm, spacing_y_mm, spacing_z_mm.

    In a slice, the first of the two other axes runs across, the second down. Labels must lie on the grid of their
    image. Volumes without labels and labels without a volume are left out and counted.

    Raises:
        DataError: no pairs, damaged files, labels of another grid; all of them.
        ConfigError: nobody says what the values mean.
    """
    images, labels = _files(listing, options)
    names = sorted(images.keys() & labels.keys())
    if not names:
        raise DataError.of(
            str(listing.root),
            "has no NIfTI volume with labels",
            allowed="images/CASE.nii.gz with labels/CASE.nii.gz",
            found=f"{len(images)} volumes, {len(labels)} labels",
            fix="name the folders: `options: {images: FOLDER, masks: FOLDER}`",
        )
    axis = axis_of(options)
    cases = [Case(name, (NiftiFile(images[name]),), NiftiFile(labels[name])) for name in names]
    raise_collected(problem for case in cases for problem in _checked(case))
    table = classes or _beside(listing) or table_from_labels(cases, options, str(listing.root))
    mapping = value_mapping(table, options)
    frames = tuple(frame for case in cases for frame in frames_of(case, axis, mapping))
    notes = []
    for one, other, what in ((images, labels, "volumes have no labels"), (labels, images, "labels have no volume")):
        alone = sorted(one.keys() - other.keys())
        if alone:
            notes.append(f"{len(alone)} {what} and were left out: {few(alone)}")
    return Dataset(listing.root, table, frames, "nifti_pairs", tuple(notes))


def _checked(case: Case) -> Iterator[Problem]:
    """What is wrong with a case; a file that cannot be read is one of these."""
    try:
        yield from misfits(case)
    except DataError as error:
        yield from error.problems


def _files(listing: Listing, options: Options) -> tuple[dict[str, Path], dict[str, Path]]:
    """Case -> image, and case -> labels; the folder that says which is left out of the case's name."""
    images: dict[str, Path] = {}
    labels: dict[str, Path] = {}
    named = options.get("images"), options.get("masks")
    for name in listing.files:
        bare = bare_name(name)
        if bare is None:
            continue
        path = PurePosixPath(bare)
        for folders, given, into in ((_IMAGES, named[0], images), (_LABELS, named[1], labels)):
            if given is not None and path.is_relative_to(given):
                into[str(path.relative_to(given))] = listing.path(name)
            elif given is None:
                at = next((at for at, part in enumerate(path.parts[:-1]) if part.lower() in folders), None)
                if at is not None:
                    into["/".join([*path.parts[:at], *path.parts[at + 1 :]])] = listing.path(name)
    return images, labels


def _beside(listing: Listing) -> ClassTable | None:
    path = next((listing.path(name) for name in CLASS_FILES if name in listing.files), None)
    return None if path is None else read_class_file(path)


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> None:  # noqa: ARG001
    """images/CASE.nii.gz and labels/CASE.nii.gz of class ids: the slices of a case as one volume, on its own grid.

    A frame that is no slice of a volume becomes a volume of one slice, its bands a fourth axis.

    Raises:
        DataError: slices of a case that are missing, double or of several sizes.
    """
    write_volumes(
        dataset,
        lambda case: folder / "images" / f"{case}.nii.gz",
        lambda case: folder / "labels" / f"{case}.nii.gz",
        listener,
    )


NIFTI_PAIRS = Format(
    recognise,
    read,
    {
        "axis": AXIS_HELP,
        "images": "folder of the volumes, where its name does not tell",
        "masks": "folder of the label volumes, where its name does not tell",
        "map": "values of the labels to rename: [7=void]",
        "classes_from_masks": "true: name the ids found class_1, class_2, ...",
    },
    write,
    frozenset({"void"}),
)
