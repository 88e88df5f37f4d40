"""Masks and defect areas of image files with a bundle: what a program on the line does. Needs no torch.

python examples/inspect_frames.py demo/brackets.bundle demo/line/*.jpg
"""

from __future__ import annotations

import sys

import segwright


def main(bundle: str, frames: list[str]) -> None:
    predictor = segwright.load(bundle)
    for frame in frames:
        prediction = predictor.predict(frame)
        defects = {spec.name: prediction.areas_px()[spec.name] for spec in predictor.classes.foreground}
        print(frame, defects)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(f"usage: {sys.argv[0]} BUNDLE IMAGE...")
    main(sys.argv[1], sys.argv[2:])
