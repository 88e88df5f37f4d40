"""Plan -> run. A plan resolves every setting with a reason; a run executes the plan and nothing else."""

from segwright.train.run import Run, open_run
from segwright.train.settings import Plan
from segwright.train.start import execute, plan_project, start_run

__all__ = ["Plan", "Run", "execute", "open_run", "plan_project", "start_run"]
