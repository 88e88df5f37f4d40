"""What `segwright evaluate` scores of objects: the predictions and their truth, opened once and shown again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwright.cli.evaluation.sides import columns_of

if TYPE_CHECKING:
    from segwright.cli.evaluation.sides import AskedPart
    from segwright.core import ClassTable, Listener
    from segwright.evaluate.domains import ColumnSource, KnownColumns
    from segwright.evaluate.instances import InstancePairs
    from segwright.evaluate.objects import ObjectEvaluation
    from segwright.evaluate.panoptic import PanopticPairs
    from segwright.evaluate.report.object_pictures import ObjectPanel, PicturesByName

RULES = {"instance": ("coco", "lvis"), "panoptic": ("coco", "bdd100k")}


@dataclass(frozen=True)
class ObjectSides:
    """Both sides of an instance or a panoptic task; `rule` is how they are scored, `images` where pictures are."""

    pairs: InstancePairs | PanopticPairs
    rule: Any
    columns: ColumnSource | KnownColumns
    images: Path | None
    frames: PicturesByName | None = None  # where a model was asked: the dataset's own pictures
    asked: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def evaluated(self, listener: Listener) -> ObjectEvaluation:
        """The scores."""
        from segwright.evaluate.instances import InstancePairs, evaluate_instance_pairs
        from segwright.evaluate.panoptic import evaluate_panoptic_pairs

        if isinstance(self.pairs, InstancePairs):
            found = evaluate_instance_pairs(self.pairs, columns=self.columns, listener=listener)
            provenance = {**found.provenance, **self.asked}
            return replace(found, provenance=provenance, notes=(*self.notes, *found.notes))
        found = evaluate_panoptic_pairs(self.pairs, rule=self.rule, columns=self.columns, listener=listener)
        known = {**found.provenance, **self.asked}
        return replace(found, provenance=known, notes=(*self.notes, *found.notes))

    def check(self, conditions: Sequence[str]) -> None:
        """Refuse conditions that will name nothing, before any frame is scored; raises as `gate.parse`."""
        from segwright.data.listing import stem_of
        from segwright.evaluate.gate import parse
        from segwright.evaluate.instances import InstancePairs
        from segwright.evaluate.preview import preview_instances, preview_panoptic

        if isinstance(self.pairs, InstancePairs):
            names = [stem_of(picture.name) for picture in self.pairs.frames.truth.pictures]
            described, _ = self.columns.of(names, self.pairs.place)
            parse(preview_instances(self.pairs, list(described.values())), conditions)
        else:
            described, _ = self.columns.of(self.pairs.true.stems, self.pairs.true.place)
            parse(preview_panoptic(self.pairs.classes, self.rule, list(described.values())), conditions)

    def frame_images(self, evaluation: ObjectEvaluation, listener: Listener) -> PicturesByName:
        """The pictures of the scored frames; those that are missing are counted in a note to the listener."""
        from segwright.core import Note
        from segwright.evaluate.report.object_pictures import FrameImages, name_of

        if self.frames is not None:
            return self.frames
        names = [name_of(row) for row in evaluation.details["frames"]]
        images = FrameImages.in_folder(self.images, names)
        missing = len(names) - len(images.paths)
        if self.images is not None and missing:
            listener(Note("evaluate", f"{missing} of {len(names)} frames have no image in {self.images}", "warning"))
        return images

    def panels(self, evaluation: ObjectEvaluation, listener: Listener) -> Iterator[ObjectPanel]:
        """The worst frames, painted one at a time."""
        from segwright.evaluate.instances import InstancePairs
        from segwright.evaluate.report.instance_panels import instance_panels
        from segwright.evaluate.report.panoptic_panels import panoptic_panels

        images = self.frame_images(evaluation, listener)
        if isinstance(self.pairs, InstancePairs):
            return instance_panels(evaluation, self.pairs, images)
        return panoptic_panels(evaluation, self.pairs, images)


def model_sides(given: Mapping[str, Any], model: Path, listener: Listener) -> ObjectSides:
    """A run or bundle that finds objects beside the part of the data it is asked about, predicted here.

    Raises:
        ConfigError: options of stored predictions beside a model, frames it was trained on.
        DataError: everything that cannot be read.
    """
    from segwright.cli.evaluation.sides import asked_part, refuse_mixed
    from segwright.evaluate.instances.predicted import predicted_objects, ranking
    from segwright.infer.objects import ObjectPredictor, PanopticPredictor

    of_model = given["data"], given["split"], given["part"], given["fold"]
    refuse_mixed(model, of_model, [given[name] for name in ("predictions", "truth", "classes", "map_", "images")])
    part = asked_part(model, of_model, columns_of(given))
    if isinstance(part.predictor, PanopticPredictor):
        return _panoptic_sides(part, given["rule"] or RULES["panoptic"][0], listener)
    assert isinstance(part.predictor, ObjectPredictor)
    ranked = replace(part.predictor, decision=ranking(part.predictor.decision))
    kinds: Any = given["kind"] or ("mask", "box")
    rule = given["rule"] or RULES["instance"][0]
    asked = predicted_objects(ranked, part.dataset, kinds=kinds, rule=rule, listener=listener)
    pairs = replace(asked.pairs, known={**asked.pairs.known, "truth": str(part.dataset.root)})
    notes = (*part.notes, *asked.notes)
    return ObjectSides(pairs, rule, asked.columns, None, asked.images, part.known, notes)


def _panoptic_sides(part: AskedPart, rule: str, listener: Listener) -> ObjectSides:
    """What a panoptic model says of a part of the data, beside its truth."""
    from segwright.evaluate.panoptic.predicted import predicted_segments

    asked = predicted_segments(part.predictor, part.dataset, listener)
    return ObjectSides(asked.pairs, rule, asked.columns, None, asked.images, part.known, (*part.notes, *asked.notes))


def sides_of(given: Mapping[str, Any]) -> ObjectSides:
    """Both sides, opened; `given` are the options.

    Raises:
        ConfigError: a missing side, no such rule, no class table.
        DataError: everything that cannot be read.
    """
    from segwright.data.class_files import read_class_file
    from segwright.evaluate.instances import pair_instances
    from segwright.evaluate.panoptic import pair_panoptic

    task, predictions, truth = given["task"], given["predictions"], given["truth"]
    table = None if given["classes"] is None else read_class_file(given["classes"])
    rule = given["rule"] or RULES[task][0]
    if task == "panoptic" and _is_dataset(truth):
        return _against_dataset(given, table, rule)
    if task == "panoptic":
        pairs: Any = pair_panoptic(predictions, truth, table)
    else:
        kinds = given["kind"] or ("mask", "box")
        pairs = pair_instances(predictions, _true_objects(truth, table), kinds=kinds, rule=rule, class_table=table)
        pairs = replace(pairs, known={**pairs.known, "truth": str(truth)})
    return ObjectSides(pairs, rule, columns_of(given), given["images"])


def _is_dataset(truth: Path) -> bool:
    """Whether a project file or a store is named, which says itself how its labels are read."""
    from segwright.cli.datasets import is_project
    from segwright.data.store import is_store

    return is_project(truth) or is_store(str(truth))


def _against_dataset(given: Mapping[str, Any], table: ClassTable | None, rule: str) -> ObjectSides:
    """Stored maps beside the segments of a dataset, whatever its labels say; frames are known by their stems."""
    from segwright.cli.datasets import dataset_at
    from segwright.evaluate.panoptic import open_panoptic
    from segwright.evaluate.panoptic.pairs import pair_sources
    from segwright.evaluate.panoptic.predicted import DatasetSegments

    true = DatasetSegments.of(dataset_at(given["truth"], classes=table))
    pairs = pair_sources(open_panoptic(given["predictions"], true.classes), true)
    given_columns = given["columns"] or given["columns_csv"]
    columns = columns_of(given) if given_columns else true.columns
    return ObjectSides(pairs, rule, columns, given["images"], None if given["images"] else true.images)


def _true_objects(truth: Path, table: ClassTable | None) -> Path | Mapping[str, Any]:
    """The truth as `pair_instances` takes it: COCO's file, or the objects of a dataset in any other format."""
    from segwright.cli.datasets import dataset_at, is_project
    from segwright.data.store import is_store
    from segwright.evaluate.instances.from_dataset import dataset_content

    if truth.is_dir() or is_project(truth) or is_store(str(truth)):
        return dataset_content(dataset_at(truth, classes=table))
    return truth
