"""What may stand in segwright.yaml. `auto` means: decided by the plan from the data, with a reason written down."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from segwright.core import DEFAULT_VOID_ID, ClassSpec, ClassTable
from segwright.project.distillation import Distill
from segwright.project.losses import Loss
from segwright.project.model import Model
from segwright.project.search import Search
from segwright.project.section import Above, Auto, Count, Level, Positive, Section
from segwright.project.training import Training


def _number_as_text(value: object) -> object:
    """512 as YAML reads it, as the text that stands on the command line."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Length = Annotated[str, BeforeValidator(_number_as_text)]


class Classes(Section):
    """What the ids in the masks mean."""

    names: dict[str, int] = Field(min_length=1, description="class name -> id in the mask files")
    void: int = Field(default=DEFAULT_VOID_ID, description="the id nobody is asked to get right")
    background: str | None = Field(
        default=None, description="the class that means 'nothing here'; null where all are equal"
    )
    things: list[str] = Field(default_factory=list, description="classes whose objects can be counted")
    colours: dict[str, tuple[Level, Level, Level]] = Field(default_factory=dict, description="RGB, for overlays")

    def table(self) -> ClassTable:
        """The class table these settings describe."""
        specs = tuple(
            ClassSpec(class_id, name, "thing" if name in self.things else "stuff", self.colours.get(name))
            for name, class_id in self.names.items()
        )
        return ClassTable(specs, self.void, self.background)


class Data(Section):
    """Where the labelled frames are and which columns describe them."""

    root: str = Field(description="folder or annotation file, relative to segwright.yaml")
    format: str = Field(default="auto", description="auto, or a format: index_png, voc, coco_json and others")
    columns_from: str | None = Field(
        default=None, description="regular expression with named groups over the frame's stem"
    )
    columns_csv: str | None = Field(default=None, description="CSV whose first column names the image")
    columns_exif: list[str] = Field(default_factory=list, description="EXIF tags that become columns")
    columns_dicom: list[str] = Field(default_factory=list, description="DICOM tags that become columns")
    dicom: str | None = Field(default=None, description="folder of the DICOM files; null: where the frames are")
    options: dict[str, str | int | float | bool | list[str]] = Field(default_factory=dict)


class Split(Section):
    """Which frames train and which are held out."""

    file: str = Field(
        default="split.json", description="written by `segwright split`, readable, checked before training"
    )
    by: str | None = Field(
        default=None,
        description="the column, or expression, whose values stay together: line, camera, sequence, patient",
    )
    block: Length | None = Field(default=None, description="cut the time that `by` ends with into blocks: 1h")
    by_block: Length | None = Field(default=None, description="keep squares of a large scene together: 512, 100m")
    position: tuple[str, str] | None = Field(default=None, description="the columns that say where a frame is")
    gap: Length | None = Field(default=None, description="leave out frames of two parts that are nearer than this")
    fold: Count | None = Field(default=None, description="which fold of the file, counted from 0")


class Objects(Section):
    """Which candidates of an instance network become objects."""

    score: float = Field(default=0.5, ge=0, le=1, description="an object needs at least this score")
    thresholds: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(
        default_factory=dict, description="the same by class"
    )
    mask: float = Field(default=0.5, gt=0, lt=1, description="a pixel belongs to an object above this probability")
    overlap: float = Field(default=0.5, ge=0, le=1, description="of two with a higher IoU the surer stays")
    contained: float = Field(default=1.0, ge=0, le=1, description="the same by the smaller one's pixels; 1: off")
    min_area_px: Positive = 1
    most: Positive = Field(default=1000, description="objects a frame, the surest first")


class Segments(Section):
    """What of a panoptic network's answer becomes a segment. `auto`: as the network's authors decided."""

    score: Annotated[float, Field(ge=0, le=1)] | Auto = Field(
        default="auto", description="what a thing, or any query, needs at least"
    )
    thresholds: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(
        default_factory=dict, description="the same by class of things"
    )
    mask: float = Field(default=0.5, gt=0, lt=1, description="a pixel belongs to a mask above this probability")
    keep: Annotated[float, Field(ge=0, le=1)] | Auto = Field(
        default="auto", description="the share of its mask that a segment keeps beside surer ones, or it is dropped"
    )
    stuff_area_px: Positive | Auto = Field(default="auto", description="smaller stuff in a frame is dropped")


class Inference(Section):
    """How a whole frame is read: tiles of one size, overlapping, blended by a window."""

    objects: Objects = Objects()
    segments: Segments = Segments()
    tile: Positive | Auto = "auto"
    overlap_px: Count | Auto = "auto"
    blend: Literal["gaussian", "constant"] = "gaussian"
    flips: bool | list[Literal["horizontal", "vertical"]] = Field(
        default=False, description="average each tile with its mirror images; true: the horizontal one, twice the time"
    )
    quarter_turns: bool = Field(default=False, description="average over the four quarter turns: four times the time")
    scales: list[Above] = Field(
        default=[1.0], min_length=1, description="sizes at which each tile is read, averaged: [0.75, 1, 1.25]"
    )


class Crf(Section):
    """A dense conditional random field, as `segwright.infer.crf.Crf`: lengths in px, levels of 0..255."""

    iterations: Positive = 5
    near_px: float = Field(default=3.0, ge=1)
    near_weight: float = Field(default=3.0, ge=0)
    far_px: float = Field(default=60.0, ge=1)
    levels: float = Field(default=10.0, ge=1)
    alike_weight: float = Field(default=5.0, ge=0)


class Cleanup(Section):
    """Morphology after the decision, per class. Opening deletes lines thinner than its disk: leave thin classes out."""

    opening_radius_px: dict[str, Count] = Field(default_factory=dict)
    min_area_px: Count | dict[str, Count] = 0
    fill_holes_px: Count = 0
    largest_only: list[str] = Field(default_factory=list, description="classes of which only the largest region stays")
    crf: bool | Literal["auto"] | Crf = Field(
        default="auto", description="dense CRF before the decision; auto: off, but tried by `segwright train --folds`"
    )


class Alerts(Section):
    """When a frame is rejected: the area of these classes, as a share of the part, above a limit."""

    classes: list[str] = Field(default_factory=list, description="empty: every class but the background")
    area_percent: float = Field(default=2.0, ge=0, le=100)
    per_class_percent: dict[str, float] = Field(default_factory=dict)
    part: Literal["background", "frame"] | list[str] = Field(
        default="frame",
        description="the part's pixels: the whole frame, some classes, or what stands out from the belt",
    )


class Lint(Section):
    """Which lint rules this project knows better than."""

    ignore: list[str] = Field(
        default_factory=list, description="codes or names of rules that neither training nor `segwright lint` judges"
    )


class Project(Section):
    """segwright.yaml."""

    name: str = "segwright"
    task: Literal["semantic", "instance", "panoptic", "auto"] = "semantic"
    classes: Classes
    data: Data
    split: Split = Split()
    model: Model = Model()
    loss: Loss = Loss()
    distill: Distill = Distill()
    training: Training = Training()
    inference: Inference = Inference()
    cleanup: Cleanup = Cleanup()
    alerts: Alerts = Alerts()
    lint: Lint = Lint()
    search: Search = Search()

    @model_validator(mode="after")
    def _known_classes(self) -> Project:
        named = {
            "classes.background": [self.classes.background] if self.classes.background else [],
            "classes.things": self.classes.things,
            "classes.colours": list(self.classes.colours),
            "cleanup.opening_radius_px": list(self.cleanup.opening_radius_px),
            "cleanup.min_area_px": list(self.cleanup.min_area_px) if isinstance(self.cleanup.min_area_px, dict) else [],
            "cleanup.largest_only": self.cleanup.largest_only,
            "alerts.classes": self.alerts.classes,
            "alerts.per_class_percent": list(self.alerts.per_class_percent),
            "alerts.part": self.alerts.part if isinstance(self.alerts.part, list) else [],
            "loss.class_weights": list(self.loss.class_weights) if isinstance(self.loss.class_weights, dict) else [],
            **{f"training.{key}": names for key, names in self.training.chosen_classes().items()},
            **{f"loss.{key}": names for key, names in self.loss.chosen_classes().items() if isinstance(names, list)},
        }
        foreign = [
            f"{key} names '{name}'" for key, names in named.items() for name in names if name not in self.classes.names
        ]
        if foreign:
            raise ValueError(f"{'; '.join(foreign)}: not among {', '.join(self.classes.names)}")
        return self
