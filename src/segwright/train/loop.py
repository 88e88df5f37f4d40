"""The training loop: batches, steps, validation rounds, checkpoints. It executes a plan and decides nothing else."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from segwright.core import ArtefactError, Listener, Measured, Note, Progress
from segwright.models.trainable import Trainable
from segwright.train.average import averaged
from segwright.train.checkpoint import BEST, LAST, load_state, remove_leftovers, save_state, save_weights
from segwright.train.devices import Devices
from segwright.train.feed import Batch, Batches
from segwright.train.guard import Guard
from segwright.train.hard_places import HardPlaces
from segwright.train.history import History
from segwright.train.objective import PER_CROP, Objective
from segwright.train.progress import Pace, said_of_round, write_progress
from segwright.train.settings import Plan
from segwright.train.sharded import Sharding, load_whole, load_whole_optimiser, whole_state
from segwright.train.transfer import freeze, parameter_groups

SAVE_EVERY_SECONDS = 60.0
REPORTS_PER_ROUND = 5
# Frozen stages are thawed after this many rounds without a better score, and at the latest at this share of the steps.
THAW_AFTER_STALE_ROUNDS = 2
THAW_LATEST = 0.25
# Reading a loss waits for the accelerator to finish every step before it; a CPU has always finished.
READ_EVERY_STEPS = 10

Validate = Callable[[nn.Module], dict[str, Any]]


@dataclass(frozen=True)
class Judges:
    """What is good: `objective` says so of a batch while learning, `validate` of a network on held-out frames.

    `class_score` names what `validate` says of each class.
    """

    objective: Objective
    validate: Validate
    class_score: str = "iou"


@dataclass
class TrainingState:
    """What a checkpoint holds: everything that makes the next step what it is."""

    network: Trainable
    average: AveragedModel
    optimiser: torch.optim.Optimizer
    guard: Guard
    frozen_stages: int
    scaler: torch.amp.GradScaler
    step: int = 0
    stopped: bool = False
    sums: dict[str, float] = field(default_factory=dict)  # of the loss terms since the last report
    summed: int = 0
    hard: HardPlaces | None = None
    learned: nn.Module = field(default_factory=nn.Module)  # of the objective, beside the network
    sharding: Sharding | None = None

    def judged(self) -> nn.Module:
        """The averaged network, whole: what is validated and kept. Every process must call it."""
        return self.average.module if self.sharding is None else self.sharding.gathered(self.average.module)

    def save(self, path: Path, *, write: bool = True) -> None:
        """Write everything to `path`, with torch's random state on the CPU. Every process must call it; one writes.

        Raises:
            ArtefactError: the file cannot be written.
        """
        state = {
            "network": whole_state(self.network.state_dict()),
            "average": whole_state(self.average.state_dict()),
            "optimiser": whole_state(self.optimiser.state_dict()),
            "guard": self.guard.state(),
            "frozen_stages": self.frozen_stages,
            "step": self.step,
            "stopped": self.stopped,
            "scaler": self.scaler.state_dict(),
            "sums": self.sums,
            "summed": self.summed,
            "random": torch.get_rng_state(),
            **({} if self.hard is None else {"hard": self.hard.state()}),
            "learned": self.learned.state_dict(),
        }
        if write:
            save_state(path, state)

    def restore(self, path: Path) -> None:
        """Take everything from the file `save` wrote; sets torch's random state on the CPU.

        Raises:
            ArtefactError: no checkpoint there, a damaged one, or one of another network or optimiser.
        """
        state = load_state(path)
        try:
            load_whole(self.network, state["network"])
            load_whole(self.average, state["average"])
            load_whole_optimiser(self.optimiser, state["optimiser"])
            self.scaler.load_state_dict(state["scaler"])
            self.guard = Guard.from_state(state["guard"])
            self.frozen_stages, self.step, self.stopped = state["frozen_stages"], state["step"], state["stopped"]
            self.sums, self.summed = state["sums"], state["summed"]
            if self.hard is not None:
                self.hard.restore(state["hard"])
            torch.set_rng_state(state["random"])
            self.learned.load_state_dict(state.get("learned", {}))  # older checkpoints have none
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise ArtefactError.of(
                str(path),
                "does not belong to this plan",
                found=str(error).split("\n")[0],
                fix="start a new run with `segwright train`",
            ) from error


def run_training(
    plan: Plan,
    network: Trainable,
    feed: Batches,
    judges: Judges,
    devices: Devices,
    folder: Path,
    *,
    resume: bool,
    listener: Listener,
) -> TrainingState:
    """Train `network` as `plan` says, or go on from `folder`'s last checkpoint; returns the final state.

    `checkpoints/best.safetensors` holds the averaged weights of the best round, `last.pt` the state to resume from.
    A resumed run ends with the same weights as an undisturbed one on the same machine and thread count. Of several
    processes each learns from its slots of a batch, and the first one writes.
    """
    devices.fabric.to_device(network)
    devices.prepare(network, listener)
    learned = judges.objective.learned or nn.Module()
    devices.fabric.to_device(learned)
    state = _fresh_state(plan, network.to(memory_format=torch.channels_last), learned, devices)
    state.hard = feed.hard
    history = History(folder / "history.jsonl")
    if resume:
        state.restore(folder / "checkpoints" / LAST)
    devices.same_random_start(plan.optimiser.seed, state.step)
    devices.processes.wait()  # until every one has read what the first is about to replace
    if devices.processes.is_first:
        remove_leftovers(folder / "checkpoints")
        history.rewind(state.step)
    if plan.optimiser.compile:
        state.network.compile()
    if resume:
        listener(Note("training", f"resumed after step {state.step} of {plan.optimiser.steps}"))
    loop = _Loop(plan, state, feed, judges, devices, folder, history, listener)
    if not state.stopped:
        loop.run()
    return state


def _fresh_state(plan: Plan, network: Trainable, learned: nn.Module, devices: Devices) -> TrainingState:
    settings = plan.optimiser
    average = averaged(network, settings.ema_decay)
    sharding = devices.sharded(network, average)
    groups = parameter_groups(
        network,
        learning_rate=settings.learning_rate,
        encoder_learning_rate=settings.encoder_learning_rate,
        weight_decay=settings.weight_decay,
        stage_rate=settings.stage_rate,
    )
    if beside := list(learned.parameters()):
        rate = settings.learning_rate
        groups.append({"params": beside, "peak": rate, "lr": rate, "weight_decay": settings.weight_decay})
    optimiser = torch.optim.AdamW(groups, fused=True)
    # fp16 cannot hold small gradients; bf16 and fp32 can, and their scaler does nothing.
    device = next(network.parameters()).device.type
    scaler = torch.amp.GradScaler(device, enabled=settings.precision == "fp16")
    state = TrainingState(network, average, optimiser, Guard(), settings.frozen_stages, scaler, learned=learned)
    state.sharding = sharding
    return state


def _read_every(device: torch.device) -> int:
    """After how many steps the losses are read."""
    return 1 if device.type == "cpu" else READ_EVERY_STEPS


@dataclass
class _Loop:
    plan: Plan
    state: TrainingState
    feed: Batches
    judges: Judges
    devices: Devices
    folder: Path
    history: History
    listener: Listener

    def __post_init__(self) -> None:
        self._unread: list[tuple[int, dict[str, torch.Tensor]]] = []  # (step, terms) still on the device
        self._model: nn.Module = self.state.network
        self._read_every = _read_every(self.devices.fabric.device)
        self._pace = Pace(self.state.step)
        self._last: dict[str, float] = {}  # report
        self._saved = time.monotonic()

    def run(self) -> None:
        """Learn from the state's step to the last one, or until validation has stalled for `patience` rounds."""
        steps = self.plan.optimiser.steps
        self._ready()
        self.listener(Progress("training", self.state.step, steps, "steps"))
        for batch in self.feed.batches(self.state.step, steps):
            self._learn(batch)
            self.state.step = batch.step + 1
            self._report()
            if self.state.frozen_stages and self.state.step >= THAW_LATEST * steps:
                self._thaw(f"{self.state.step / steps:.0%} done")
            if self._round_is_due():
                self._validation_round()
                if self.state.stopped:
                    break
            elif self._save_is_due():
                self._save_last()

    def _ready(self) -> None:
        self.state.network.train()
        freeze(self.state.network, self.state.frozen_stages, batch_norm=self.plan.optimiser.freeze_batch_norm)
        self._model = self.devices.wrapped(self.state.network)

    def _learn(self, batch: Batch) -> None:
        settings, state, fabric = self.plan.optimiser, self.state, self.devices.fabric
        factor = settings.rate_factor(batch.step)
        for group in state.optimiser.param_groups:
            group["lr"] = group["peak"] * factor
        frames = fabric.to_device(batch.frames).contiguous(memory_format=torch.channels_last)
        target = fabric.to_device(batch.target)
        with self.devices.sharing_batch():
            loss, terms = self.judges.objective(self._model, frames, target, fabric.autocast)
        state.optimiser.zero_grad(set_to_none=True)
        state.scaler.scale(loss).backward()
        self.devices.average_gradients(state.learned)
        state.scaler.unscale_(state.optimiser)
        nn.utils.clip_grad_norm_(state.network.parameters(), settings.clip_gradient)
        state.scaler.step(state.optimiser)
        state.scaler.update()
        state.average.update_parameters(state.network)
        scalars = {name: term for name, term in terms.items() if name != PER_CROP}
        if state.hard is not None and PER_CROP in terms:
            state.hard.observe(batch.step, batch.places, terms[PER_CROP])
        self._unread.append((batch.step, {"loss": loss.detach(), **scalars}))
        if len(self._unread) >= self._read_every:
            self._read_losses()

    def _read_losses(self) -> None:
        """Add the terms of the steps not read yet to the sums, in one wait for the device.

        Raises:
            ArtefactError: a loss is not a finite number. No checkpoint holds what came of it: this is called
                before each is written.
        """
        if not self._unread:
            return
        names = list(self._unread[0][1])
        rows = torch.stack([torch.stack([terms[name] for name in names]) for _, terms in self._unread]).tolist()
        steps = [step for step, _ in self._unread]
        self._unread.clear()
        for step, row in zip(steps, rows, strict=True):
            self._check_finite(row[names.index("loss")], step)
            for name, value in zip(names, row, strict=True):
                self.state.sums[name] = self.state.sums.get(name, 0.0) + value
            self.state.summed += 1

    def _check_finite(self, loss: float, step: int) -> None:
        if not math.isfinite(loss):
            raise ArtefactError.of(
                f"step {step}",
                "the loss is not a finite number",
                found=str(loss),
                fix="start a new run with a lower training.learning_rate or with training.precision=fp32; "
                "the checkpoints written so far stay as they are",
            )

    def _report(self) -> None:
        state, step, steps = self.state, self.state.step, self.plan.optimiser.steps
        waiting = self.feed.waited_seconds / max(self._pace.seconds_training, 1e-9)
        due = step % max(1, self.plan.validation.every // REPORTS_PER_ROUND) == 0 or step == steps
        if due:
            self._read_losses()
        means = {name: value / state.summed for name, value in state.sums.items()}
        loss = f"loss {means['loss']:.3f}  " if means else ""
        self.listener(Progress("training", step, steps, "steps", f"{loss}waiting {waiting:.0%}"))
        if due:
            rates = [group["lr"] for group in state.optimiser.param_groups]
            row = {**means, "learning_rate": max(rates), "waiting_share": waiting}
            self._log(step, "train", row)
            self._last = row
            self._write_progress()
            state.sums, state.summed = {}, 0

    def _round_is_due(self) -> bool:
        step = self.state.step
        return step % self.plan.validation.every == 0 or step == self.plan.optimiser.steps

    def _validation_round(self) -> None:
        started = time.perf_counter()
        self._read_losses()
        judged = self.state.judged()
        scores = self.judges.validate(judged)
        selected = scores["scores"].get(self.plan.validation.select)
        verdict = self.state.guard.judge(self.state.step, selected, scores["class_iou"])
        if verdict.collapsed:
            names = ", ".join(verdict.collapsed)
            text = (
                f"step {self.state.step}: {self.plan.validation.select} rose to {selected:.3f}, but not kept as best: "
            )
            self.listener(Note("validation", f"{text}{names} collapsed", "warning"))
        select = self.plan.validation.select
        called = "IoU" if self.judges.class_score == "iou" else self.judges.class_score
        said = said_of_round(select, selected, scores["class_iou"], self.state.guard, called)
        self.listener(Note("validation", f"step {self.state.step}: {said}{self._patience_left()}"))
        by_class = {f"{self.judges.class_score}/{name}": value for name, value in scores["class_iou"].items()}
        row = {**scores["scores"], **by_class}
        if verdict.best and self.devices.processes.is_first:
            save_weights(self.folder / "checkpoints" / BEST, judged.state_dict())
        self._thaw_or_stop()
        self._write_progress()  # whoever hears of the round may look: it must know the best score and a stop by then
        self._log(self.state.step, "validation", row)
        self._save_last()
        self._ready()
        self._pace.round_took(time.perf_counter() - started)
        self._write_progress()

    def _patience_left(self) -> str:
        stale, patience = self.state.guard.stale_rounds, self.plan.validation.patience
        return f"; stops early after {patience - stale} more rounds like this" if 0 < stale < patience else ""

    def _write_progress(self) -> None:
        if not self.devices.processes.is_first:
            return
        state, steps, validation = self.state, self.plan.optimiser.steps, self.plan.validation
        row = {
            "step": state.step,
            "steps": steps,
            "state": "stopped early" if state.stopped else "finished" if state.step == steps else "training",
            "seconds_left": self._pace.seconds_left(state.step, steps, validation.every),
            "loss": self._last.get("loss"),
            "waiting_share": self._last.get("waiting_share"),
            "select": validation.select,
            "patience": validation.patience,
            "frozen_stages": state.frozen_stages,
        }
        write_progress(self.folder, row, state.guard)

    def _thaw(self, why: str) -> None:
        self.listener(Note("training", f"step {self.state.step}: all encoder stages learn from here ({why})"))
        self.state.frozen_stages, self.state.guard.stale_rounds = 0, 0
        self._ready()

    def _thaw_or_stop(self) -> None:
        state, steps = self.state, self.plan.optimiser.steps
        stale = state.guard.stale_rounds
        if state.frozen_stages and stale >= THAW_AFTER_STALE_ROUNDS:
            self._thaw(f"no better score for {stale} rounds")
        elif stale >= self.plan.validation.patience and state.step < steps:
            self.listener(Note("training", f"stopped at step {state.step}: no better score for {stale} rounds"))
            state.stopped = True

    def _save_is_due(self) -> bool:
        late = time.monotonic() - self._saved > SAVE_EVERY_SECONDS
        if self.state.sharding is None:
            return late
        # shards are gathered by all or by none, and each has a clock of its own
        return self.state.step % READ_EVERY_STEPS == 0 and self.devices.processes.from_first(late)

    def _save_last(self) -> None:
        self._read_losses()
        self.state.save(self.folder / "checkpoints" / LAST, write=self.devices.processes.is_first)
        self._saved = time.monotonic()

    def _log(self, step: int, kind: str, values: dict[str, float | None]) -> None:
        if not self.devices.processes.is_first:
            return  # all have the same values
        self.history.append({"step": step, "kind": kind, **values})
        self.listener(Measured(kind, step, values))
        numbers = {f"{kind}/{name}": value for name, value in values.items() if value is not None}
        for logger in self.devices.fabric.loggers:
            logger.log_metrics(numbers, step)
