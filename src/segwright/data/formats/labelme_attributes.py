"""What LabelMe says of an object: words of its own, or `name=value, name="a, b"` of exports as LabelMe 3.0."""

from __future__ import annotations

import re
from collections.abc import Mapping

_WORD = r'"(?:[^"\\]|\\.)*"|[^",=\s](?:[^",=]*[^",=\s])?'
_PAIR = re.compile(rf"\s*(?P<name>{_WORD})\s*=\s*(?P<value>{_WORD}|)\s*(?:,|$)")
_PLAIN = re.compile(r'[^",=\s\\](?:[^",=\\]*[^",=\s\\])?')


def attributes_of(text: str) -> dict[str, str]:
    """Attributes by name; a text that is no list of pairs is the attribute called `attributes`."""
    text = text.strip()
    if not text:
        return {}
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        pair = _PAIR.match(text, at)
        if pair is None:
            return {"attributes": text}
        found[_bare(pair["name"])] = _bare(pair["value"])
        at = pair.end()
    return found


def text_of(attributes: Mapping[str, str]) -> str:
    """What `attributes_of` gives back as it was."""
    free = attributes.get("attributes", "")
    if len(attributes) == 1 and free and attributes_of(free) == {"attributes": free}:
        return free
    return ", ".join(f"{_quoted(name)}={_quoted(value)}" for name, value in attributes.items())


def _quoted(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _bare(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL) if text.startswith('"') else text
