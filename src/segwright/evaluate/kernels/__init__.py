"""Compiled loops over pixels and masks. Import a module of this package only where `compiled()` says yes.

Each kernel has a plain counterpart beside its caller that gives the same numbers without numba (`segwright[fast]`
installs it); tests hold the two together. Kernels release the interpreter lock and are compiled once a machine.
"""

import sys
from functools import cache
from importlib.util import find_spec

# To load numba and its cached kernels takes a third of a second, once a process. Fewer instances than these are scored
# sooner without (benchmarks/scores_instances.py: about 130 images of COCO with masks; with boxes alone there is little
# between the two up to 500).
ENOUGH_OBJECTS = 5_000


def pays(objects: int) -> bool:
    """Whether kernels are the quicker way for so many instances: numba is installed, and loaded or worth loading."""
    return compiled() and ("numba" in sys.modules or objects >= ENOUGH_OBJECTS)


@cache
def compiled() -> bool:
    """Whether numba is installed."""
    return find_spec("numba") is not None
