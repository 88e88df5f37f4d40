"""Scores of masks from any tool, from arrays in memory: small enough to check by eye.

python examples/score_masks.py
"""

from __future__ import annotations

import numpy as np

import segwright

VOID = 255
TRUTH = np.array(
    [
        [0, 0, 0, 0],
        [0, 1, 1, 0],
        [0, 1, 1, 0],
        [0, 0, 0, VOID],
    ],
    np.uint8,
)
PREDICTION = np.array(
    [
        [0, 0, 0, 0],
        [0, 1, 1, 1],
        [0, 1, 0, 0],
        [0, 0, 0, 1],  # the last pixel is void in the truth: whatever is said there changes nothing
    ],
    np.uint8,
)


def main() -> None:
    evaluation = segwright.evaluate(PREDICTION, TRUTH, classes=["background", "scratch"], boundary_px=(1,))
    scratch = evaluation.classes["scratch"]
    print(f"scratch: IoU {scratch['iou']}, precision {scratch['precision']}, recall {scratch['recall']}")
    print(f"pooled mIoU over {evaluation.images} image: {evaluation.scores['pooled_miou']:.3f}")
    print(f"void: {evaluation.void_fraction:.4f} of the pixels")


if __name__ == "__main__":
    main()
