"""The commented segwright.yaml that `segwright init` writes."""

from __future__ import annotations

import json
import re

import yaml

from segwright.core import ClassTable
from segwright.project.schema import Data

TEMPLATE = """\
# segwright.yaml: what to learn, from which frames, and when to raise an alert.
# Every value left out or set to auto is decided by the plan (runs/NAME/plan.yaml), with a reason.
# Any value can be given on the command line too: segwright train training.steps=500 model.encoder=resnet18
name: {name}
task: {task}    # semantic, instance, panoptic, or auto

classes:
  names:            # class name -> id in the mask files
{names}
  void: {void}          # pixels nobody is asked to get right: glare, unclear borders
  background: {background}   # the class that means "nothing here"; null where all classes are of equal standing
{things}
data:
  root: {root}
  format: {format}     # recognised; the page Data formats lists all
{options}{columns_from}    # columns out of file names
{columns_csv}    # or out of a CSV whose first column names the image
{recorded}
split:
  file: split.json  # written by: segwright split segwright.yaml --by COLUMN{columns}
  # by: line,time   # what stays together; block: 1h, by_block: 512 and gap: 5min as `segwright split` takes them
  # fold: 0         # of a split with --folds 5

model:            # network, encoder and task may be auto: `segwright choose segwright.yaml` explains
  network: {network}     # {networks}: docs/models says which when
  encoder: resnet34 # any timm name with a feature pyramid: mobilenetv2_100, efficientnet_b0, convnext_tiny; or mit_b0
  weights: auto     # imagenet, a local file, an earlier run, or null for random

loss:
  cross_entropy: 0.5
  dice: 0.5
  dice_classes: foreground
  class_weights: auto   # none, inverse_sqrt, inverse, median, effective, or {{class: weight}}
  # lovasz: 0.2         # also focal, tversky, cldice, boundary, ...: docs/losses.md says when

training:
  steps: auto
  crop: auto
  batch: auto
  learning_rate: auto
  rare_crops: 0.6   # share of crops centred on a pixel of a class, rare classes more often
  seed: 0
  augment:
    colour: 1.0           # 0 none, 1 usual, 2 twice as far
    glare: 0.0            # share of crops with a saturated patch put on: 0.3 where glare is painted void
    flip_horizontal: true # false where a mirrored part is not a possible part
    flip_vertical: auto
    rotate_degrees: auto
    scale: auto           # smallest and largest magnification: [0.75, 1.35]
    # copy_paste: 0.5     # marks of other training frames put on; see them with segwright train --preview
  loggers: [tensorboard]  # mlflow, wandb

inference:
  tile: auto
  overlap_px: auto
  flips: false      # average with mirror images: true (twice the time), or [horizontal, vertical]
  # scales: [0.75, 1, 1.25]   # read each tile at several sizes: 3.1 times the time

cleanup:
  min_area_px: {min_area}        # regions smaller than this go; 0 keeps all
  opening_radius_px: {{}} # {{dent: 1}}: deletes what a disk of this radius does not fit into; leave thin classes out
  fill_holes_px: 0
  # crf: true       # outlines to the picture's edges; `segwright train --folds` finds out whether it helps

alerts:
  area_percent: 2.0 # alert where the classes below cover more of the part than this
  classes: []       # empty: every class but the background
  part: frame       # background: what stands out from the belt; or a list of classes
"""


# task -> the network that its project files begin with, and others
NETWORKS = {
    "semantic": ("unet", "also deeplabv3plus, segformer, upernet, ..."),
    "instance": ("maskrcnn", "also yolact, solov2, mask2former, eomt"),
    "panoptic": ("panoptic_fpn", "also mask2former, eomt"),
    "auto": ("auto", "or one by its name"),
}


def project_text(name: str, data: Data, classes: ClassTable, columns: tuple[str, ...], task: str = "semantic") -> str:
    """The commented project file for `data`, as it was recognised; `columns` are those a split can go by."""
    given = "".join(f"    {key}: {_scalar(value)}\n" for key, value in data.options.items())
    things = [spec.name for spec in classes if spec.kind == "thing"]
    return TEMPLATE.format(
        name=_scalar(name),
        task=task,
        network=NETWORKS[task][0],
        networks=NETWORKS[task][1],
        root=_scalar(data.root),
        format=_scalar(data.format),
        names="\n".join(f"    {_scalar(spec.name)}: {spec.class_id}" for spec in classes),
        void=classes.void_id,
        background="null" if classes.background is None else _scalar(classes.background),
        things=f"  things: {_scalar(things)}  # classes whose objects can be counted\n" if things else "",
        columns=f"   (columns: {', '.join(columns)})" if columns else "",
        options=f"  options:\n{given}" if given else "",
        columns_from=_line("columns_from", data.columns_from, "'(?P<line>[^_]+)_(?P<lighting>[^_]+)_'"),
        columns_csv=_line("columns_csv", data.columns_csv, "frames.csv"),
        recorded=_recorded(data),
        min_area=10 if classes.background and task == "semantic" else 0,
    )


def _recorded(data: Data) -> str:
    """The settings of columns from EXIF and DICOM; an example of the first where neither is given."""
    given = {"columns_exif": data.columns_exif, "columns_dicom": data.columns_dicom, "dicom": data.dicom}
    lines = [f"  {key}: {_scalar(value)}\n" for key, value in given.items() if value]
    example = "  # columns_exif: [DateTimeOriginal, Model]    # or out of what the camera wrote: time, camera\n"
    return "".join(lines) or example


def _line(key: str, value: str | None, example: str) -> str:
    """A setting under `data:`, or an example of it in a comment where it is not given."""
    return f"  # {key}: {example}" if value is None else f"  {key}: {_scalar(value)}"


def _scalar(value: object) -> str:
    """A YAML scalar or flow list: plain where YAML reads the plain word back as the same text, else in quotes.

    `on`, `1` and `null` are a truth value, a number and nothing in YAML; a class may be called so.
    """
    if isinstance(value, list):
        return f"[{', '.join(_scalar(item) for item in value)}]"
    if not isinstance(value, str):
        return json.dumps(value)
    if re.fullmatch(r"(?!\d)[\w./-]+", value) and _reads_back(value):
        return value
    # In single quotes a backslash is itself: a pattern stays as it was typed.
    style = "'" if "\\" in value and value.isprintable() else '"'
    return yaml.safe_dump(value, allow_unicode=True, default_style=style, width=10**6).strip()


def _reads_back(value: str) -> bool:
    try:
        return yaml.safe_load(f"{value}: {value}") == {value: value}
    except yaml.YAMLError:
        return False
