"""A trained model disagrees with a label, confidently.

## What it does

With `--model RUN|BUNDLE`, ranks frames and the regions in them by how sure the model is of another class than the one
painted. A pixel counts where the model gives another class a probability above that class's own average confidence (the
threshold of confident learning); void pixels count nowhere. Regions of such pixels, of at least 16 px, are listed by
the disagreement they hold, at most 200 of them. Where the model gives less than chance to the pixels of a class, that
is said: it has not learned the class, or most of these labels are wrong.

## Why is this bad?

Of such places a large share are slips: a class swapped, an object forgotten, a border off. Looking at the top of the
list finds them far sooner than looking at every frame.

How much of the top are slips depends on the model. 64 test frames of the magnetic tiles (44 with a defect), a U-Net on
MobileNetV2 after 600 steps that reaches a mean IoU of 0.44 on validation and does not know `MT_Break` at all, and 29
planted errors: 11 defects forgotten, 8 called by another name, 10 invented where nothing is. Of 152 regions:

| regions looked at | of planted errors | planted errors found |
|---|---|---|
| 10 | 70 % | 24 % |
| 30 | 47 % | 41 % |
| 50 | 52 % | 79 % |
| 100 | 39 % | 93 % |
| all 152 | 39 % | 97 % |

The same frames untouched give 148 regions in 49 frames: the model's own mistakes, first of all defects with soft
borders (`MT_Uneven`) and every `MT_Break`. A model this weak is a guide to where to look, not a judge; the worst region
of each frame puts 7 frames with planted errors among the first 10.

## Example

```text
1  masks/0412.png rows 31-77, columns 210-264   painted background, the model says dent (0.97)
```

## Use instead

Look at the regions from the top and correct what is wrong. Use a model that was not trained on these frames where you
can: a model that has learned a wrong label by heart agrees with it. After Northcutt, Jiang and Chuang, "Confident
Learning: Estimating Uncertainty in Dataset Labels", JAIR 2021.
"""

from __future__ import annotations

from collections.abc import Iterator

from segwright.data.checks.disagreement import Region, ranked_regions
from segwright.data.checks.evidence import Evidence
from segwright.data.checks.finding import Finding, Rule

MOST_REGIONS = 200


def judge(evidence: Evidence) -> Iterator[Finding]:
    """Regions, the worst first."""
    if evidence.predict is None:
        return
    by_stem = {facts.stem: facts for facts, _ in evidence.labelled}
    stems = list(by_stem)
    for region in ranked_regions(evidence.dataset, stems, evidence.predict, evidence.listener)[:MOST_REGIONS]:
        facts = by_stem[region.stem]
        yield Finding(
            facts.place,
            _said(region),
            "look at the region, and correct the mask or accept it",
            f"{facts.subject} {region.painted} {region.box.top} {region.box.left}",
            frame=region.stem,
            box=region.box,
            allowed="labels that a model which learned from the others would give",
            found=f"{region.area_px} px, rank score {region.score:.1f}",
            rank=region.score,
        )


def _said(region: Region) -> str:
    return f"is painted {region.painted} where the model says {region.predicted} ({region.confidence:.2f})"


RULE = Rule("SEG040", "label-outliers", "hint", judge, __doc__ or "", needs=("model",))
