"""Processes that the tests of this room start: what is in the checkout, one thread each, offline."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.contracts.repository import ROOT


def python(module: str, *words: object) -> subprocess.CompletedProcess[str]:
    """`python -m MODULE WORDS`, once it has ended."""
    own = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    command = [sys.executable, "-m", module, *map(str, words)]
    return subprocess.run(command, env={**os.environ, **own}, cwd=ROOT, capture_output=True, text=True, check=False)


def torchrun(module: str, *words: object) -> subprocess.CompletedProcess[str]:
    """The same in two processes that know of each other."""
    return python("torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", module, *words)
