"""One step of a network of objects, alone or as one of several processes: `python gradient_worker.py RUN ...`.

The first process writes what the whole batch was judged, and the gradient that a step would take, as RUN.pt.
"""

from __future__ import annotations

import sys

import torch

from segwright.core import silent
from segwright.models.any_network import build_any
from segwright.models.query import QueryNetwork
from segwright.train import Run, open_run
from segwright.train.devices import Devices
from segwright.train.objects.feed import Told
from segwright.train.objects.segment_task import segment_feed
from segwright.train.objects.segments import segment_targets
from segwright.train.objects.task import OwnObjective, object_feed
from segwright.train.processes import Processes, joined
from segwright.train.query_objective import QueryObjective

STEPS = 2


def one_step(run: Run, processes: Processes, step: int) -> dict[str, torch.Tensor]:
    """Loss, terms and gradients (by name) of the batch of `step`, by networks with the same weights everywhere."""
    plan = run.plan
    torch.manual_seed(6)  # no unit at rest to within rounding: there a gradient has two values
    network = build_any(plan.network)
    asked = isinstance(network, QueryNetwork)
    told = Told.objects(plan.classes, segment_targets) if asked else None
    objective = QueryObjective.of(network.options) if asked else OwnObjective()
    stems = run.split.parts["train"]
    if plan.task == "panoptic":
        feed = segment_feed(plan, run.dataset, stems, processes=processes)
    else:
        feed = object_feed(plan, run.dataset, stems, told=told, processes=processes)
    devices = Devices.of(plan, [], processes)
    devices.prepare(network, silent)
    network.train()
    called = devices.wrapped(network)
    batch = feed.own_batch(step)
    with devices.sharing_batch():
        total, terms = objective(called, batch.frames, batch.target, devices.fabric.autocast)
    total.backward()
    found = {f"term {name}": value for name, value in {"loss": total.detach(), **terms}.items()}
    for name, value in network.named_parameters():
        found[name] = torch.zeros_like(value) if value.grad is None else value.grad
    return found


def main(paths: list[str]) -> None:
    torch.set_num_threads(1)
    with joined() as processes:
        for path in paths:
            found = [one_step(open_run(path), processes, step) for step in range(STEPS)]
            if processes.is_first:
                torch.save(found, f"{path}.pt")


if __name__ == "__main__":
    main(sys.argv[1:])
