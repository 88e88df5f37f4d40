"""A training in the browser: the page follows the run's files, to this machine alone."""

from __future__ import annotations

import json
import socket
from http.client import HTTPConnection
from pathlib import Path

import pytest

from segwright.cli.live import HOST, PAGE, served, with_page
from segwright.core import ConfigError, Event, Measured, Progress


def answered(address: str, path: str, **headers: str) -> tuple[int, str]:
    connection = HTTPConnection(address.removeprefix("http://").rstrip("/"), timeout=10)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def write_history(run: Path, *rows: dict[str, object]) -> None:
    run.mkdir(exist_ok=True)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (run / "history.jsonl").write_text(lines, encoding="utf-8")


def test_served__a_run_that_has_not_begun_has_a_page_and_news_of_it_come(tmp_path: Path) -> None:
    run = tmp_path / "größe <b>"
    run.mkdir()
    with served(run, 0) as address:
        assert address.startswith(f"http://{HOST}:")
        status, page = answered(address, "/")
        assert status == 200
        assert "starting" in page
        assert "nothing measured yet" in page
        assert "größe &lt;b&gt;" in page
        write_history(run, {"step": 3, "kind": "train", "loss": 0.25, "dice": 0.5})
        assert "dice <b>0.500</b>" in answered(address, "/contents")[1]
        assert "<html" not in answered(address, "/contents")[1]
    with pytest.raises(OSError, match="refused"):
        answered(address, "/")


def test_served__nothing_else_and_to_nobody_elses_name(tmp_path: Path) -> None:
    with served(tmp_path, 0) as address:
        assert answered(address, "/history.jsonl")[0] == 404
        assert answered(address, "/../plan.yaml")[0] == 404
        assert answered(address, "/", Host="evil.example:80")[0] == 404


def test_served__a_port_that_is_taken_is_refused(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        with (
            pytest.raises(ConfigError, match=rf"(?s)--port {port}: cannot be listened on.*--port"),
            served(tmp_path, port),
        ):
            pass


def test_with_page__is_written_at_each_validation_round_and_passes_events_on(tmp_path: Path) -> None:
    said: list[Event] = []
    listen = with_page(tmp_path, said.append)
    listen(Progress("training", 1, 2))
    assert not (tmp_path / PAGE).exists()
    write_history(
        tmp_path, {"step": 2, "kind": "validation", "pooled_miou": 0.5, "iou/scratch": None, "iou/dent": 0.25}
    )
    listen(Measured("validation", 2, {"pooled_miou": 0.5}))
    page = (tmp_path / PAGE).read_text(encoding="utf-8")
    assert "dent" in page
    assert "scratch" in page
    assert "setInterval" not in page
    assert len(said) == 2
