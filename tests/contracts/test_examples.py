"""The examples run, and print what their comments promise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from segwright.core import RGB, Image
from segwright.data import write_image
from tests.contracts.repository import ROOT
from tests.infer.bundles import make_bundle


def test_score_masks__prints_the_scores_of_its_small_frame() -> None:
    printed = run_example("score_masks.py")
    assert "scratch: IoU 0.6, precision 0.75, recall 0.75" in printed
    assert "void: 0.0625 of the pixels" in printed


def test_inspect_frames__prints_the_areas_of_each_class(tmp_path: Path) -> None:
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[8:16, 8:24, 0] = 255  # red is what the bundle's network calls a scratch
    write_image(tmp_path / "frame.png", Image(pixels, RGB))
    bundle = make_bundle(tmp_path)
    printed = run_example("inspect_frames.py", str(bundle.path), str(tmp_path / "frame.png"))
    assert f"{tmp_path / 'frame.png'} {{'scratch': 128, 'dent': 0}}" in printed


def test_inspect_frames__without_arguments_says_how_to_call_it() -> None:
    command = [sys.executable, str(ROOT / "examples" / "inspect_frames.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "usage:" in done.stderr


def test_published_checkpoint__an_unknown_name_says_which_there_are() -> None:
    command = [
        sys.executable,
        str(ROOT / "examples" / "published_checkpoint.py"),
        "enet",
        "w.pth",
        "a.png",
        "--out",
        "b",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "espnet-camvid" in done.stderr


def run_example(name: str, *arguments: str) -> str:
    command = [sys.executable, str(ROOT / "examples" / name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
