"""What long work says while it runs."""

from __future__ import annotations

from segwright.core import Event, Progress, silent, tracked


def test_tracked__says_a_start_and_one_event_an_item() -> None:
    said: list[Event] = []
    assert list(tracked(iter("abc"), said.append, "reading", 3, "pages")) == ["a", "b", "c"]
    assert said == [Progress("reading", done, 3, "pages") for done in range(4)]


def test_tracked__counts_an_item_only_after_its_consumer_is_done() -> None:
    said: list[Event] = []
    for _ in tracked(range(3), said.append, "reading", 3):
        break
    assert [event.done for event in said if isinstance(event, Progress)] == [0]


def test_silent__drops_everything() -> None:
    assert silent(Progress("reading", 0, 1)) is None
