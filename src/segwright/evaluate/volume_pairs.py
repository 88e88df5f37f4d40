"""Label volumes of predictions beside those of the truth, case by case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from segwright.core import DEFAULT_VOID_ID, ClassSpec, ClassTable, ConfigError, DataError, Problem, raise_collected
from segwright.core.label_map import unknown_ids
from segwright.data.class_files import CLASS_FILES, read_class_file
from segwright.data.codecs.nifti import LabelVolume, is_volume, read_label_volume, volume_stem
from segwright.data.listing import list_files
from segwright.data.workers import in_threads
from segwright.evaluate.sources import few

# Headers hold single precision: two tools that write the same grid differ by less than this, in mm.
AFFINE_SLACK_MM = 1e-3
BACKGROUND = "background"


@dataclass(frozen=True)
class VolumeFiles:
    """Label volumes by stem, from one file or one folder, and the class table that lies with them."""

    place: str
    files: Mapping[str, Path]
    classes: ClassTable | None = None

    @staticmethod
    def open(path: Path) -> VolumeFiles:
        """The volumes at `path`.

        Raises:
            DataError: nothing there, no volume in it, or two of one name.
        """
        if path.is_file() and is_volume(path.name):
            return VolumeFiles(str(path), {volume_stem(path.name): path}, _table_in(path.parent))
        listing = list_files(path) if path.is_dir() else None
        names = [] if listing is None else [name for name in listing.files if is_volume(name)]
        if listing is None or not names:
            there = "nothing there" if not path.exists() else "another file" if listing is None else "none in it"
            raise DataError.of(
                str(path), "holds no label volume", allowed="a .nii or .nii.gz file, or a folder of them", found=there,
                fix="check the path; other formats are converted to NIfTI first",
            )  # fmt: skip
        twice = [stem for stem, count in Counter(map(volume_stem, names)).items() if count > 1]
        raise_collected(
            Problem(f"{path}/{stem}", "has two volumes", "one file a name", stem, "move one of them away")
            for stem in sorted(twice)
        )
        return VolumeFiles(str(path), {volume_stem(name): listing.path(name) for name in names}, _table_in(path))


@dataclass(frozen=True, eq=False)
class VolumePair:
    """One case: prediction and truth of one shape and one grid."""

    stem: str
    prediction: LabelVolume
    truth: LabelVolume
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class VolumePairs:
    """Two places, in the order of the truth; `partners` is the prediction's stem for each stem of the truth."""

    predictions: VolumeFiles
    truth: VolumeFiles
    classes: ClassTable
    partners: Mapping[str, str]
    columns: Mapping[str, Mapping[str, str]]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.truth.files)

    def __iter__(self) -> Iterator[VolumePair]:
        """One after another; raises, at the end, one DataError with everything that cannot be read or compared."""
        problems: list[Problem] = []
        for stem in self.truth.files:
            try:
                yield self.pair(stem)
            except DataError as error:
                problems += error.problems
        raise_collected(problems)

    def pair(self, stem: str) -> VolumePair:
        """One case.

        Raises:
            DataError: a volume cannot be read, has ids nobody named, or another shape or grid than its truth.
        """
        problems: list[Problem] = []
        volumes = []
        for files, name in ((self.predictions, self.partners[stem]), (self.truth, stem)):
            try:
                volumes.append(read_label_volume(files.files[name]))
                problems += _unknown(files.files[name], volumes[-1], self.classes)
            except DataError as error:
                problems += error.problems
        if len(volumes) == 2:
            problems += _other_grid(str(self.predictions.files[self.partners[stem]]), *volumes)
        raise_collected(problems)
        return VolumePair(stem, *volumes, columns=self.columns.get(stem, {}))


def pair_volumes(
    predictions: VolumeFiles,
    truth: VolumeFiles,
    classes: ClassTable | None = None,
    columns: Mapping[str, Mapping[str, str]] | None = None,
) -> VolumePairs:
    """Match predictions with truth by name; two single files need not share one.

    The class table is `classes`, else the one that lies with the truth, else with the predictions, else made from the
    ids in the volumes. Predictions without a truth are left out, with a note.

    Raises:
        DataError: every case without a prediction, at once.
        ConfigError: no class table, and the ids do not tell what they mean.
    """
    partners = {stem: stem for stem in truth.files}
    if len(truth.files) == len(predictions.files) == 1:
        partners = dict(zip(truth.files, predictions.files, strict=True))
    missing = set(partners.values()) - set(predictions.files)
    if missing:
        raise DataError.of(
            predictions.place,
            f"lacks predictions for {len(missing)} of {len(truth.files)} cases",
            allowed=f"a volume of the same name for every case of {truth.place}",
            found=f"missing: {few(missing)}; there: {few(predictions.files, 4)}",
            fix="predict the missing cases, or evaluate only the part that was predicted",
        )
    notes: tuple[str, ...] = ()
    extra = set(predictions.files) - set(partners.values())
    if extra:
        notes = (f"{len(extra)} predictions have no truth and were left out: {few(extra)}",)
    table = classes or truth.classes or predictions.classes
    if table is None:
        files = [*truth.files.values(), *(predictions.files[name] for name in partners.values())]
        table = _table_of_values(truth.place, files)
        notes += ("no class table was given: 0 is the background, classes are named after the ids, 255 is void",)
    return VolumePairs(predictions, truth, table, partners, columns or {}, notes)


def _table_in(folder: Path) -> ClassTable | None:
    return next((read_class_file(folder / name) for name in CLASS_FILES if (folder / name).is_file()), None)


def _table_of_values(place: str, files: list[Path]) -> ClassTable:
    """Classes named after the ids in the files; void is 255."""
    problems: list[Problem] = []
    found: set[int] = set()
    for ids in in_threads(_ids_in, files):
        if isinstance(ids, list):
            problems += ids
        else:
            found |= ids
    raise_collected(problems)
    ids = sorted(found - {DEFAULT_VOID_ID})
    if not ids or ids[-1] > DEFAULT_VOID_ID or (DEFAULT_VOID_ID in found and ids == [0]):
        raise ConfigError.of(
            place, "has no class table, and its ids do not tell what they mean",
            allowed="a class file of lines such as `0 background`, or ids of which 255 is plainly void",
            found=", ".join(map(str, sorted(found)[:12])), fix="say it: --classes FILE",
        )  # fmt: skip
    specs = tuple(ClassSpec(value, BACKGROUND if value == 0 else f"class_{value}") for value in ids)
    return ClassTable(specs, background=BACKGROUND if ids[0] == 0 else None)


def _ids_in(path: Path) -> set[int] | list[Problem]:
    try:
        return set(np.unique(read_label_volume(path).ids).tolist())
    except DataError as error:
        return list(error.problems)


def _unknown(path: Path, volume: LabelVolume, classes: ClassTable) -> Iterator[Problem]:
    unknown = unknown_ids(volume.ids, classes)
    if unknown:
        fix = "add a class for each of them to --classes FILE, or change them to void"
        found = ", ".join(map(str, unknown))
        yield Problem(str(path), "has ids that are not in the class table", classes.describe(), found, fix)


def _other_grid(place: str, prediction: LabelVolume, truth: LabelVolume) -> Iterator[Problem]:
    """Why a prediction does not lie on its truth, voxel by voxel."""
    if prediction.ids.shape != truth.ids.shape:
        allowed, found = (" x ".join(map(str, each.ids.shape)) for each in (truth, prediction))
        fix = "predict at the volume's native size: nothing is resized silently"
        yield Problem(place, "is not of the truth's shape", allowed, found, fix)
    elif not np.allclose(prediction.affine, truth.affine, rtol=0, atol=AFFINE_SLACK_MM):
        allowed, found = _grid(truth), _grid(prediction)
        fix = "write predictions with the header of their image; nothing is turned or resampled silently"
        yield Problem(place, "does not lie on the truth's grid: another affine", allowed, found, fix)


def _grid(volume: LabelVolume) -> str:
    return "; ".join(" ".join(f"{value:g}" for value in row) for row in volume.affine[:3])
