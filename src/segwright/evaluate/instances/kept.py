"""What an evaluation keeps of each frame's matches, so that AP can be counted again over other draws of frames.

Plain text, a number a detection: JSON of single numbers would be five times as long. Areas are all of them: small,
medium and large are not kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from segwright.core import ArtefactError
from segwright.evaluate.instances.matching import Matches

_FIX = "evaluate again; the file was edited or cut short"


@dataclass(frozen=True, eq=False)
class KeptMatches:
    """The matches of all frames, of one kind; columns as in `Matches`, of all areas.

    `frame` int64 (detections,) is the position of each one's frame. `truths` int64 (frames, classes) are those that
    count.
    """

    frame: npt.NDArray[np.int64]
    channel: npt.NDArray[np.int64]
    score: npt.NDArray[np.float64]
    matched: npt.NDArray[np.uint16]
    ignored: npt.NDArray[np.uint16]
    truths: npt.NDArray[np.int64]


def kept(matches: Matches) -> dict[str, str]:
    """The matches of a frame as text: channels, scores, bits of the IoU thresholds; then truths that count."""
    channels, truths = np.unique(matches.truth_channel[matches.truth_counted[:, 0]], return_counts=True)
    return {
        "class": _text(matches.channel),
        "score": " ".join(map(repr, matches.score.tolist())),
        "matched": _text(matches.matched[:, 0]),
        "ignored": _text(matches.ignored[:, 0]),
        "truth_class": _text(channels),
        "truths": _text(truths),
    }


def read_kept(rows: Sequence[Mapping[str, Any]], kind: str, classes: int) -> KeptMatches | None:
    """The matches of the frames' `rows`; None where an evaluation was written before they were kept.

    Raises:
        ArtefactError: they are garbled.
    """
    texts = [row.get(kind, {}).get("matches") for row in rows]
    if not texts or not all(texts):
        return None
    truths = np.zeros((len(rows), classes), np.int64)
    try:
        columns = [[_numbers(text[name]) for text in texts] for name in ("class", "score", "matched", "ignored")]
        for position, text in enumerate(texts):
            truths[position, _numbers(text["truth_class"]).astype(int)] = _numbers(text["truths"])
        frame = np.repeat(np.arange(len(rows)), [len(column) for column in columns[0]])
        channel, score, matched, ignored = (np.concatenate([np.empty(0), *column]) for column in columns)
        if len({len(frame), *map(len, (channel, score, matched, ignored))}) > 1 or (channel >= classes).any():
            raise ValueError("columns of other lengths, or unknown classes")
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise ArtefactError.of("evaluation.json", f"garbles the matches of its frames: {error}", fix=_FIX) from error
    return KeptMatches(
        frame, channel.astype(np.int64), score, matched.astype(np.uint16), ignored.astype(np.uint16), truths
    )


def _text(numbers: npt.NDArray[np.integer]) -> str:
    return " ".join(map(str, numbers.tolist()))


def _numbers(text: str) -> npt.NDArray[np.float64]:
    return np.array(text.split(), dtype=np.float64)
