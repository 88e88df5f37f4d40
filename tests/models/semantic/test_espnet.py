"""ESPNet and ESPNetv2: the authors' files load under their own names and see what they were trained to see.

The frames and files are kept outside the repository; what needs them is skipped where they are absent.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from segwright.core import ConfigError
from segwright.data.codecs import read_image
from segwright.infer.preprocess import IMAGENET_MEAN, IMAGENET_STD
from segwright.models import NetworkSpec, SegmentationNetwork, build_network
from segwright.models.semantic import espnetv2_decoder

EDGENETS = "weights/edgenets/model/segmentation/model_zoo/espnetv2"
CAMVID = "weights/espnet/pretrained/decoder/espnet_p_2_q_8_camvid.pth"
# Of the 65 training frames that are kept, as ESPNet's loader takes them: means of the frames' means and of their stds.
CAMVID_MEAN, CAMVID_STD = (84.36, 90.84, 93.43), (59.32, 65.10, 65.97)


def built(name: str, channels: int = 4, bands: int = 3, **options: object) -> SegmentationNetwork:
    torch.manual_seed(0)
    return build_network(NetworkSpec(name, "its own", bands, channels, options=options))


def published(network: SegmentationNetwork, path: Path) -> tuple[set[str], set[str]]:
    """Fill `network` in evaluation mode from an authors' file; what was missing in it and what was left over."""
    if not path.is_file():
        pytest.skip(f"no {path.name} in the shared data")
    left = network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True), strict=False)
    network.eval()
    return set(left.missing_keys), set(left.unexpected_keys)


def as_input(pixels: npt.NDArray, mean: Sequence[float], std: Sequence[float], divide: float = 1.0) -> Tensor:
    values = (pixels.astype(np.float32) - np.float32(mean)) / np.float32(std) / np.float32(divide)
    return torch.from_numpy(values.transpose(2, 0, 1).copy())[None]


def camvid_test(shared_data: Path) -> list[tuple[npt.NDArray, npt.NDArray]]:
    """The kept frames of CamVid's test split with their ids; 11 is void."""
    folder = shared_data / "semantic_camvid"
    files = sorted((folder / "test").glob("*.png"))
    return [(read_image(file).pixels, read_image(folder / "testannot" / file.name).pixels[..., 0]) for file in files]


@pytest.mark.parametrize("name", ["espnet", "espnetv2"])
@pytest.mark.parametrize(("channels", "bands"), [(1, 3), (2, 1), (5, 4), (21, 3)])
def test_both__any_number_of_classes_and_bands_learns_with_every_parameter(
    name: str, channels: int, bands: int
) -> None:
    network = built(name, channels, bands)
    logits = network(torch.randn(2, bands, 64, 128))
    assert logits.shape == (2, channels, 64, 128)
    logits.square().mean().backward()
    assert [key for key, parameter in network.named_parameters() if parameter.grad is None] == []


@pytest.mark.parametrize("name", ["espnet", "espnetv2"])
def test_both__stages_are_the_encoder_and_expect_shifts_what_is_said(name: str) -> None:
    network = built(name, channels=2)
    staged = [parameter for stage in network.stages for module in stage for parameter in module.parameters()]
    assert len({id(parameter) for parameter in staged}) == len(staged)
    backbone = network.backbone
    assert backbone is not None
    assert {id(parameter) for parameter in staged} <= {id(parameter) for parameter in backbone.parameters()}
    frames = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        before = network.eval()(frames)
        network.expect([0.9, 0.1])
        moved = network(frames) - before
    torch.testing.assert_close(moved[:, 0] - moved[:, 1], torch.full((1, 64, 64), float(np.log(9))))


def test_options__a_scale_nobody_trained_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"model\.options\.scale: has a value it cannot take") as caught:
        built("espnetv2", scale=3.0)
    assert caught.value.problems[0].allowed == "0.5, 1.0, 1.25, 1.5, 2.0"


@pytest.mark.parametrize("side", [64, 128, 192, 320])
def test_pooling__what_is_exported_is_what_is_trained(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Export has no adaptive pooling for free sizes; the operations that stand for it give the same numbers."""
    network = built("espnetv2", scale=0.5).double().eval()
    frames = torch.randn(1, 3, side, 64, dtype=torch.float64)
    with torch.no_grad():
        trained = network(frames)
        monkeypatch.setattr(torch.compiler, "is_exporting", lambda: True)
        torch.testing.assert_close(network(frames), trained, rtol=1e-6, atol=1e-6)


def test_pooling__thirds_are_adaptive_pooling() -> None:
    features = torch.randn(1, 2, 12, 18)
    ours = espnetv2_decoder._two_of_three(espnetv2_decoder._two_of_three(features, 2), 3)
    torch.testing.assert_close(ours, F.adaptive_avg_pool2d(features, (8, 12)))


def test_espnet__the_camvid_file_scores_as_published_and_only_on_bgr_frames(shared_data: Path) -> None:
    """Published: 55.64 % mIoU on all 233 test frames; ten of them are kept, all of the sequence 0001TP.

    The file was trained on BGR frames, minus mean, over std, over 255. RGB instead is no error, only wrong.
    """
    network = built("espnet", channels=12, fine="joined")
    assert published(network, shared_data / CAMVID) == ({"classifier.bias"}, set())
    frames = camvid_test(shared_data)
    to_input = partial(as_input, mean=CAMVID_MEAN, std=CAMVID_STD, divide=255)
    right = pooled_ious(network, [(to_input(pixels).flip(1), ids) for pixels, ids in frames])
    swapped = pooled_ious(network, [(to_input(pixels), ids) for pixels, ids in frames])
    unscaled = pooled_ious(network, [(to_input(pixels).flip(1) * 255, ids) for pixels, ids in frames])
    assert right["mean"] > 0.65
    assert min(right[name] for name in ("sky", "road", "car")) > 0.85
    assert swapped["mean"] < 0.2
    assert unscaled["mean"] < 0.1


def pooled_ious(network: SegmentationNetwork, frames: Sequence[tuple[Tensor, npt.NDArray]]) -> dict[str, float]:
    """Pooled IoU of some CamVid classes and of all eleven; the twelfth output, unlabelled, may not be said."""
    counts = np.zeros((11, 11), np.int64)
    for pixels, ids in frames:
        with torch.no_grad():
            said = network(pixels)[0, :11].argmax(0).numpy()
        counts += np.bincount(11 * ids[ids < 11].astype(int) + said[ids < 11], minlength=121).reshape(11, 11)
    ious = np.diag(counts) / (counts.sum(0) + counts.sum(1) - np.diag(counts))
    present = counts.sum(1) > 0
    return {"sky": ious[0], "road": ious[3], "car": ious[8], "mean": float(ious[present].mean())}


@pytest.mark.parametrize(
    ("file", "scale", "side", "least"),
    [("espnetv2_s_2.0_pascal_384x384.pth", 2.0, 384, 0.84), ("espnetv2_s_0.5_pascal_256x256.pth", 0.5, 256, 0.9)],
)
def test_espnetv2__the_voc_files_find_the_bird(
    shared_data: Path, file: str, scale: float, side: int, least: float
) -> None:
    network = built("espnetv2", channels=21, scale=scale)
    missing, left = published(network, shared_data / EDGENETS / file)
    assert missing == set()
    assert left == {f"base_net.level{level}_0.eesp.module_act.weight" for level in (2, 3, 4)}
    picture = read_image(shared_data / "weights/coral/bird_segmentation.bmp").pixels
    bird = read_image(shared_data / "weights/coral/bird_segmentation_mask.bmp").pixels[..., 0] == 3
    frame = as_input(picture / np.float32(255), IMAGENET_MEAN, IMAGENET_STD)
    with torch.no_grad():
        logits = network(F.interpolate(frame, size=(side, side), mode="bilinear", antialias=True))
        found = F.interpolate(logits, size=bird.shape, mode="bilinear")[0].argmax(0).numpy() == 3
    assert (found & bird).sum() / (found | bird).sum() > least


def test_espnetv2__the_cityscapes_file_sees_another_town_and_only_in_rgb(shared_data: Path) -> None:
    """Trained on Cityscapes at 1024x512: on CamVid's frames it still finds road, sky and cars; in BGR far less."""
    network = built("espnetv2", channels=20)
    assert published(network, shared_data / EDGENETS / "espnetv2_s_2.0_city_1024x512.pth")[0] == set()
    frames = [(pixels / np.float32(255), ids) for pixels, ids in camvid_test(shared_data)[::4]]
    assert _street(network, frames) > 0.7
    assert _street(network, [(pixels[..., ::-1], ids) for pixels, ids in frames]) < 0.55


def _street(network: SegmentationNetwork, frames: Sequence[tuple[npt.NDArray, npt.NDArray]]) -> float:
    """IoU of Cityscapes' road, sky and car with CamVid's, all pixels of the three together."""
    hits = unions = 0
    for pixels, ids in frames:
        frame = F.interpolate(as_input(pixels, IMAGENET_MEAN, IMAGENET_STD), size=(512, 1024), mode="bilinear")
        with torch.no_grad():
            said = F.interpolate(network(frame), size=ids.shape)[0].argmax(0).numpy()
        for theirs, ours in ((0, 3), (10, 0), (13, 8)):
            hits += int(((said == theirs) & (ids == ours)).sum())
            unions += int(((said == theirs) | (ids == ours))[ids < 11].sum())
    return hits / unions
