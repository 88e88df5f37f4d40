"""Times, numbers and lengths as people write them: "2024-05-01T13:00", "0.25", "90min", "512px", "1.5km"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from fractions import Fraction

_LONGEST_NUMBER = 40
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_QUANTITY = re.compile(r"\s*([0-9.]+(?:e[-+]?\d+)?)\s*([a-z]*)\s*", re.IGNORECASE)
_NUMBER = re.compile(
    r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d{1,2})?", re.IGNORECASE
)  # a longer exponent would fill the memory
_EXIF_DATE = re.compile(r"(\d{4}):(\d\d):(\d\d)(?=\D|$)")  # EXIF writes 2024:05:01 13:00:00
SECONDS = {"ms": Fraction(1, 1000), "s": 1, "min": 60, "h": 3600, "d": 86400, "w": 604800}
METRES = {"mm": Fraction(1, 1000), "cm": Fraction(1, 100), "m": 1, "km": 1000}
PIXELS = {"px": 1}


def number(text: str) -> Fraction | None:
    """The number in a text, exactly as it is written; None where it is none."""
    plain = text.strip()
    return Fraction(plain) if _NUMBER.fullmatch(plain) and len(plain) <= _LONGEST_NUMBER else None


def seconds_since_1970(text: str) -> Fraction | None:
    """The instant an ISO 8601 text (or EXIF's 2024:05:01 13:00:00) names; without a zone it is taken as UTC."""
    try:
        moment = datetime.fromisoformat(_EXIF_DATE.sub(r"\1-\2-\3", text.strip(), count=1))
    except ValueError:
        return None
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    return Fraction(since // timedelta(microseconds=1), 10**6)


def are_numbers(texts: Iterable[str]) -> bool:
    """Whether every text is a number; 20240501 is one."""
    return all(number(text) is not None for text in texts)


def quantity(text: str) -> tuple[Fraction, str] | None:
    """A number above or equal to 0 and its unit, "" where it has none; None where it cannot be read."""
    match = _QUANTITY.fullmatch(text)
    amount = None if match is None else number(match.group(1))
    return None if match is None or amount is None else (amount, match.group(2).lower())


def moment_text(seconds: Fraction) -> str:
    """An instant as ISO 8601, without what is zero: 2024-05-01, 2024-05-01T13:00."""
    try:
        moment = _EPOCH + timedelta(microseconds=int(seconds * 10**6))
    except OverflowError:  # a block that starts before the year 1
        return number_text(seconds)
    if (moment.hour, moment.minute, moment.second, moment.microsecond) == (0, 0, 0, 0):
        return moment.date().isoformat()
    precision = "auto" if moment.second or moment.microsecond else "minutes"
    return moment.replace(tzinfo=None).isoformat(timespec=precision)


def number_text(value: Fraction) -> str:
    """A number without needless digits."""
    return str(value.numerator) if value.denominator == 1 else f"{float(value):g}"


def duration_text(seconds: float) -> str:
    """A length of time in the largest unit it fills: 1.5h, 20s."""
    unit = next((name for name in ("d", "h", "min", "s") if seconds >= SECONDS[name]), "s")
    return f"{seconds / SECONDS[unit]:.3g}{unit}"
