"""Elements of inline SVG, as text."""

from __future__ import annotations

from html import escape


def element(tag: str, content: str = "", **attributes: float | str) -> str:
    """`stroke_width=2` becomes `stroke-width="2"`; floats have two digits after the point. `content` is SVG itself."""
    pairs = []
    for name, value in attributes.items():
        text = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
        pairs.append(f' {name.rstrip("_").replace("_", "-")}="{escape(text, quote=True)}"')
    return f"<{tag}{''.join(pairs)}>{content}</{tag}>" if content else f"<{tag}{''.join(pairs)}/>"
