"""Compiled loops over pixels and masks. Import a module of this package only where `compiled()` says yes.

Each kernel has a plain counterpart beside its caller that gives the same numbers without numba (`segwright[fast]`
installs it); tests hold the two together. Kernels release the interpreter lock and are compiled once a machine.
"""

from functools import cache
from importlib.util import find_spec


@cache
def compiled() -> bool:
    """Whether numba is installed."""
    return find_spec("numba") is not None
