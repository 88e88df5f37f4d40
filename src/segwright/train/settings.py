"""The plan's values, grouped: what a run executes and nothing else. Every field is a plain number, name or list."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import PurePath
from typing import Any

from segwright.core import ClassTable
from segwright.infer.cleanup import Cleanup
from segwright.infer.preprocess import Preprocessing
from segwright.infer.tiles import TilePlan
from segwright.models.any_network import AnySpec, spec_from_json
from segwright.train.objects.plan import ObjectPlan
from segwright.train.sampling_plan import SamplingPlan
from segwright.train.schedule import rate_factor

SCHEMA_VERSION = 1
# Each encoder stage below the last learns at this share of the rate of the one above it: general features move least.
# Source for the idea: Howard & Ruder 2018 (ULMFiT), "discriminative fine-tuning", which uses 1/2.6 a layer.
STAGE_RATE = 0.7


@dataclass(frozen=True, slots=True)
class DataPlan:
    """Which frames, by content: changing a mask afterwards is noticed.

    `train_frames` are the hashes of the single images trained on, in order and with spaces between; "" in plans that
    were written before they were kept. Of a store `uri` names the version by its number, and `store_commit` is its
    commit; None for frames that lie in no store.
    """

    uri: str
    format: str
    columns_from: str | None
    columns_csv: str | None
    options: dict[str, Any]
    dataset_hash: str
    split_file: str
    split_hash: str
    split_by: str | None
    part_frames: dict[str, int]
    columns_exif: list[str] = field(default_factory=list)
    columns_dicom: list[str] = field(default_factory=list)
    dicom: str | None = None
    fold: int | None = None
    train_frames: str = ""
    store_commit: str | None = None

    @property
    def store_version(self) -> str | None:
        """The store's name and version with its commit, whatever the folder it lay in; None where there is no store."""
        return None if self.store_commit is None else f"{PurePath(self.uri).name} commit {self.store_commit}"


@dataclass(frozen=True, slots=True)
class LossPlan:
    """Weights of the loss terms (name -> weight, all above 0), and what each is told beside.

    `channels` are the classes of every term that looks at classes and has none of its own in `options` (name -> keyword
    -> value); `class_weights`, one a channel, those of cross-entropy and focal loss.
    """

    weights: dict[str, float]
    channels: tuple[int, ...]
    class_weights: tuple[float, ...] | None
    options: dict[str, dict[str, Any]] = field(default_factory=dict)

    @staticmethod
    def from_json(data: dict[str, Any]) -> LossPlan:
        """The plan in what stands in plan.yaml, also in files written when there were two terms."""
        if "weights" not in data:
            weights = {name: data[name] for name in ("cross_entropy", "dice") if data[name] > 0}
            data = {"weights": weights, "channels": data["dice_channels"], "class_weights": data["class_weights"]}
        return LossPlan(
            dict(data["weights"]),
            tuple(data["channels"]),
            None if data["class_weights"] is None else tuple(data["class_weights"]),
            {name: dict(told) for name, told in data.get("options", {}).items()},
        )


@dataclass(frozen=True, slots=True)
class OptimiserPlan:
    """AdamW; the encoder learns at its own, lower rate; deep stages first where frozen.

    The rate warms up, holds for the share `hold_rate` of the steps, and falls as half a cosine: at once in old plans.

    Each encoder stage below the last learns at `stage_rate` of the rate of the one above it.
    """

    steps: int
    learning_rate: float
    encoder_learning_rate: float
    weight_decay: float
    warmup_steps: int
    clip_gradient: float
    ema_decay: float
    frozen_stages: int
    freeze_batch_norm: bool
    precision: str
    accelerator: str
    seed: int
    stage_rate: float = STAGE_RATE
    compile: bool = False
    hold_rate: float = 0.0

    def rate_factor(self, step: int) -> float:
        """The share of the peak rates at `step`."""
        return rate_factor(step, steps=self.steps, warmup_steps=self.warmup_steps, hold=self.hold_rate)


@dataclass(frozen=True, slots=True)
class DistillPlan:
    """Whom a student learns from: a run by its folder and the hash of its weights; weights of each kind of learning."""

    teacher: str
    teacher_hash: str
    labels: float
    logits: float
    temperature: float
    features: float
    boundary: float
    boundary_px: int
    void: str
    unlabelled: str | None
    unlabelled_share: float


@dataclass(frozen=True, slots=True)
class ProcessPlan:
    """How many processes a machine and how many machines were asked for; "auto" is one, or what was started."""

    devices: int | str = "auto"
    nodes: int | str = "auto"
    strategy: str = "auto"


@dataclass(frozen=True, slots=True)
class ValidationPlan:
    """When the held-out frames are scored, by which score the best checkpoint is chosen, and when to give up."""

    part: str
    every: int
    select: str
    patience: int
    boundary_px: int


@dataclass(frozen=True)
class Plan:
    """Everything a run needs, resolved, with `reasons` (setting -> why). Written to plan.yaml before training."""

    name: str
    task: str
    segwright: str
    classes: ClassTable
    data: DataPlan
    network: AnySpec
    weights: str | None
    preprocessing: Preprocessing
    sampling: SamplingPlan
    loss: LossPlan
    optimiser: OptimiserPlan
    validation: ValidationPlan
    tiles: TilePlan
    cleanup: Cleanup
    alerts: dict[str, Any]
    loggers: tuple[str, ...]
    fingerprint: dict[str, Any]
    reasons: dict[str, str] = field(default_factory=dict)
    objects: ObjectPlan | None = None
    processes: ProcessPlan = ProcessPlan()
    distill: DistillPlan | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values, as they stand in plan.yaml."""
        return _plain(
            {
                "schema_version": SCHEMA_VERSION,
                "name": self.name,
                "task": self.task,
                "segwright": self.segwright,
                "classes": self.classes.to_json(),
                "data": asdict(self.data),
                "network": self.network.to_json(),
                "weights": self.weights,
                "preprocessing": self.preprocessing.to_json(),
                "sampling": asdict(self.sampling),
                "loss": asdict(self.loss),
                "optimiser": asdict(self.optimiser),
                "validation": asdict(self.validation),
                "processes": asdict(self.processes),
                "distill": None if self.distill is None else asdict(self.distill),
                "tiles": self.tiles.to_json(),
                "cleanup": self.cleanup.to_json(),
                **({} if self.objects is None else {"objects": self.objects.to_json()}),
                "alerts": self.alerts,
                "loggers": list(self.loggers),
                "fingerprint": self.fingerprint,
                "reasons": self.reasons,
            }
        )

    @staticmethod
    def from_json(data: dict[str, Any]) -> Plan:
        """The plan in what `to_json` gave.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: a value is missing or has another form.
        """
        return Plan(
            name=data["name"],
            task=data["task"],
            segwright=data["segwright"],
            classes=ClassTable.from_json(data["classes"]),
            data=DataPlan(**data["data"]),
            network=spec_from_json(data["task"], data["network"]),
            weights=data["weights"],
            preprocessing=Preprocessing.from_json(data["preprocessing"]),
            sampling=SamplingPlan.from_json(data["sampling"]),
            loss=LossPlan.from_json(data["loss"]),
            optimiser=OptimiserPlan(**data["optimiser"]),
            validation=ValidationPlan(**data["validation"]),
            tiles=TilePlan.from_json(data["tiles"]),
            cleanup=Cleanup.from_json(data["cleanup"]),
            alerts=data["alerts"],
            loggers=tuple(data["loggers"]),
            fingerprint=data["fingerprint"],
            reasons=data["reasons"],
            objects=None if data.get("objects") is None else ObjectPlan.from_json(data["objects"]),
            processes=ProcessPlan(**data.get("processes", {})),
            distill=DistillPlan(**data["distill"]) if data.get("distill") else None,
        )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
