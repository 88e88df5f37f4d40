"""One plan for several processes: the first makes it, and the others are told."""

from __future__ import annotations

from pathlib import Path

from segwright.core import Listener
from segwright.data import Dataset, Split
from segwright.project.schema import Project
from segwright.train.feeds import require_crops
from segwright.train.processes import Processes, require_as_planned
from segwright.train.run import Run
from segwright.train.run_folder import Wanted
from segwright.train.settings import Plan
from segwright.train.start import plan_project, start_run


def planned(
    processes: Processes, project: Project, base: Path, wanted: Wanted, listener: Listener
) -> tuple[Run, Dataset, Split] | None:
    """The new run in the `wanted` folder with its data, in every process; only the first one looks, decides and writes.

    None in the other processes where the first one failed: it raises, and says what is wrong once.

    Raises:
        ConfigError, DataError, ArtefactError: in the first process, as `plan_project` and `start_run`.
    """
    if not processes.is_first:
        told = processes.from_first(None)
        if told is None:
            return None
        run = Run(Path(told["folder"]), Plan.from_json(told["plan"]))
        return run, run.dataset, run.split
    told = None
    try:
        require_as_planned(processes, project.training.devices, project.training.nodes)
        plan, dataset, split = plan_project(project, base, listener)
        require_crops(plan.sampling.batch, processes)
        run = start_run(plan, wanted)
        told = {"folder": str(run.path), "plan": plan.to_json()}
    finally:
        processes.from_first(told)  # also where it failed: the others would wait for ever
    return run, dataset, split
