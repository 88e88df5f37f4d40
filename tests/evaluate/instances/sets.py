"""Small random COCO sets, and what the public reference implementations make of them."""

from __future__ import annotations

import contextlib
import copy
import io
import warnings
from typing import Any

import faster_coco_eval
import numpy as np
import pycocotools.coco
from pycocotools import mask as coco_mask
from pycocotools.cocoeval import COCOeval

HEIGHT, WIDTH = 110, 130
KIND_NAMES = {"mask": "segm", "box": "bbox", "boundary": "boundary"}
# our name -> position in COCOeval.stats
STATS = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large",
         "ar@1", "ar@10", "ar@100", "ar_small", "ar_medium", "ar_large")  # fmt: skip

Json = dict[str, Any]


def random_set(
    seed: int, *, images: int = 6, classes: int = 3, most: int = 9, boxes: bool = False, federated: bool = False
) -> tuple[Json, list[Json]]:
    """(truth, results): empty images, crowds, overlapping shapes, wrong classes, and scores with many ties."""
    rng = np.random.default_rng(seed)
    annotations: list[Json] = []
    results: list[Json] = []
    ids = (rng.permutation(images) + 1).tolist()
    for image_id in ids:
        for _ in range(int(rng.integers(0, most))):
            box = random_box(rng)
            annotations.append(annotation(rng, len(annotations) + 1, image_id, int(rng.integers(1, classes + 1)), box))
            for _ in range(int(rng.poisson(2.5))):
                near = np.clip(box + rng.normal(0, rng.choice([0.5, 3, 12]), 4), 0, 200)
                category = annotations[-1]["category_id"] if rng.random() < 0.8 else int(rng.integers(1, classes + 1))
                results.append(result(rng, image_id, category, near, boxes))
    rng.shuffle(results)
    truth = {
        "images": [picture(rng, image_id, classes, federated) for image_id in ids],
        "annotations": annotations,
        "categories": [{"id": 3 * k, "name": f"class {k}", "frequency": "rcf"[k % 3]} for k in range(1, classes + 1)],
    }
    for row in (*annotations, *results):
        row["category_id"] *= 3
    return truth, results


def random_box(rng: np.random.Generator) -> np.ndarray:
    """Left, top, width and height in px."""
    size = np.exp(rng.uniform(1, 4.8, 2)).clip(2, (WIDTH, HEIGHT))
    return np.array([*rng.uniform(0, 1, 2) * ((WIDTH, HEIGHT) - size), *size])


def outline(box: np.ndarray) -> list[float]:
    """A diamond cut at its corners: eight points."""
    left, top, width, height = box.tolist()
    return [left, top + height / 4, left + width / 4, top, left + 3 * width / 4, top, left + width, top + height / 4,
            left + width, top + 3 * height / 4, left + 3 * width / 4, top + height, left + width / 4, top + height,
            left, top + 3 * height / 4]  # fmt: skip


def annotation(rng: np.random.Generator, number: int, image_id: int, category: int, box: np.ndarray) -> Json:
    """A polygon, or a crowd in uncompressed run lengths."""
    run = coco_mask.frPyObjects([outline(box)], HEIGHT, WIDTH)[0]
    crowd = bool(rng.random() < 0.15)
    return {
        "id": number, "image_id": image_id, "category_id": category, "iscrowd": int(crowd),
        "ignore": int(rng.random() < 0.1), "area": float(coco_mask.area(run)), "bbox": box.tolist(),
        "segmentation": uncompressed(decoded(run)) if crowd else [outline(box)],
    }  # fmt: skip


def result(rng: np.random.Generator, image_id: int, category: int, box: np.ndarray, boxes: bool) -> Json:
    """Compressed run lengths, on request with the box."""
    run = coco_mask.frPyObjects([outline(box)], HEIGHT, WIDTH)[0]
    row = {
        "image_id": image_id, "category_id": category, "score": round(float(rng.random()), 1),
        "segmentation": {"size": [HEIGHT, WIDTH], "counts": run["counts"].decode()},
    }  # fmt: skip
    return row | ({"bbox": box.tolist()} if boxes else {})


def decoded(run: Json) -> np.ndarray:
    """The pixels of run lengths, by pycocotools, which warns with newer numpy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return coco_mask.decode(run)


def picture(rng: np.random.Generator, image_id: int, classes: int, federated: bool) -> Json:
    row: Json = {"id": image_id, "file_name": f"{image_id}.png", "height": HEIGHT, "width": WIDTH}
    if federated:
        for key in ("neg_category_ids", "not_exhaustive_category_ids"):
            row[key] = [3 * k for k in range(1, classes + 1) if rng.random() < 0.3]
    return row


def uncompressed(mask: np.ndarray) -> Json:
    """Run lengths as plain numbers, by columns, the first of them background."""
    flat = np.concatenate([[0], mask.ravel(order="F"), [2]])
    counts = np.diff(np.flatnonzero(flat[1:] != flat[:-1]), prepend=0).tolist()
    return {"size": list(mask.shape), "counts": counts}


def reference(truth: Json, results: list[Json], kind: str) -> COCOeval:
    """COCOeval of pycocotools, run."""
    with contextlib.redirect_stdout(io.StringIO()):
        annotations = pycocotools.coco.COCO()
        annotations.dataset = copy.deepcopy(truth)
        annotations.createIndex()
        scores = COCOeval(annotations, annotations.loadRes(copy.deepcopy(results)), KIND_NAMES[kind])
        scores.evaluate()
        scores.accumulate()
        scores.summarize()
    return scores


def second_reference(truth: Json, results: list[Json], kind: str, *, lvis: bool = False) -> Any:
    """COCOeval_faster of faster-coco-eval, run; it knows boundaries and LVIS's rule."""
    annotations = faster_coco_eval.COCO(copy.deepcopy(truth))
    found = annotations.loadRes(copy.deepcopy(results))
    options = {"lvis_style": lvis, "boundary_cpu_count": 1}
    scores = faster_coco_eval.COCOeval_faster(annotations, found, KIND_NAMES[kind], **options)
    if lvis:
        scores.params.maxDets = [300]
    scores.run()
    return scores


def absent_as_none(values: Any) -> list[float | None]:
    """COCO's -1 as ours."""
    return [None if value == -1 else float(value) for value in values]
