from __future__ import annotations

import json

import numpy as np
import pytest

from segwright.core import Image
from segwright.data.codecs import write_image
from tests.cli.verbs.test_predict import run
from tests.infer.bundles import make_bundle


@pytest.fixture
def line(tmp_path):
    for name, rows in (("good.png", 0), ("bad.png", 5)):
        pixels = np.zeros((100, 80, 3), np.uint8)
        pixels[:rows, :, 0] = 255
        write_image(tmp_path / "frames" / name, Image(pixels))
    return tmp_path


def watch(line, capsys, *more, **alerts) -> tuple[int, str, str]:
    name = "-".join(str(value) for value in alerts.values()) or "plain"
    bundle = line / f"{name}.bundle"
    bundle = bundle if bundle.exists() else make_bundle(line, name=name, alerts=alerts or None).path
    arguments = ("--records", f"sqlite:///{line}/records.db", "--out", line / "out", *more)
    return run(capsys, "watch", bundle, line / "frames", *arguments)


def test_watch__says_verdicts_speed_and_where_they_are(line, capsys):
    code, said, notes = watch(line, capsys)
    assert code == 0
    assert "2 frames inspected at" in said
    assert "frames/s: 1 alert, 1 ok" in said
    assert "bad.png: alert: 5.00 % of the part is defective, limit 2 %" in " ".join(notes.split())
    assert sorted(path.name for path in (line / "out" / "overlays").iterdir()) == ["bad.png.jpg", "good.png.jpg"]


def test_watch__a_second_time_has_nothing_to_do(line, capsys):
    watch(line, capsys)
    code, said, _ = watch(line, capsys, "--json")
    assert code == 0
    answer = json.loads(said)
    assert (answer["inspected"], answer["skipped"], answer["frames_per_second"]) == (0, 2, None)


def test_watch__fails_on_alert_only_where_asked(line, capsys):
    assert watch(line, capsys, "--fail-on-alert")[0] == 1
    assert watch(line, capsys, "--fail-on-alert", "--limit", "50")[0] == 0


def test_watch__the_bundles_alert_settings_hold(line, capsys):
    _, said, _ = watch(line, capsys, "--json", area_percent=50.0)
    assert json.loads(said)["verdicts"] == {"ok": 2}
    _, said, _ = watch(line, capsys, "--json", "--part", "dent,scratch", area_percent=50.0)
    assert json.loads(said)["verdicts"] == {"alert": 1, "no_part": 1}


def test_watch__refuses_a_part_that_is_none(line, capsys):
    code, _, problem = watch(line, capsys, "--part", "belt")
    assert code == 2
    assert "does not say where the part is" in problem
