"""What a value of segwright.yaml should have been and what it is, in the words of the file, not of the library."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml

_SHOWN_CHARACTERS = 120


def _limit(name: str, words: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda context: words.format(_number(context[name]))


# pydantic's error type -> what is allowed; every type that the schema's fields can give
_ALLOWED: dict[str, str | Callable[[Mapping[str, Any]], str]] = {
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), "a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    "string_type": "text",
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "lines of `name: value` below it"),
    **dict.fromkeys(("list_type", "tuple_type"), "a list: [a, b]"),
    "literal_error": lambda context: str(context["expected"]).replace("'", ""),
    "greater_than": _limit("gt", "a number above {}"),
    "greater_than_equal": _limit("ge", "{} or more"),
    "less_than": _limit("lt", "a number below {}"),
    "less_than_equal": _limit("le", "{} or less"),
    "too_short": _limit("min_length", "at least {} of them"),
    "too_long": _limit("max_length", "{} values, no more"),
}


def allowed(rows: Sequence[Mapping[str, Any]]) -> str:
    """What a value may be, from the errors of all the types it might have had."""
    texts = [_allowed(row) for row in rows]
    return ", or ".join(dict.fromkeys(texts))


def _allowed(row: Mapping[str, Any]) -> str:
    known = _ALLOWED.get(row["type"])
    if known is None:
        return str(row["msg"]).removeprefix("Input should be ")
    return known if isinstance(known, str) else known(row.get("ctx", {}))


def shown(value: Any) -> str:
    """A value as it stands in YAML; text in quotes, so that '3' and 3 differ."""
    if isinstance(value, str):
        return repr(value)[:_SHOWN_CHARACTERS]
    try:
        text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=_SHOWN_CHARACTERS)
    except yaml.YAMLError:
        text = repr(value)
    return text.removesuffix("...\n").strip()[:_SHOWN_CHARACTERS]


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
