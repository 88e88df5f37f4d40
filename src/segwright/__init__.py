"""segwright: from labelled frames to a watched segmentation model on the line.

`load` opens a bundle, `evaluate` scores predictions, `open_dataset` reads labelled frames. Importing the package
loads neither torch nor OpenCV: each of the three pulls in its room on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from segwright._version import __version__

if TYPE_CHECKING:
    from segwright.data import open_dataset
    from segwright.evaluate import evaluate
    from segwright.infer import load

_HOMES = {"evaluate": "segwright.evaluate", "load": "segwright.infer", "open_dataset": "segwright.data"}

__all__ = ["__version__", "evaluate", "load", "open_dataset"]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'segwright' has no attribute '{name}'")
