"""One tiny project and one finished run of it, shared by this room's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from segwright.data import Dataset, Split
from segwright.project import read_project
from segwright.train import Plan, Run, execute, plan_project, start_run
from segwright.train.finish import finish
from tests.train.tiny import write_project


class Tiny(NamedTuple):
    """A project file with what its plan was made from."""

    project: Path
    plan: Plan
    dataset: Dataset
    split: Split


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    project = write_project(tmp_path_factory.mktemp("tiny"))
    return Tiny(project, *plan_project(read_project(project), project.parent))


@pytest.fixture(scope="session")
def finished(tiny: Tiny) -> Run:
    """The undisturbed run of the tiny project, trained and scored."""
    run = start_run(tiny.plan, tiny.project.parent / "runs" / "undisturbed")
    execute(run, tiny.dataset, tiny.split)
    finish(run, tiny.dataset)
    return run
