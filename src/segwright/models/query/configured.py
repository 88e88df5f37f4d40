"""transformers models from a configuration: built without a word on standard error, with ours where theirs is unfit."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from torch import nn

from segwright.core import ConfigError
from segwright.models.query.options import LOSS_OPTIONS

Built = TypeVar("Built")


@contextmanager
def quiet() -> Iterator[None]:
    """transformers writes advice and bars to standard error, not for whoever trains; errors still are exceptions."""
    from transformers.utils import logging as theirs  # takes a second to load, and most networks need it not

    log = logging.getLogger("transformers")
    level, bars = log.level, theirs.is_progress_bar_enabled()
    log.setLevel(logging.CRITICAL)
    theirs.disable_progress_bar()
    try:
        yield
    finally:
        log.setLevel(level)
        if bars:
            theirs.enable_progress_bar()


def built(make: Callable[[], Built], network: str, told: Mapping[str, Any]) -> Built:
    """What `make` gives.

    Raises:
        ConfigError: transformers refuses the configuration (a width that the heads do not divide, for one).
    """
    try:
        with quiet():
            return make()
    except (ValueError, TypeError, KeyError, RuntimeError, AssertionError) as error:
        raise ConfigError.of(
            "model.options",
            f"do not make a network '{network}'",
            allowed="widths that are multiples of the number of heads, and of 32 in Mask2Former",
            found=f"{', '.join(f'{name} {value}' for name, value in told.items())}: {error}".split("\n")[0],
            fix="leave model.options out for the published sizes, or change one at a time",
        ) from error


def architecture(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that make the network what it is: all that were given a value but those of the loss."""
    told = {name: value for name, value in options.items() if name not in LOSS_OPTIONS}
    return {name: value for name, value in told.items() if value not in (None, 0) and name != "configuration"}


def configuration_in(text: str, kind: str) -> dict[str, Any]:
    """The values of a transformers configuration in JSON `text`, which must be of model type `kind` or begin with it.

    Raises:
        ConfigError: it is no JSON object, or the configuration of another kind of model.
    """
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    found = values.get("model_type") if isinstance(values, dict) else "no JSON object"
    if not isinstance(values, dict) or not str(found).startswith(kind):
        raise ConfigError.of(
            "model.weights",
            f"are not those of a network '{kind}'",
            allowed=f"a model whose config.json has model_type {kind}",
            found=str(found),
            fix=f"choose weights of {kind}, or another model.network",
        )
    return values


def without_losses(model: nn.Module) -> nn.Module:
    """The model without transformers' own loss, whose buffers would stand in every checkpoint."""
    model.criterion = nn.Identity()
    return model
