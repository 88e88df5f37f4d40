"""Recordings told by the names of their frames."""

from __future__ import annotations

from pathlib import Path

import pytest

from segwright.data import open_dataset
from segwright.data.name_sequences import cut_sequences
from tests.data.pictures import index_folder


@pytest.mark.parametrize(
    ("names", "parts", "cut"),
    [
        (("a_1", "a_2", "b_1", "b_2"), ("train", "val", "train", "train"), "a (train, val)"),
        (("a-f01", "a-f02", "b-f01", "b-f02"), ("train", "train", "val", "val"), None),  # whole on each side
        (("img_1", "img_2", "img_3", "img_4"), ("train", "val", "train", "train"), None),  # one name for all
        (("a_1", "b_1", "c_1", "a_2"), ("train", "val", "train", "val"), None),  # single photographs
        (("left", "right", "up", "down"), ("train", "val", "train", "train"), None),  # no numbers
    ],
)
def test_cut_sequences__where_names_tell_and_parts_cut(
    tmp_path: Path, names: tuple[str, ...], parts: tuple[str, ...], cut: str | None
) -> None:
    root = index_folder(tmp_path / "frames", names)
    rows = "".join(f"{name}.png,{part}\n" for name, part in zip(names, parts, strict=True))
    (root / "parts.csv").write_text(f"image,part\n{rows}", encoding="utf-8")
    found = cut_sequences(open_dataset(root), "part")
    if cut is None:
        assert found is None
        return
    assert found is not None
    assert cut in found.note
    assert {frame.columns["sequence"] for frame in found.dataset.frames} == {"a", "b"}
