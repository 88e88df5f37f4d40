"""Semantic masks become instance seeds: a dataset of objects, and which of them a person should look at."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast

from segwright.core import (
    Box,
    ClassSpec,
    ClassTable,
    ConfigError,
    DataError,
    InstanceSet,
    LabelMap,
    Listener,
    Problem,
    few,
    label_map_from_instances,
    raise_collected,
    silent,
    tracked,
)
from segwright.data.codecs import FrameShape
from segwright.data.dataset import Dataset, Frame
from segwright.data.masks import InstanceSource, MaskSource, PanopticSource
from segwright.data.splitting import DEFAULT_DEPTH_PX, Region, SplitObjects, split_touching

Reason = Literal["split", "nearly split"]

# Of the depth: a region left whole is worth a look from half of it on.
NEARLY = 0.5


@dataclass(frozen=True)
class Seeds:
    """The labels of `source`, whose class ids are those of `read_as`, as objects; what touches is told apart."""

    source: MaskSource
    read_as: ClassTable
    depth_px: float = DEFAULT_DEPTH_PX

    def split(self, shape: FrameShape, classes: ClassTable) -> SplitObjects:
        """The objects of an image of this shape, and the regions they are of; `classes` as `seed_table` gives them."""
        labels = self.source.read(shape, self.read_as)
        found = split_touching(LabelMap(labels.ids, self._kinds(classes)), self.depth_px)
        own = found.objects
        return replace(found, objects=InstanceSet(own.size, _said(found), classes, own.void))

    def read_instances(self, shape: FrameShape, classes: ClassTable) -> InstanceSet:
        """The objects; those that were split, or nearly, say so in an attribute `seed`."""
        return self.split(shape, classes).objects

    def read(self, shape: FrameShape, classes: ClassTable) -> LabelMap:
        """The classes of things; all other pixels but void are background."""
        return label_map_from_instances(self.read_instances(shape, classes))

    def _kinds(self, classes: ClassTable) -> ClassTable:
        """The table the masks are read by, with the things of `classes` as its things."""
        things = {spec.class_id for spec in classes if spec.kind == "thing"}
        specs = (replace(spec, kind="thing" if spec.class_id in things else "stuff") for spec in self.read_as)
        return replace(self.read_as, classes=tuple(specs))

    @property
    def files(self) -> tuple[Path, ...]:
        """The mask files of the source."""
        return self.source.files

    @property
    def digest(self) -> str:
        """That of the source, and the depth."""
        return f"{self.source.digest} split at {self.depth_px}"


@dataclass(frozen=True)
class Case:
    """A region a person should look at: it was split, or nearly.

    `margin_px` is how far it was from the other answer: what the least clear of its lobes stands out by beyond the
    depth, or what the clearest falls short of it.
    """

    stem: str
    box: Box
    class_id: int
    reason: Reason
    objects: int
    margin_px: float


@dataclass(frozen=True)
class SeedReport:
    """What came of a dataset: regions, objects, the cases least clear first, and what was left out."""

    frames: int
    regions: int
    objects: int
    cases: tuple[Case, ...]
    depth_px: float
    left_out_px: int
    unlabelled: int

    @property
    def split(self) -> tuple[Case, ...]:
        """The regions that were split."""
        return tuple(case for case in self.cases if case.reason == "split")

    def to_json(self) -> dict[str, object]:
        """Counts, and each case."""
        return {
            "frames": self.frames,
            "regions": self.regions,
            "objects": self.objects,
            "split": len(self.split),
            "nearly_split": len(self.cases) - len(self.split),
            "left_out_px": self.left_out_px,
            "unlabelled": self.unlabelled,
            "cases": [
                {
                    "frame": case.stem,
                    "bbox": [case.box.left, case.box.top, case.box.width, case.box.height],
                    "class_id": case.class_id,
                    "reason": case.reason,
                    "objects": case.objects,
                    "margin_px": round(case.margin_px, 3),
                }
                for case in self.cases
            ],
        }


def seed_table(classes: ClassTable, things: Collection[str] = ()) -> ClassTable:
    """The table of the seeds: the classes called `things`, or those of kind thing, and a background.

    Ids stay. A table without a background gets one: what is no object is no longer of a class.

    Raises:
        ConfigError: a name that is no class, or no things at all.
    """
    chosen = {classes[name].class_id for name in things} or {
        spec.class_id for spec in classes.foreground if spec.kind == "thing"
    }
    if not chosen or classes.background_id in chosen:
        rule = "is the background and cannot be counted" if chosen else "has no class of things to make seeds of"
        names = ",".join(spec.name for spec in classes.foreground)
        raise ConfigError.of(
            "class table", rule, allowed="classes of objects", found=classes.describe(), fix=f"add --things {names}"
        )
    background = classes.background_id
    if background is None:
        background = next(at for at in range(len(classes) + 2) if at not in {*classes.ids, classes.void_id})
    name = classes.background or "background"
    kept = [replace(spec, kind="thing") for spec in classes if spec.class_id in chosen]
    return ClassTable((ClassSpec(background, name), *kept), classes.void_id, name)


def seed_dataset(
    dataset: Dataset,
    *,
    things: Collection[str] = (),
    depth_px: float = DEFAULT_DEPTH_PX,
    listener: Listener = silent,
) -> tuple[Dataset, SeedReport]:
    """The labelled frames of `dataset` with objects instead of regions, and what to look at.

    Frames nobody labelled are left out and counted. The objects are found again each time they are read.

    Raises:
        ConfigError: see `seed_table` and `split_touching`.
        DataError: labels that hold objects already, or that cannot be read; all of them.
    """
    table = seed_table(dataset.classes, things)
    labelled = [frame for frame in dataset.frames if frame.mask is not None]
    raise_collected(_with_objects(dataset, labelled))
    seeded = tuple(
        replace(frame, mask=Seeds(frame.mask, dataset.classes, depth_px))
        for frame in labelled
        if frame.mask is not None
    )
    cases: list[Case] = []
    problems: list[Problem] = []
    regions = objects = left_out = 0
    for frame in tracked(seeded, listener, "seeds", len(seeded)):
        try:
            found = cast("Seeds", frame.mask).split(frame.image.shape(), table)
        except DataError as error:
            problems += error.problems
            continue
        regions, objects = regions + len(found.regions), objects + len(found.objects)
        left_out += found.left_out_px
        cases += [case for region in found.regions if (case := _case(frame.stem, region, depth_px)) is not None]
    raise_collected(problems)
    ranked = tuple(sorted(cases, key=lambda case: (case.margin_px, case.stem, case.box)))
    unlabelled = len(dataset) - len(seeded)
    report = SeedReport(len(seeded), regions, objects, ranked, depth_px, left_out, unlabelled)
    return replace(dataset, classes=table, frames=seeded, format="seeds"), report


def _with_objects(dataset: Dataset, frames: Sequence[Frame]) -> list[Problem]:
    names = [frame.stem for frame in frames if isinstance(frame.mask, InstanceSource | PanopticSource)]
    if not names:
        return []
    fix = "write them as they are: segwright data export DATA --to FOLDER --format coco_json"
    return [Problem(str(dataset.root), "says already which pixel is of which object", "class ids", few(names), fix)]


def _case(stem: str, region: Region, depth_px: float) -> Case | None:
    if region.weakest_px is not None:
        reason, margin = "split", region.weakest_px - depth_px
    elif region.strongest_px is not None and region.strongest_px >= NEARLY * depth_px:
        reason, margin = "nearly split", depth_px - region.strongest_px
    else:
        return None
    return Case(stem, region.box, region.class_id, reason, len(region.members), margin)


def _said(found: SplitObjects) -> tuple:
    """The objects; those of a region worth a look carry why."""
    objects = list(found.objects)
    for region in found.regions:
        case = _case("", region, found.depth_px)
        if case is not None:
            for at in region.members:
                said = {"seed": case.reason, "seed_margin_px": f"{case.margin_px:.2f}"}
                objects[at] = replace(objects[at], attributes=said)
    return tuple(objects)
