"""JSON read by compiled code. Only for where `orjson` is installed; Python's own `json` is its plain counterpart."""

from __future__ import annotations

from typing import Any

import orjson


def parsed(text: bytes) -> Any:
    """What the text says. Raises ValueError also for some texts that `json` takes, as NaN."""
    return orjson.loads(text)
