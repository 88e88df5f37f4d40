"""A run folder as an object: its plan, its best weights, its data."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from torch import nn

from segwright.core import ArtefactError, ClassTable, ConfigError
from segwright.data import Dataset, Split, open_with_settings, read_split
from segwright.infer.objects import (
    CandidatesOfQueries,
    ObjectDecision,
    ObjectPredictor,
    ObjectRuntime,
    PanopticPredictor,
)
from segwright.infer.predictor import Predictor
from segwright.infer.runtimes.torch_runtime import (
    TorchObjectRuntime,
    TorchQueryRuntime,
    TorchRegionRuntime,
    TorchRuntime,
)
from segwright.models.any_network import build_any
from segwright.models.query import QueryNetwork
from segwright.train.checkpoint import BEST, load_weights, write_atomically
from segwright.train.hardware import device_named
from segwright.train.settings import SCHEMA_VERSION, Plan

PLAN_FILE = "plan.yaml"
OBJECTS_FIX = "name another run; what finds objects is scored by segwright evaluate, and predicts from its bundle"


@dataclass(frozen=True)
class Run:
    """`runs/NAME/`: read-only. `module()` and `predictor()` hold the best checkpoint's averaged weights."""

    path: Path
    plan: Plan

    @property
    def classes(self) -> ClassTable:
        return self.plan.classes

    @cached_property
    def plan_hash(self) -> str:
        """sha256 of plan.yaml as it lies there."""
        return hashlib.sha256((self.path / PLAN_FILE).read_bytes()).hexdigest()

    def module(self) -> nn.Module:
        """The network in evaluation mode, float32, on the CPU; it answers as its task's networks do."""
        network = build_any(self.plan.network)
        network.load_state_dict(load_weights(self.path / "checkpoints" / BEST))
        return network.eval()

    def predictor(self, device: str | None = None) -> Predictor:
        """The whole pipeline in torch, float32, on `device`: "cpu", "cuda", "mps"; None is this machine's best.

        An export is compared with the pipeline on the CPU: a GPU may round the same convolutions differently.

        Raises:
            ConfigError: this machine has no such device.
            ArtefactError: the run has no best checkpoint, or one of another network.
        """
        network: Any = self.module().to(device_named(device))
        if self.plan.objects is not None:
            fixed = f"this reads a class for every pixel, and {self.path} finds objects"
            raise ConfigError.of("run", fixed, allowed="a run of task semantic", found=self.plan.task, fix=OBJECTS_FIX)
        return Predictor(
            TorchRuntime(network, channels=len(self.classes), stride_px=network.stride_px),
            self.classes,
            self.plan.preprocessing,
            self.plan.tiles,
            cleanup=self.plan.cleanup,
        )

    def object_predictor(self, device: str | None = None) -> ObjectPredictor:
        """As `predictor`, of a run of task instance."""
        return object_predictor(self.plan, self.module().to(device_named(device)))

    def panoptic_predictor(self, device: str | None = None) -> PanopticPredictor:
        """As `predictor`, of a run of task panoptic."""
        return panoptic_predictor(self.plan, self.module().to(device_named(device)))

    def task_predictor(self, device: str | None = None) -> Predictor | ObjectPredictor | PanopticPredictor:
        """The pipeline of the run's task."""
        of_task = {"instance": self.object_predictor, "panoptic": self.panoptic_predictor}
        return of_task.get(self.plan.task, self.predictor)(device)

    @cached_property
    def dataset(self) -> Dataset:
        """The frames the run was made from; their present content may differ from `plan.data.dataset_hash`."""
        return open_with_settings(self.plan.data.uri, self.plan.data, self.classes)

    @cached_property
    def split(self) -> Split:
        return read_split(Path(self.plan.data.split_file), self.plan.data.fold)

    @property
    def evaluation(self) -> dict[str, Any] | None:
        """The final evaluation of the validation part, or None where the run has not finished."""
        path = self.path / "evaluation.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def object_predictor(plan: Plan, network: nn.Module, decision: ObjectDecision | None = None) -> ObjectPredictor:
    """The pipeline of a plan of task instance around `network`, on the network's device, in float32."""
    assert plan.objects is not None
    queries = isinstance(network, QueryNetwork)
    runtime: ObjectRuntime = CandidatesOfQueries(TorchQueryRuntime(network)) if queries else TorchObjectRuntime(network)
    decision = decision or plan.objects.decision
    return ObjectPredictor(runtime, plan.classes, plan.preprocessing, plan.tiles, decision)


def panoptic_predictor(plan: Plan, network: nn.Module) -> PanopticPredictor:
    """The same of a plan of task panoptic."""
    assert plan.objects is not None
    assert plan.objects.segments is not None
    runtime = TorchQueryRuntime(network) if isinstance(network, QueryNetwork) else TorchRegionRuntime(network)
    return PanopticPredictor(runtime, plan.classes, plan.preprocessing, plan.tiles, plan.objects.segments)


def open_run(path: str | Path) -> Run:
    """The run in the folder `path`.

    Raises:
        ArtefactError: no plan.yaml there, not readable, or of another schema version.
    """
    folder = Path(path)
    return Run(folder, read_plan(folder / PLAN_FILE))


def read_plan(path: Path) -> Plan:
    """The plan in a plan.yaml."""
    fix = "name a folder that `segwright train` wrote, such as runs/NAME"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArtefactError.of(
            str(path.parent), "is not a run", allowed="a folder with plan.yaml", found="none", fix=fix
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ArtefactError.of(str(path), "is not YAML", found=str(error).replace("\n", " "), fix=fix) from None
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version != SCHEMA_VERSION:
        raise ArtefactError.of(
            str(path),
            "has another schema version",
            allowed=str(SCHEMA_VERSION),
            found=str(version),
            fix="train again with this segwright",
        )
    try:
        return Plan.from_json(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        found = f"no {error}" if isinstance(error, KeyError) else str(error)
        fix = "put plan.yaml back as `segwright train` wrote it, or start a new run: a plan is not edited"
        raise ArtefactError.of(
            str(path), "is not a whole plan", allowed="what `segwright train --plan` writes", found=found, fix=fix
        ) from error


def write_plan(path: Path, plan: Plan) -> None:
    """plan.yaml: every value, then every reason."""
    head = f"# The plan of run '{plan.name}': what training executes. Reasons stand at the end.\n"
    text = head + yaml.safe_dump(plan.to_json(), sort_keys=False, allow_unicode=True, width=110)
    write_atomically(path, lambda part: part.write_text(text, encoding="utf-8"))
