"""What a network can be told beside its encoder: checked values, every mistake said at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from segwright.core import ConfigError, Problem, raise_collected
from segwright.models.spec import NetworkSpec


@dataclass(frozen=True, slots=True)
class Option:
    """One option: what it is without being told, what it may be, and what it does in one line.

    `choices` are the values it may have; without them any whole number from `least` on.
    """

    default: Any
    about: str
    choices: tuple[Any, ...] = ()
    least: int = 1

    def takes(self, value: Any) -> bool:
        """Whether `value` may stand for it: true is not 1, and "8" is not 8."""
        if self.choices:
            return any(type(value) is type(choice) and value == choice for choice in self.choices)
        return type(value) is int and value >= self.least

    @property
    def allowed(self) -> str:
        """What may stand for it, as YAML writes it."""
        if self.choices:
            return ", ".join(as_yaml(choice) for choice in self.choices)
        return f"a whole number, {self.least} or more"


def as_yaml(value: Any) -> str:
    """A plain value as it stands in segwright.yaml."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def resolve_options(spec: NetworkSpec, known: Mapping[str, Option]) -> dict[str, Any]:
    """Every option of the network with its value: the spec's, or the default.

    Raises:
        ConfigError: options it does not have (with the nearest it has) and values it cannot take, all at once.
    """
    raise_collected(option_problems(spec, known), ConfigError)
    return {name: spec.options.get(name, option.default) for name, option in known.items()}


def option_problems(spec: NetworkSpec, known: Mapping[str, Option]) -> Iterator[Problem]:
    """A problem for each option of `spec` that is not among `known` or has a value it cannot take."""
    for name, value in spec.options.items():
        place = f"model.options.{name}"
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            fix = f"did you mean model.options.{close[0]}?" if close else f"leave `{name}` out of model.options"
            allowed = ", ".join(known) or "none: it has no options"
            yield Problem(place, f"is not an option of the network '{spec.network}'", allowed, name, fix)
        elif not known[name].takes(value):
            fix = f"model.options.{name}={as_yaml(known[name].default)}, the default"
            yield Problem(place, "has a value it cannot take", known[name].allowed, as_yaml(value), fix)
