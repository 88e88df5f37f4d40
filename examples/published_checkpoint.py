"""A checkpoint others published, as a bundle: proved equal on your frames, then used and scored like any other.

python examples/published_checkpoint.py espnet-camvid espnet_p_2_q_8_camvid.pth frames/*.png --out espnet.bundle
segwright predict espnet.bundle frames --out predictions
segwright evaluate --predictions predictions --truth masks --classes classes.txt    (CamVid: with a line `11 void`)

What decides whether the bundle is right is not the network but what it reads: ESPNet was trained on BGR frames with a
mean and std of its own, divided by 255 once more. In RGB it gives no error and a fifth of the score.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from segwright.core import RGB, ClassTable, Size
from segwright.data.codecs import read_image
from segwright.export import BundleFacts, ParityFrame, export_bundle
from segwright.infer import Predictor, TilePlan
from segwright.infer.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from segwright.infer.runtimes.torch_runtime import TorchRuntime
from segwright.models import NetworkSpec, SegmentationNetwork, build_network
from segwright.train.weights import load_pretrained

CAMVID = "Sky Building Pole Road Pavement Tree SignSymbol Fence Car Pedestrian Bicyclist"
CITYSCAPES = (
    "road sidewalk building wall fence pole traffic_light traffic_sign vegetation terrain sky person rider car truck "
    "bus train motorcycle bicycle"
)
VOC = (
    "background aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person "
    "potted_plant sheep sofa train tv"
)


@dataclass(frozen=True)
class Published:
    """A network, the classes its outputs stand for, and what its authors' code does to a frame.

    `outputs` may be more than the classes: the last one of ESPNet is 'unlabelled', which is no answer here. `bgr`: the
    authors read frames with OpenCV and never turned them round. `source` is where the preprocessing stands.
    """

    network: str
    outputs: int
    classes: str
    preprocessing: Preprocessing
    source: str
    options: dict[str, Any] = field(default_factory=dict)
    bgr: bool = False
    tile: Size = field(default_factory=lambda: Size(512, 512))


# Mean and std in RGB and in 0..1 after the scale; ESPNet's (x - mean) / std / 255 has std * 255 here.
IMAGENET = Preprocessing(RGB, 1 / 255, IMAGENET_MEAN, IMAGENET_STD)
PUBLISHED = {
    "espnet-camvid": Published(
        "espnet",
        12,
        CAMVID,
        # The authors measure mean and std on their training frames and publish neither: these are of 65 of the 367.
        Preprocessing(RGB, 1.0, (84.36, 90.84, 93.43), (59.32 * 255, 65.10 * 255, 65.97 * 255)),
        "sacmehta/ESPNet: train/loadData.py (mean, std), train/Transforms.py (ToTensor), train/DataSet.py (BGR)",
        {"fine": "joined"},
        bgr=True,
    ),
    "espnetv2-voc": Published(
        "espnetv2", 21, VOC, IMAGENET, "sacmehta/EdgeNets: test_segmentation.py", {"scale": 2.0}, tile=Size(384, 384)
    ),
    "espnetv2-cityscapes": Published(
        "espnetv2",
        20,
        CITYSCAPES,
        IMAGENET,
        "sacmehta/EdgeNets: test_segmentation.py",
        {"scale": 2.0},
        tile=Size(512, 1024),
    ),
}


class AsPublished(nn.Module):
    """The network on RGB frames, with the outputs that are classes."""

    def __init__(self, network: SegmentationNetwork, classes: int, *, bgr: bool) -> None:
        super().__init__()
        self.network, self.classes, self.bgr = network, classes, bgr

    def forward(self, frames: Tensor) -> Tensor:
        return self.network(frames.flip(1) if self.bgr else frames)[:, : self.classes]


def make_bundle(name: str, weights: Path, frames: Sequence[Path], to: Path) -> str:
    """Write the bundle `to`; what was loaded, in a sentence."""
    published = PUBLISHED[name]
    table = ClassTable.of(published.classes.split())
    spec = NetworkSpec(published.network, "its own", 3, published.outputs, options=published.options)
    network = build_network(spec).eval()
    report = load_pretrained(network, str(weights))
    whole = AsPublished(network, len(table), bgr=published.bgr).eval()
    runtime = TorchRuntime(whole, channels=len(table), stride_px=network.stride_px)
    overlap = min(published.tile.height, published.tile.width) // 4
    pipeline = Predictor(runtime, table, published.preprocessing, TilePlan(published.tile, overlap))
    facts = BundleFacts(to.stem, training={"weights": weights.name, "preprocessing_from": published.source})
    proof = [ParityFrame(path.stem, read_image(path)) for path in frames]
    export_bundle(whole, pipeline, proof, to, facts)
    return str(report)


def main() -> None:
    parser = argparse.ArgumentParser(description="A published checkpoint as a bundle.")
    parser.add_argument("name", choices=PUBLISHED)
    parser.add_argument("weights", type=Path, help="the authors' file")
    parser.add_argument("frames", type=Path, nargs="+", help="frames on which the export is proved")
    parser.add_argument("--out", type=Path, required=True, help="the new bundle")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(make_bundle(given.name, given.weights, given.frames, given.out))
    print(f"next: segwright predict {given.out} FRAMES --out predictions")


if __name__ == "__main__":
    main()
