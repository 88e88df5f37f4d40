"""Hugging Face datasets: Parquet tables of image bytes, and image folders with metadata.jsonl."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image as Pillow

from segwright.core import ClassTable, ConfigError, DataError, DependencyMissing
from segwright.data import check, export_dataset, open_dataset
from tests.data.pictures import index_folder, noise, save

MASK = np.array([[0, 1, 1], [0, 0, 255]], np.uint8)


def packed(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def parquet(root: Path, rows: list[dict] | None = None, name: str = "data/train-00000-of-00001.parquet") -> Path:
    if rows is None:
        rows = [
            {
                "image": {"bytes": packed(noise(2, 3, seed=at)), "path": f"{at}.png"},
                "label": {"bytes": packed(MASK), "path": None},
                "camera": f"c{at % 2}",
            }
            for at in range(5)
        ]
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=2)
    (root / "id2label.json").write_text('{"0": "background", "1": "scratch"}', encoding="utf-8")
    return root


def test_parquet__rows_are_frames(tmp_path: Path) -> None:
    dataset = open_dataset(parquet(tmp_path))
    assert (dataset.format, dataset.frames[4].stem) == ("parquet_images", "train/4")
    assert dataset.classes.describe() == "0 background, 1 scratch, 255 void"
    assert np.array_equal(dataset.read_labels(dataset.frames[3]).ids, MASK)
    assert np.array_equal(dataset.read_image(dataset.frames[3]).pixels, noise(2, 3, seed=3))
    assert {"part": "train", "camera": "c1"}.items() <= dataset.frames[3].columns.items()
    assert check(dataset) == []


def test_parquet__an_image_is_known_by_its_bytes(tmp_path: Path) -> None:
    source = open_dataset(index_folder(tmp_path / "in"))
    export_dataset(source, tmp_path / "out", "parquet_images")
    again = open_dataset(tmp_path / "out")
    assert again.shows_images_of(source.content_hash)
    assert [frame.stem for frame in again.frames] == [frame.stem for frame in source.frames]


def test_parquet__columns_of_other_names(tmp_path: Path) -> None:
    rows = [{"photo": packed(noise(2, 3)), "truth": packed(MASK)}]
    root = parquet(tmp_path, rows)
    with pytest.raises(DataError, match=r"(?s)no column of images.*photo, truth.*image_column"):
        open_dataset(root)
    dataset = open_dataset(root, options={"image_column": "photo", "label_column": "truth"})
    assert dataset.frames[0].stem == "train-00000-of-00001/0000000"
    assert check(dataset) == []


def test_parquet__rows_without_masks_and_cells_without_bytes(tmp_path: Path) -> None:
    root = parquet(tmp_path, [{"image": {"bytes": None, "path": "/data/a.png"}, "caption": "x"}])
    dataset = open_dataset(root)
    assert "1 rows have no mask" in dataset.notes[0]
    with pytest.raises(DataError, match=r"(?s)row 0, image: holds no image.*embedded"):
        dataset.read_image(dataset.frames[0])


def test_parquet__damaged(tmp_path: Path) -> None:
    root = parquet(tmp_path)
    dataset = open_dataset(root)
    path = root / "data" / "train-00000-of-00001.parquet"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="cannot be read"):
        open_dataset(root)
    with pytest.raises(DataError, match="cannot be read"):
        dataset.read_image(dataset.frames[0])
    rows = [{"image": {"bytes": b"GIF89a??", "path": "a.png"}, "label": {"bytes": packed(MASK), "path": "a"}}]
    broken = open_dataset(parquet(tmp_path / "x", rows))
    with pytest.raises(DataError, match="row 0, image: cannot be decoded"):
        broken.read_image(broken.frames[0])


def test_parquet__no_table_and_no_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = parquet(tmp_path)
    (root / "id2label.json").write_text("[1]", encoding="utf-8")
    with pytest.raises(ConfigError, match="is no list of classes"):
        open_dataset(root)
    (root / "id2label.json").unlink()
    with pytest.raises(ConfigError, match=r"(?s)no class table.*id2label\.json"):
        open_dataset(root)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(DependencyMissing, match=r"(?s)Parquet tables need it.*segwright\[store\]"):
        open_dataset(root, classes=ClassTable.of(["background", "scratch"]))


def folder(root: Path, *lines: dict) -> Path:
    save(root / "train" / "a.png", noise(2, 3))
    save(root / "train" / "masks" / "a.png", MASK)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (root / "train" / "metadata.jsonl").write_text(text, encoding="utf-8")
    (root / "id2label.json").write_text('{"0": "background", "1": "scratch"}', encoding="utf-8")
    return root


def test_image_folder__masks_columns_and_part(tmp_path: Path) -> None:
    line = {"file_name": "a.png", "mask_file_name": "masks/a.png", "line": "two", "shift": 3}
    dataset = open_dataset(folder(tmp_path, line))
    assert (dataset.format, dataset.frames[0].stem) == ("image_folder", "train/a")
    assert np.array_equal(dataset.read_labels(dataset.frames[0]).ids, MASK)
    assert {"part": "train", "line": "two", "shift": "3"}.items() <= dataset.frames[0].columns.items()


def test_image_folder__files_that_are_not_there_or_outside(tmp_path: Path) -> None:
    save(tmp_path / "secret.png", noise(2, 3))
    good = {"file_name": "a.png", "mask_file_name": "masks/a.png"}
    bad = [{"file_name": "../../secret.png", "mask_file_name": "masks/a.png"}, {"mask_file_name": "masks/a.png"}]
    with pytest.raises(DataError, match="names files that are not there") as caught:
        open_dataset(folder(tmp_path / "set", good, *bad))
    assert len(caught.value.problems) == 2


def test_image_folder__broken_lines(tmp_path: Path) -> None:
    root = folder(tmp_path)
    (root / "train" / "metadata.jsonl").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match=r"metadata\.jsonl: cannot be read"):
        open_dataset(root, format="image_folder")
    (root / "train" / "metadata.jsonl").unlink()
    with pytest.raises(DataError, match="has no list of images"):
        open_dataset(root, format="image_folder")


def test_image_folder__csv_and_named_column(tmp_path: Path) -> None:
    root = folder(tmp_path)
    (root / "train" / "metadata.jsonl").unlink()
    (root / "train" / "metadata.csv").write_text("file_name,truth\na.png,masks/a.png\n", encoding="utf-8")
    dataset = open_dataset(root, format="image_folder", options={"label_column": "truth"})
    assert check(dataset) == []
