"""What `gpu.py` measures of whole trainings: crops a second with the real feed, and the time to a stated score."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice, repeat
from pathlib import Path

import torch

from segwright.core import Measured, silent
from segwright.core.events import Event
from segwright.data import Dataset, Split
from segwright.models import build_network
from segwright.train import Plan, execute, start_run
from segwright.train.devices import Devices
from segwright.train.feed import Batch
from segwright.train.feeds import feed_of
from segwright.train.history import History
from segwright.train.loop import Judges, _fresh_state, _Loop
from segwright.train.processes import ALONE
from segwright.train.query_objective import labels_objective
from segwright.train.teaching import taught

Row = tuple[str, str, str, str]
AIM = 0.9
TARGET_MIOU = 0.81  # the guide's figure on the held-out line


@dataclass(frozen=True)
class Endless:
    """One batch that is on the device already, over and over: what a step costs where nothing has to be fetched."""

    held: Batch

    def batches(self) -> Iterator[Batch]:
        return repeat(self.held)


def feed_rows(plan: Plan, data: tuple[Dataset, Split], folder: Path, *, warm_up: int, steps: int) -> Iterator[Row]:
    """Crops a second through the product's own step: with its feed, and with a batch resident on the device."""
    devices = Devices.of(plan, [], ALONE)
    feed = feed_of(plan, *data, ALONE, silent)
    network = build_network(plan.network)
    devices.fabric.to_device(network)
    state = _fresh_state(plan, network.to(memory_format=torch.channels_last), torch.nn.Module())
    if plan.optimiser.compile:
        state.network.compile()
    judges = Judges(taught(plan, network, devices.fabric.device, labels_objective(network, plan.loss)), lambda _: {})
    loop = _Loop(plan, state, feed, judges, devices, folder, History(folder / "history.jsonl"), silent)
    loop._ready()
    crops = plan.sampling.batch
    held = feed.batch(0)
    held = replace(held, frames=devices.fabric.to_device(held.frames), target=devices.fabric.to_device(held.target))
    resident = _crops_a_second(loop, Endless(held).batches(), crops, warm_up, steps)
    real = _crops_a_second(loop, feed.batches(0, warm_up + steps + 1), crops, warm_up, steps)
    how = f"{plan.optimiser.precision}, channels last, torch.compile {'on' if plan.optimiser.compile else 'off'}"
    what = f"training {plan.network.encoder} at {plan.sampling.crop} px, {how}"
    yield (
        f"{what}: crops/s with feed and augmentation",
        f"{real:.1f}",
        f"{resident:.1f} (resident)",
        f"{real / resident:.2f}",
    )
    verdict = "reached" if real / resident >= AIM else "missed"
    yield f"share of the resident rate, aim {AIM}", verdict, f"{plan.sampling.workers} feed threads", ""


def _crops_a_second(loop: _Loop, batches: Iterator[Batch], crops: int, warm_up: int, steps: int) -> float:
    for batch in islice(batches, warm_up):
        loop._learn(batch)
    _finished()
    started = time.perf_counter()
    for batch in islice(batches, steps):
        loop._learn(batch)
    loop._read_losses()
    _finished()
    return crops * steps / (time.perf_counter() - started)


def _finished() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def time_to_score_rows(plan: Plan, data: tuple[Dataset, Split], folder: Path, target: float) -> Iterator[Row]:
    """Seconds from the first step to the first validation round at `target` or above, validation included."""
    started = time.perf_counter()
    reached: list[tuple[int, float, float]] = []
    best = 0.0

    def watch(event: Event) -> None:
        nonlocal best
        if isinstance(event, Measured) and event.stage == "validation":
            score = event.values.get("pooled_miou") or 0.0
            best = max(best, score)
            if score >= target and not reached:
                reached.append((event.step, time.perf_counter() - started, score))

    execute(start_run(plan, folder), *data, listener=watch)
    what = f"{len(data[1].stems('train'))} training frames: time to mIoU {target:.2f} on the validation part"
    if reached:
        step, seconds, score = reached[0]
        yield what, f"{seconds:.0f} s (step {step}, mIoU {score:.3f})", "", ""
    else:
        yield what, f"not reached in {plan.optimiser.steps} steps (best {best:.3f})", "", ""
