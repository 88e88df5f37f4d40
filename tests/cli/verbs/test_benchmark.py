"""segwright benchmark: what may be asked, and what comes back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from segwright.cli.app import main
from segwright.export.benchmark import rows
from segwright.models import NETWORKS
from tests.infer.object_bundles import make_object_bundle

FIGURES = {"seconds": 0.5, "fastest": 0.4, "slowest": 0.7, "peak_mib": 90.0, "tiles": 8, "parameters": 10, "flops": 20}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No process is started: each network answers with the same figures, `fcn` with a failure."""
    monkeypatch.chdir(tmp_path)

    def asked(request: dict, _: float) -> dict:
        return {"failure": "does not fit memory"} if request["name"] == "fcn" else dict(FIGURES)

    monkeypatch.setattr(rows, "_asked", asked)


def answer(capsys: pytest.CaptureFixture, *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(["benchmark", *words])
    return int(ended.value.code or 0), capsys.readouterr().out


def test_benchmark__all_networks_where_there_is_no_project(capsys: pytest.CaptureFixture) -> None:
    code, out = answer(capsys, "--json")
    told = json.loads(out)
    assert code == 0
    assert {row["name"] for row in told["rows"]} == set(NETWORKS)
    assert told["rows"][-1]["failure"] == "does not fit memory"
    assert told["rows"][0]["frames_per_second"] == 2
    assert told["size"] == {"width": 1920, "height": 1080}
    assert told["flops_count_a_multiply_add_as"] == 2


def test_benchmark__a_table_with_what_failed_and_the_machine_below(capsys: pytest.CaptureFixture) -> None:
    code, out = answer(capsys, "--models", "unet,fcn", "--size", "640x480")
    assert code == 0
    assert "640x480 frames, torch, fp32, median of 5" in out
    assert "fcn: does not fit memory" in out
    assert "multiply and add counted as two" in out
    assert "machine: " in out


def test_benchmark__a_network_of_one_family_is_measured_on_an_encoder_of_its_own(
    capsys: pytest.CaptureFixture,
) -> None:
    """EoMT takes none but those of DINO: among all networks it would fail each time."""
    named = ["--models", "unet,eomt", "--encoder"]
    for asked, taken in (("resnet18", "dinov2_small"), ("dinov3_tiny", "dinov3_tiny")):
        code, out = answer(capsys, *named, asked, "--json")
        assert code == 0
        assert {row["name"]: row["encoder"] for row in json.loads(out)["rows"]} == {"unet": asked, "eomt": taken}
    assert "eomt on dinov2_small" in answer(capsys, *named, "resnet18")[1]


def test_benchmark__none_that_could_be_measured_is_no_answer(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["benchmark", "--models", "fcn"])
    assert ended.value.code == 2
    assert "fcn: could not be measured" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--size", "1920"), "--size: cannot be read"),
        (("--size", "0x5"), "--size: cannot be read"),
        (("--models", "unett"), "--models: is not a network of segwright"),
        (("nowhere",), "nowhere: is not a run"),
        (("nowhere", "--models", "unet"), "--models: is not for a run or a bundle"),
        (("nowhere.yaml",), "nowhere.yaml"),
    ],
)
def test_benchmark__what_cannot_be_asked(capsys: pytest.CaptureFixture, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["benchmark", *words])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_benchmark__what_finds_objects_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    bundle = make_object_bundle(tmp_path).path
    with pytest.raises(SystemExit) as ended:
        main(["benchmark", str(bundle)])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "finds objects, whose time hangs on what a frame shows" in said
    assert "segwright predict BUNDLE FRAMES" in said
