"""Networks of others and ours with the same weights, each from a frame of uint8 pixels to boolean masks at its size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN, maskrcnn_resnet50_fpn
from torchvision.models.detection.roi_heads import paste_masks_in_image
from transformers import EomtImageProcessor, Mask2FormerImageProcessor

from segwright.core import RGB, ClassTable, Image, Size, adopt
from segwright.export.onnx_export import export_objects_onnx
from segwright.infer import Preprocessing, TilePlan
from segwright.infer.objects import Candidates, ObjectDecision, ObjectPredictor, objects_of
from segwright.infer.objects.query import Place, candidates, instances
from segwright.infer.runtimes.onnx_runtime import OnnxObjectRuntime
from segwright.infer.runtimes.torch_runtime import TorchObjectRuntime
from segwright.models import NetworkSpec, build_network
from segwright.models.instance import InstanceSpec, MaskRCNNOptions, build_instance_network
from segwright.models.query import QueryNetwork

CLASSES = ClassTable.of(["background", "object"])
THINGS = ClassTable.of(["object"], background=None)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
MOST = 100
# What torchvision looks at in a frame: as many for both.
OPTIONS = MaskRCNNOptions(proposals=1000, before_suppression=1000)
ALL = ObjectDecision(score=0.0, min_area_px=1, most=MOST)

Step = Callable[[], int]  # gives the number of masks


@dataclass(frozen=True)
class Pair:
    """The same work by ours and by theirs."""

    ours: Step
    theirs: Step


def frame_of(size: Size) -> Image:
    """Noise: what a frame shows changes hardly any time."""
    pixels = np.random.default_rng(0).integers(0, 255, (size.height, size.width, 3), np.uint8)
    return Image(adopt(pixels), RGB)


def torchvision_pair(size: Size) -> Pair:
    """Mask R-CNN on ResNet-50, random weights: with one class every region scores above the floor, and 100 stay."""
    theirs = _torchvision(size)
    predictor = _predictor(TorchObjectRuntime(_maskrcnn(theirs)), size)
    frame = frame_of(size)
    return Pair(lambda: len(predictor.predict(frame).objects), lambda: _by_torchvision(theirs, frame))


def onnx_pair(size: Size) -> Pair:
    """The same, ours as the ONNX file that `segwright export` writes, in ONNX Runtime with one thread."""
    theirs = _torchvision(size)
    network = _maskrcnn(theirs)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        export_objects_onnx(network, path, bands=3, stride_px=32, example_px=64)
        runtime = OnnxObjectRuntime(path, mask_frame="box", stride_px=32, threads=1)
    predictor, frame = _predictor(runtime, size), frame_of(size)
    return Pair(lambda: len(predictor.predict(frame).objects), lambda: _by_torchvision(theirs, frame))


def pasting_pair(size: Size) -> Pair:
    """100 masks of 28 x 28 cells in boxes of 10 to 400 px, to masks of the frame; ours without doubles besides."""
    boxes, masks = _boxes(size), _discs(28, MOST)
    found = Candidates(
        np.full(MOST, 0.9, np.float32), np.zeros(MOST, np.int64), boxes, masks, "box", size.height, size.width
    )
    shares, where = torch.from_numpy(masks).sigmoid()[:, None], torch.from_numpy(boxes)

    def theirs() -> int:
        return len(paste_masks_in_image(shares, where, (size.height, size.width)) > 0.5)

    return Pair(lambda: len(objects_of(found, ALL, CLASSES)), theirs)


def query_pair(name: str, encoder: str, size: Size) -> Pair:
    """A query network: forward pass and objects, ours, and transformers' own forward and post-processing.

    transformers' EoMT reads squares of one side, that of its configuration: give it one.
    """
    torch.manual_seed(0)
    options = {"image_size": size.height} if name == "eomt" else {}
    network = build_network(NetworkSpec(name, encoder, 3, 1, options=options)).eval()
    assert isinstance(network, QueryNetwork)
    reference = _transformers_twin(network)
    frame, preprocessing = frame_of(size), Preprocessing(RGB, 1 / 255, MEAN, STD)

    def ours() -> int:
        with torch.inference_mode():
            batch = torch.from_numpy(preprocessing.apply(frame)[None])
            said = network.queries(batch)
        found = candidates(said.class_logits[0].numpy(), said.mask_logits[0].numpy(), most=MOST)
        return len(instances(found, Place.whole(size), THINGS))

    def theirs() -> int:
        with torch.inference_mode():
            return _post_processed(name, reference(_normalised(frame)), size)

    return Pair(ours, theirs)


def query_objects_pair(name: str, size: Size) -> Pair:
    """Post-processing alone: 100 queries whose masks are discs, at a quarter of the frame."""
    masks = _scattered(Size(size.height // 4, size.width // 4), MOST)
    classes = np.tile(np.array([[2.0, 0.0]], np.float32), (MOST, 1))
    said = SimpleNamespace(
        class_queries_logits=torch.from_numpy(classes)[None], masks_queries_logits=torch.from_numpy(masks)[None]
    )
    place = Place.whole(size)

    def theirs() -> int:
        with torch.inference_mode():
            return _post_processed(name, said, size)

    return Pair(lambda: len(instances(candidates(classes, masks, most=MOST), place, THINGS)), theirs)


def _torchvision(size: Size) -> MaskRCNN:
    torch.manual_seed(0)
    model = maskrcnn_resnet50_fpn(
        weights=None,
        weights_backbone=None,
        num_classes=len(CLASSES),
        min_size=min(size.height, size.width),
        max_size=max(size.height, size.width),
        box_detections_per_img=MOST,
    )
    return model.eval()


def _maskrcnn(theirs: MaskRCNN) -> nn.Module:
    """Ours with the weights of torchvision's."""
    spec = InstanceSpec("maskrcnn", "resnet50", 3, len(CLASSES) - 1, OPTIONS, 256, MOST)
    network = build_instance_network(spec).eval()
    network.load_state_dict(dict(_renamed(theirs.state_dict())))
    return network


def _renamed(weights: dict[str, Tensor]) -> Any:
    """torchvision's weights under our names; its mask layer has a background, which nobody asks."""
    names = (
        ("backbone.body.", "encoder.backbone."),
        ("backbone.fpn.", "pyramid.fpn."),
        ("rpn.head.", "regions.proposals.head."),
        ("roi_heads.box_head.", "regions.box_head.layers."),
        ("roi_heads.box_predictor.", "regions.box_head.predictor."),
        ("roi_heads.mask_head.", "regions.mask_head.layers."),
        ("roi_heads.mask_predictor.conv5_mask.", "regions.mask_head.up."),
    )
    for name, value in weights.items():
        if name.startswith("roi_heads.mask_predictor.mask_fcn_logits."):
            own = value[1:].flatten(1) if value.ndim > 1 else value[1:]
            yield f"regions.mask_head.{name.rsplit('.', 1)[1]}", own
        else:
            old, new = next(pair for pair in names if name.startswith(pair[0]))
            yield new + name.removeprefix(old), value


def _predictor(runtime: Any, size: Size) -> ObjectPredictor:
    tiles = TilePlan(Size(-(-size.height // 32) * 32, -(-size.width // 32) * 32), 0)
    return ObjectPredictor(runtime, CLASSES, Preprocessing(RGB, 1 / 255, MEAN, STD), tiles, ALL)


def _by_torchvision(model: MaskRCNN, frame: Image) -> int:
    with torch.inference_mode():
        pixels = torch.from_numpy(np.array(frame.pixels)).permute(2, 0, 1).float().div(255)
        return len(model([pixels])[0]["masks"][:, 0] > 0.5)


def _transformers_twin(network: QueryNetwork) -> Any:
    """transformers' own class with the same weights."""
    model = network.model
    kind = next(base for base in type(model).__mro__ if base.__module__.startswith("transformers."))
    twin = kind(model.config).eval()
    twin.load_state_dict(model.state_dict(), strict=False)
    return twin


def _normalised(frame: Image) -> Tensor:
    pixels = torch.from_numpy(np.array(frame.pixels)).permute(2, 0, 1)[None].float().div(255)
    return (pixels - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)


def _post_processed(name: str, said: Any, size: Size) -> int:
    target = (size.height, size.width)
    if name == "eomt":
        shape = {"shortest_edge": size.height, "longest_edge": size.width}
        processor = EomtImageProcessor(size=shape, do_split_image=False, do_pad=False)
        found = processor.post_process_instance_segmentation(said, [target], threshold=0.0, size=shape)
        return len(found[0]["segments_info"])
    found = Mask2FormerImageProcessor().post_process_instance_segmentation(
        said, threshold=0.0, target_sizes=[target], return_binary_maps=True
    )
    return len(found[0]["segments_info"])


def _boxes(size: Size) -> npt.NDArray[np.float32]:
    rng = np.random.default_rng(1)
    side = rng.uniform(10, min(400, size.height / 2), (MOST, 2))
    low = rng.uniform(0, 1, (MOST, 2)) * (np.array([size.width, size.height]) - side)
    return np.concatenate([low, low + side], axis=1).astype(np.float32)


def _discs(cells: int, count: int) -> npt.NDArray[np.float32]:
    """Logits of a disc that fills its cells, `count` times."""
    at = (np.arange(cells) + 0.5) / cells * 2 - 1
    disc = (1 - np.hypot(at[:, None], at[None])) * 8
    return np.repeat(disc[None].astype(np.float32), count, axis=0)


def _scattered(size: Size, count: int) -> npt.NDArray[np.float32]:
    """Logits of discs of 3 to 50 cells, anywhere."""
    rng = np.random.default_rng(2)
    y, x = np.mgrid[: size.height, : size.width].astype(np.float32)
    masks = np.empty((count, size.height, size.width), np.float32)
    for mask in masks:
        radius, top, left = rng.uniform(3, 50), rng.uniform(0, size.height), rng.uniform(0, size.width)
        np.clip(radius - np.hypot(y - top, x - left), -8, 8, out=mask)
    return masks
