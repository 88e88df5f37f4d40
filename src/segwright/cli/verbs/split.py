"""segwright split."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from segwright.cli.face import Face, JsonFlag

Data = Annotated[Path, typer.Argument(help="Labelled frames: a folder, .json, .xml, .zip; or a segwright.yaml.")]
By = Annotated[str | None, typer.Option(help="What stays together: line; line,session; 'time[:10]'; 'camera~(\\d+)'.")]
Block = Annotated[str | None, typer.Option(help="Cut the time or number --by ends with into blocks: 1h, 300.")]
ByBlock = Annotated[str | None, typer.Option(help="Keep squares of a large scene together: 512 (px), 100m.")]
Position = Annotated[
    str | None, typer.Option(help="The two columns that say where a frame is.  [default: x,y or longitude,latitude]")
]
Gap = Annotated[str | None, typer.Option(help="Leave out frames nearer than this to another part: 5min, 64.")]
Folds = Annotated[str | None, typer.Option(help="Write this many folds; each: leave one group out.")]
Fractions = Annotated[
    str | None,
    typer.Option(
        help="Share of each part: train, validation, calibration, test.  "
        "[default: train=0.6,validation=0.2,calibration=0.2; with --folds train=1]"
    ),
]
HoldOut = Annotated[
    list[str] | None, typer.Option(help="PART=VALUE or PART=COLUMN:VALUE: put these groups there. Repeatable.")
]
From = Annotated[
    list[str] | None,
    typer.Option("--from", help="Take over a split: splits_final.json, CSV, folder of lists, PART=LIST (repeatable)."),
]
Check = Annotated[
    list[str] | None, typer.Option(help="Check a split instead: split.json, or what --from takes. Exit 1 if it leaks.")
]
Out = Annotated[Path, typer.Option(help="Where to write the split.")]
Columns = Annotated[str | None, typer.Option(help="Columns from file names: '(?P<line>[^_]+)_'.")]
ColumnsCsv = Annotated[Path | None, typer.Option(help="Columns from a CSV whose first names the image.")]
ColumnsExif = Annotated[str | None, typer.Option(help="Columns from EXIF tags: DateTimeOriginal,Model.")]
ColumnsDicom = Annotated[str | None, typer.Option(help="Columns from DICOM tags: PatientID,StudyDate.")]
Dicom = Annotated[Path | None, typer.Option(help="Folder of the DICOM files.  [default: where the frames are]")]
Format = Annotated[str, typer.Option(help="auto, or a format such as voc, coco_json, nifti_pairs.")]
Classes = Annotated[str, typer.Option(help="Class names for ids 0, 1, ..., comma-separated, or a file.")]
Option = Annotated[list[str] | None, typer.Option(help="A setting of the format: --option cut=128. Repeatable.")]
Seed = Annotated[int, typer.Option(min=0, help="Another seed, another split of the same kind.")]
Independent = Annotated[
    bool, typer.Option("--i-know-frames-are-independent", help="Allow a random split of single frames.")
]


def split(
    data: Data,
    by: By = None,
    block: Block = None,
    by_block: ByBlock = None,
    position: Position = None,
    gap: Gap = None,
    folds: Folds = None,
    fractions: Fractions = None,
    hold_out: HoldOut = None,
    from_: From = None,
    check: Check = None,
    out: Out = Path("split.json"),
    columns: Columns = None,
    columns_csv: ColumnsCsv = None,
    columns_exif: ColumnsExif = None,
    columns_dicom: ColumnsDicom = None,
    dicom: Dicom = None,
    format: Format = "auto",  # noqa: A002
    classes: Classes = "",
    option: Option = None,
    seed: Seed = 0,
    independent: Independent = False,
    json: JsonFlag = False,
) -> None:
    """Divide frames into parts by a column, so that no line, sequence or tile is on both sides."""
    from segwright.cli.datasets import class_table_of, dataset_at, options_of, refuse_with_project, with_given_columns
    from segwright.cli.splitting import answer
    from segwright.cli.splitting.request import grouping_asked
    from segwright.cli.splitting.work import Asked, work

    refuse_with_project(data, {"--format": format != "auto", "--classes": classes, "--option": option})
    asked = Asked(folds, fractions, hold_out or [], seed, independent, from_ or [], check or [])
    with Face(as_json=json) as face:
        ways: dict[str, Any] = {"columns_from": columns, "columns_csv": columns_csv}
        dataset = dataset_at(data, format=format, classes=class_table_of(classes), options=options_of(option), **ways)
        dataset = with_given_columns(dataset, columns_exif, columns_dicom, dicom)
        grouping = grouping_asked(data, by, (block, by_block, position, gap), independent=independent)
        work(face, dataset, grouping, asked, out)
        answer.say_what_train_needs(face, data, ways, columns_exif, columns_dicom)
