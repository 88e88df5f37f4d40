"""The network is too large for the data.

## What it does

With a project file, reports networks that decode by queries (Mask2Former, MaskFormer, OneFormer, EoMT, DETR kinds) and
encoders of the large and huge kinds where fewer than 200 frames are trained on.

## Why is this bad?

Query decoders match predictions to objects by an assignment that is noise until thousands of examples have been seen.
On small sets a U-Net with a pretrained encoder wins, in a tenth of the time.

## Example

```yaml
model: {network: mask2former}      # 84 frames in the training part
```

## Use instead

`model: {network: unet, encoder: resnet34}` with pretrained weights; collect frames before changing the network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from segwright.data.checks.evidence import Evidence
from segwright.data.checks.finding import Finding, Rule

ENOUGH_FRAMES = 200
_BY_QUERIES = re.compile(r"mask2former|maskformer|oneformer|eomt|detr|kmax|knet", re.IGNORECASE)
_LARGE_ENCODER = re.compile(
    r"_(large|huge|giant|xlarge|xxlarge)|resnet(101|152|200)|efficientnet_b[67]|swin_base|vit_(large|huge)",
    re.IGNORECASE,
)
_SMALL_ALL_THE_SAME = re.compile(r"mobilenet|lcnet|ghostnet|segformer", re.IGNORECASE)


def judge(evidence: Evidence) -> Iterator[Finding]:
    """One finding for the network, one for the encoder."""
    project = evidence.project
    if project is None:
        return
    frames = (
        sum(1 for part in evidence.part_of.values() if part == "train") if evidence.split else len(evidence.dataset)
    )
    if frames >= ENOUGH_FRAMES:
        return
    for key, name, pattern, instead in (
        ("model.network", project.network, _BY_QUERIES, "unet"),
        ("model.encoder", project.encoder, _LARGE_ENCODER, "resnet34"),
    ):
        if pattern.search(name) and not _SMALL_ALL_THE_SAME.search(name):
            yield Finding(
                f"segwright.yaml: {key}",
                f"is {name}, which wants more frames than there are",
                f"segwright train {key}={instead}",
                f"{key} {name} {frames}",
                allowed=f"at least {ENOUGH_FRAMES} training frames for it",
                found=f"{frames} frames",
            )


RULE = Rule("SEG050", "model-too-large", "warning", judge, __doc__ or "", needs=("project",))
