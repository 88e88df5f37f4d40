"""Writing Parquet tables as Hugging Face datasets has them: images and masks as the bytes of files."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from segwright.core import GREY, RGB, DataError, Image, Listener, adopt, tracked
from segwright.data.codecs import encode_image
from segwright.data.dataset import Dataset, Frame
from segwright.data.extras import imported
from segwright.data.formats.format import Options
from segwright.data.given_parts import written_part
from segwright.data.packed import PackedImage, parquet
from segwright.data.workers import in_threads

ID2LABEL = "id2label.json"
STEM = "segwright_stem"
_ROWS_A_GROUP = 16


def write(dataset: Dataset, folder: Path, options: Options, listener: Listener) -> None:  # noqa: ARG001
    """data/SUBSET-00000-of-00001.parquet with the columns image, label and segwright_stem, and id2label.json.

    A frame's subset is its column `subset`, else train. Images keep their file's bytes where they lie upright in a file
    of their own, else are PNG; masks are PNG.

    Raises:
        DependencyMissing: pyarrow is not installed.
        DataError: pictures that PNG does not hold, files that cannot be read.
    """
    library, arrow = parquet(), imported("pyarrow", "store", "Parquet tables")
    cell = arrow.struct([("bytes", arrow.binary()), ("path", arrow.string())])
    features = {"image": {"_type": "Image"}, "label": {"_type": "Image"}, STEM: {"dtype": "string", "_type": "Value"}}
    schema = arrow.schema(
        [("image", cell), ("label", cell), (STEM, arrow.string())],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )
    parts: dict[str, list[Frame]] = defaultdict(list)
    for frame in dataset.frames:
        parts[written_part(frame.columns, "train")].append(frame)
    (folder / "data").mkdir(parents=True)
    for subset, frames in parts.items():
        rows = tracked(in_threads(lambda frame: _row(dataset, frame), frames), listener, "writing", len(frames))
        with library.ParquetWriter(str(folder / "data" / f"{subset}-00000-of-00001.parquet"), schema) as table:
            for group in _groups(rows):
                table.write_table(arrow.Table.from_pylist(group, schema=schema))
    named = {str(spec.class_id): spec.name for spec in dataset.classes}
    (folder / ID2LABEL).write_text(json.dumps(named, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _groups(rows: Iterable[dict]) -> Iterator[list[dict]]:
    group: list[dict] = []
    for row in rows:
        group.append(row)
        if len(group) == _ROWS_A_GROUP:
            yield group
            group = []
    if group:
        yield group


def _row(dataset: Dataset, frame: Frame) -> dict[str, Any]:
    name = PurePosixPath(frame.stem).name
    source = frame.image.path
    if isinstance(frame.image, PackedImage):
        image = {"bytes": frame.image.cell.content(), "path": frame.image.name}
    elif source is not None and frame.image.shape().orientation == 1:
        image = {"bytes": source.read_bytes(), "path": f"{name}{source.suffix}"}
    else:
        picture = frame.image.read()[0]
        if picture.bands not in (GREY, RGB) or picture.pixels.dtype not in (np.uint8, np.uint16):
            rule, fix = "has pixels that PNG does not hold", "write the format nifti_pairs or index_png"
            found = f"{picture.pixels.dtype}, {len(picture.bands)} bands"
            raise DataError.of(str(frame.image), rule, allowed="8 or 16 bits, grey or RGB", found=found, fix=fix)
        image = {"bytes": encode_image(picture, ".png"), "path": f"{name}.png"}
    label = None
    if frame.mask is not None:
        ids = dataset.read_labels(frame).ids
        label = {"bytes": encode_image(Image(adopt(ids[..., None].copy()), GREY), ".png"), "path": f"{name}.png"}
    return {"image": image, "label": label, STEM: frame.stem}
