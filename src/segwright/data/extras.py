"""Libraries that only some formats need: imported when the first file asks for them."""

from __future__ import annotations

import importlib
from typing import Any

from segwright.core import DependencyMissing


def imported(module: str, extra: str, what: str) -> Any:
    """The module, or the error that says which extra of segwright brings it.

    Raises:
        DependencyMissing: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise DependencyMissing.of(
            module,
            f"is not installed, and {what} need it",
            allowed=f"the extra '{extra}'",
            found=str(error),
            fix=f"pip install 'segwright[{extra}]'",
        ) from error
