from __future__ import annotations

import json

import numpy as np
import pytest

from segwright.cli.app import main
from segwright.core import Image
from segwright.data.codecs import write_image
from tests.infer.bundles import make_bundle


@pytest.fixture
def images(tmp_path):
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[:5, :, 0] = 255
    for name in ("frames/a.png", "frames/sub dir/b.jpg", "single.png"):
        write_image(tmp_path / name, Image(pixels))
    return tmp_path


def run(capsys, *arguments) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err


def test_predict__files_and_folders(images, capsys):
    bundle, out = make_bundle(images).path, images / "predictions"
    code, said, _ = run(capsys, "predict", bundle, images / "frames", images / "single.png", "--out", out)
    assert code == 0
    assert said.startswith("3 masks in ")
    names = {path.relative_to(out).as_posix() for path in out.rglob("*.*")}
    assert names == {"manifest.json", "masks/a.png", "masks/sub dir/b.png", "masks/single.png"}


def test_predict__json_for_machines(images, capsys):
    arguments = (
        "predict",
        make_bundle(images).path,
        images / "frames",
        "--out",
        images / "p",
        "--json",
        "--confidence",
    )
    code, said, events = run(capsys, *arguments)
    assert code == 0
    assert json.loads(said)["frames"] == 2
    assert json.loads(events.split("\n\n")[0].strip().splitlines()[-1])["done"] == 2
    assert (images / "p" / "confidence" / "a.png").is_file()


def test_predict__a_refused_frame_is_named_and_makes_the_exit_code_2(images, capsys):
    (images / "frames" / "broken.png").write_bytes(b"x")
    code, said, problem = run(capsys, "predict", make_bundle(images).path, images / "frames", "--out", images / "p")
    assert code == 2
    assert "2 masks in" in said
    assert "broken.png" in problem


@pytest.mark.parametrize(("name", "text"), [("nowhere", "does not exist"), ("empty", "hold no image")])
def test_predict__nothing_to_predict(images, capsys, name, text):
    (images / "empty").mkdir()
    code, _, problem = run(capsys, "predict", make_bundle(images).path, images / name, "--out", images / "p")
    assert code == 2
    assert text in problem
