r"""The small language of `--by`: which text of a frame's columns says what stays together.

    keys      = term { "," term }                     a combined key: frames stay together where all terms agree
    term      = sum [ "if" sum ("==" | "!=") sum "else" term ]
    sum       = piece { "+" piece }                   texts put one after the other
    piece     = (COLUMN | `any column` | "text" | "(" term ")") { "[" slice "]" | "~" pattern }

`time[:10]` is the first ten characters. `camera~(\d+)` is the group of a regular expression searched in the column, the
whole match where it has no group; a pattern ends at a blank or a comma outside its brackets, unless it stands in
quotes. Nothing is evaluated as Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NoReturn, Protocol

from segwright.core import ConfigError

_NAME = re.compile(r"[\w][\w.\-]*")
_SLICE = re.compile(r"\[\s*(-?\d+)?\s*(:?)\s*(-?\d+)?\s*\]")
_RESERVED = frozenset({"if", "else"})
_EXAMPLES = "COLUMN, A,B, time[:10], camera~(\\d+), line + '-' + shift, sequence if camera == 'A' else session"
_MOST_NESTED = 50

Columns = Mapping[str, str]


class NoTextError(Exception):
    """Why a term gives nothing for a frame: a column it does not have, or a pattern that is not found."""


class Term(Protocol):
    """Something that gives a text for the columns of a frame."""

    def text(self, columns: Columns) -> str:
        """The text of these columns.

        Raises:
            NoTextError: the frame has none.
        """
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it reads."""
        ...


@dataclass(frozen=True)
class Column:
    """The value of a column."""

    name: str

    def text(self, columns: Columns) -> str:
        """The value; an empty one is none."""
        value = columns.get(self.name, "")
        if not value:
            raise NoTextError(f"no column '{self.name}'")
        return value

    @property
    def columns(self) -> tuple[str, ...]:
        """The one name."""
        return (self.name,)


@dataclass(frozen=True)
class Literal:
    """The same text for every frame."""

    value: str

    def text(self, columns: Columns) -> str:  # noqa: ARG002
        """The text."""
        return self.value

    @property
    def columns(self) -> tuple[str, ...]:
        """None."""
        return ()


@dataclass(frozen=True)
class Part:
    """A slice of another term: characters `start` to `stop`, counted as Python counts them."""

    whole: Term
    start: int | None
    stop: int | None

    def text(self, columns: Columns) -> str:
        """The characters; where there are none, nothing."""
        part = self.whole.text(columns)[self.start : self.stop]
        if not part:
            raise NoTextError("nothing left of a text that is too short for its slice")
        return part

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of the whole."""
        return self.whole.columns


@dataclass(frozen=True)
class Found:
    """What a regular expression finds in another term: its group, or the whole match where it has none."""

    whole: Term
    pattern: re.Pattern[str]

    def text(self, columns: Columns) -> str:
        """The text found."""
        match = self.pattern.search(self.whole.text(columns))
        found = match.group(self.pattern.groups) if match else None
        if not found:
            raise NoTextError(f"no {self.pattern.pattern} in it")
        return found

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of the whole."""
        return self.whole.columns


@dataclass(frozen=True)
class Joined:
    """Texts put one after the other."""

    parts: tuple[Term, ...]

    def text(self, columns: Columns) -> str:
        """All of them."""
        return "".join(part.text(columns) for part in self.parts)

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of all parts."""
        return tuple(name for part in self.parts for name in part.columns)


@dataclass(frozen=True)
class Choice:
    """One of two terms; the other one is not asked for."""

    left: Term
    right: Term
    equal: bool
    then: Term
    otherwise: Term

    def text(self, columns: Columns) -> str:
        """The text of the term that was chosen."""
        same = self.left.text(columns) == self.right.text(columns)
        return (self.then if same == self.equal else self.otherwise).text(columns)

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of all four."""
        return tuple(name for term in (self.left, self.right, self.then, self.otherwise) for name in term.columns)


def parse_keys(text: str, known: Sequence[str] = ()) -> tuple[Term, ...]:
    """The terms of a `--by`; a text that is the name of a known column is that column, whatever is in it.

    Raises:
        ConfigError: not of this language; the place is marked.
    """
    if text in known:
        return (Column(text),)
    return _Parser(text).keys()


def require_known(terms: Sequence[Term], known: Sequence[str], offered: str) -> None:
    """Refuse terms of columns that no frame has; `offered` describes those there are.

    Raises:
        ConfigError: with the nearest known name.
    """
    unknown = list(dict.fromkeys(name for term in terms for name in term.columns if name not in known))
    if unknown:
        close = get_close_matches(unknown[0], known, n=1)
        make = "name a column, or make one from file names: --columns '(?P<line>[^_]+)_'"
        raise ConfigError.of(
            "split", "goes by a column that no frame has", allowed=offered, found=", ".join(unknown),
            fix=f"did you mean '{close[0]}'? Else: {make}" if close else make,
        )  # fmt: skip


class _Parser:
    """Reads a text from left to right; `at` is the next character."""

    def __init__(self, text: str) -> None:
        self.source, self.at, self.depth = text, 0, 0

    def keys(self) -> tuple[Term, ...]:
        terms = [self.term()]
        while self.take(","):
            terms.append(self.term())
        if self.at < len(self.source):
            self.refuse("has something that does not belong there")
        return tuple(terms)

    def term(self) -> Term:
        then = self.sum()
        if not self.take_word("if"):
            return then
        left = self.sum()
        equal = self.take("==")
        if not equal and not self.take("!="):
            self.refuse("compares nothing: == or != is missing")
        right = self.sum()
        if not self.take_word("else"):
            self.refuse("has an `if` without `else`")
        return Choice(left, right, equal, then, self.nested(self.term))

    def sum(self) -> Term:
        parts = [self.piece()]
        while self.take("+"):
            parts.append(self.piece())
        return parts[0] if len(parts) == 1 else Joined(tuple(parts))

    def piece(self) -> Term:
        term = self.start()
        while True:
            self.blanks()
            if self.source.startswith("[", self.at):
                term = self.slice(term)
            elif self.take("~"):
                term = self.pattern(term)
            else:
                return term

    def start(self) -> Term:
        self.blanks()
        quote = self.source[self.at : self.at + 1]
        if quote in ("'", '"'):
            return Literal(self.quoted(quote))
        if quote == "`":
            return Column(self.quoted(quote))
        if self.take("("):
            term = self.nested(self.term)
            if not self.take(")"):
                self.refuse("has an open bracket")
            return term
        match = _NAME.match(self.source, self.at)
        if match is None or match.group() in _RESERVED:
            self.refuse("lacks a column" if match is None else f"has '{match.group()}' where a column is expected")
        self.at = match.end()
        return Column(match.group())

    def nested(self, read: Callable[[], Term]) -> Term:
        self.depth += 1
        if self.depth > _MOST_NESTED:
            self.refuse("is nested too deeply")
        term = read()
        self.depth -= 1
        return term

    def slice(self, whole: Term) -> Term:
        match = _SLICE.match(self.source, self.at)
        if match is None or match.group() == "[]":
            self.refuse("has a slice that cannot be read: [:10], [3:] or [2]")
        first, colon, last = match.groups()
        if not colon and (first is None or last is not None):
            self.refuse("has a slice that cannot be read: [:10], [3:] or [2]")
        self.at = match.end()
        start = None if first is None else int(first)
        if colon:
            return Part(whole, start, None if last is None else int(last))
        return Part(whole, start, None if start == -1 else (start or 0) + 1)

    def pattern(self, whole: Term) -> Term:
        self.blanks()
        quote = self.source[self.at : self.at + 1]
        start = self.at
        text = self.quoted(quote) if quote in ("'", '"') else self.bare_pattern()
        try:
            compiled = re.compile(text)
        except re.error as error:
            self.at = start
            self.refuse(f"has a pattern that is no regular expression ({error})")
        if not text or compiled.groups > 1:
            self.at = start
            self.refuse("has a pattern with more than one group" if text else "has an empty pattern")
        return Found(whole, compiled)

    def bare_pattern(self) -> str:
        """Up to a blank, a comma or a closing bracket that stand outside the pattern's own brackets."""
        start = self.at
        ends = (at for at, outside in _outside_brackets(self.source, start) if outside)
        last = (at for at in ends if self.source[at].isspace() or self.source[at] in ",)")
        self.at = next(last, len(self.source))
        return self.source[start : self.at]

    def quoted(self, quote: str) -> str:
        end = self.source.find(quote, self.at + 1)
        if end < 0:
            self.refuse(f"has a {quote} that is not closed")
        text = self.source[self.at + 1 : end]
        self.at = end + 1
        return text

    def take(self, sign: str) -> bool:
        self.blanks()
        if not self.source.startswith(sign, self.at):
            return False
        self.at += len(sign)
        return True

    def take_word(self, word: str) -> bool:
        self.blanks()
        match = _NAME.match(self.source, self.at)
        if match is None or match.group() != word:
            return False
        self.at = match.end()
        return True

    def blanks(self) -> None:
        while self.at < len(self.source) and self.source[self.at].isspace():
            self.at += 1

    def refuse(self, rule: str) -> NoReturn:
        rest = self.source[self.at :] or "the end"
        before = self.source[: self.at]
        raise ConfigError.of(
            f"--by {self.source}" if self.source else "--by", rule, allowed=_EXAMPLES,
            found=f"{rest} after '{before}'" if before else rest,
            fix="correct it there; a column of any name stands in `backquotes`, text in quotes",
        )  # fmt: skip


def _outside_brackets(text: str, start: int) -> Iterator[tuple[int, bool]]:
    """Each position from `start`, and whether it lies outside the brackets of a regular expression."""
    depth, in_class, escaped = 0, False, False
    for at in range(start, len(text)):
        sign = text[at]
        yield at, depth == 0 and not in_class and not escaped
        if escaped:
            escaped = False
        elif sign == "\\":
            escaped = True
        elif in_class:
            in_class = sign != "]"
        elif sign == "[":
            in_class = True
        elif sign in "({":
            depth += 1
        elif sign in ")}":
            depth -= 1
