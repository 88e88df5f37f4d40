"""`check` reads everything once and tells every problem in one run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from segwright.core import ClassTable, Note
from segwright.data import check, open_dataset, sample_labels
from tests.data.pictures import index_folder, mask_of, noise, save

NAMES = ("a", "b", "c", "d", "e", "f")


def test_check__clean_dataset(tmp_path: Path) -> None:
    assert check(open_dataset(index_folder(tmp_path))) == []


def test_check__all_findings_in_one_run(tmp_path: Path) -> None:
    root = index_folder(tmp_path, NAMES)
    (root / "images" / "a.png").write_bytes(b"text")
    data = (root / "images" / "b.png").read_bytes()
    (root / "images" / "b.png").write_bytes(data[: len(data) // 2])
    save(root / "masks" / "c.png", mask_of(3, 4))
    save(root / "masks" / "d.png", np.full((6, 8), 9, np.uint8))
    save(root / "masks" / "e.png", noise(6, 8))
    problems = check(open_dataset(root))
    assert [Path(problem.place).name for problem in problems] == ["a.png", "b.png", "c.png", "d.png", "e.png"]
    assert all(problem.allowed and problem.found and problem.fix for problem in problems)


def test_check__void_all_over_and_left_out_are_told_not_refused(tmp_path: Path) -> None:
    root = index_folder(tmp_path, NAMES)
    save(root / "masks" / "a.png", np.full((6, 8), 255, np.uint8))
    (root / "masks" / "f.png").unlink()
    heard: list = []
    assert check(open_dataset(root), heard.append) == []
    texts = [event.text for event in heard if isinstance(event, Note)]
    assert "1 images have no mask and were left out" in texts[0]
    assert texts[1] == "1 frames are void all over and teach nothing: a"


def test_check__binary_masks_whose_foreground_would_be_void(tmp_path: Path) -> None:
    root = index_folder(tmp_path, ("a", "b"))
    for name in ("a", "b"):
        save(root / "masks" / f"{name}.png", mask_of(scratch=(1, 1)) * 255)
    table = ClassTable.of(["background", "scratch"])
    problems = check(open_dataset(root, classes=table))
    assert "255 is void" in problems[0].rule
    cut = open_dataset(root, classes=table, options={"cut": 128})
    assert check(cut) == []
    assert cut.read_labels(cut.frames[0]).area_px("scratch") == 1


def test_check__a_part_without_foreground_is_no_binary_mask(tmp_path: Path) -> None:
    root = index_folder(tmp_path, ("a", "b"))
    save(root / "masks" / "a.png", mask_of(void=(1, 1)))
    save(root / "masks" / "b.png", mask_of(scratch=(1, 1)))
    dataset = open_dataset(root, classes=ClassTable.of(["background", "scratch"]))
    part = dataset.only(["a"])
    assert "255 is void" in check(part)[0].rule
    assert check(part, seen_elsewhere={0, 1}) == []


def test_check__no_frames(tmp_path: Path) -> None:
    dataset = replace(open_dataset(index_folder(tmp_path)), frames=())
    assert check(dataset)[0].rule == "has no frames"


def test_sample_labels__a_bounded_number_spread_over_the_frames(tmp_path: Path) -> None:
    root = index_folder(tmp_path, NAMES)
    save(root / "masks" / "b.png", np.full((6, 8), 9, np.uint8))
    save(root / "masks" / "c.png", mask_of(dent=(0, 0), void=(5, 7)))
    sample = sample_labels(open_dataset(root), most=3)  # a, c, e
    assert sample.frames == 3
    assert sample.class_pixels == {"background": 3 * 48 - 4, "scratch": 2, "dent": 1}
    assert (sample.void_pixels, sample.problems) == (1, ())
    (problem,) = sample_labels(open_dataset(root)).problems
    assert Path(problem.place).name == "b.png"
