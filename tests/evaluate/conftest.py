"""Laws are checked on tiny maps; how long one example takes says more about the machine's load than about the code."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("evaluate", deadline=None, max_examples=60)
settings.load_profile("evaluate")
