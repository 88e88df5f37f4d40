"""A reader of pages that fails where tags do not close in order."""

from __future__ import annotations

from html.parser import HTMLParser


class Balanced(HTMLParser):
    """`open` is empty once a well-formed page was fed."""

    VOID_TAGS = frozenset({"meta", "img", "br", "line", "circle", "rect", "polyline", "path", "link", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID_TAGS:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        if tag not in self.VOID_TAGS:
            assert self.open.pop() == tag
