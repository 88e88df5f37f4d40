"""What `segwright init` writes reads back as what was recognised."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from segwright.core import ClassSpec, ClassTable
from segwright.project import read_project
from segwright.project.read import validated
from segwright.project.schema import Data
from segwright.project.template import project_text

AWKWARD = [
    "on",
    "1",
    "null",
    "yes",
    "-1",
    "Kratzer tief",
    "Öl—Fleck",
    "划痕",
    "a: b",
    "#1",
    "",
    " ",
    "~",
    "'q'",
    '"',
    "\\",
]


def written(table: ClassTable, *, root: str = "frames", options: dict | None = None, **columns: str) -> dict:
    data = Data(root=root, format="index_png", options=options or {}, **columns)
    text = project_text("press", data, table, ("line", "lamp"))
    return yaml.safe_load(text)


def test_project_text__reads_back_as_it_was_recognised(tmp_path: Path) -> None:
    table = ClassTable.of(["background", "scratch", "dent"])
    path = tmp_path / "segwright.yaml"
    data = Data(root="../frames", format="index_png", options={"masks": "m"})
    path.write_text(project_text("press 3", data, table, ("line",)), encoding="utf-8")
    project = read_project(path)
    assert project.classes.table() == table
    assert (project.name, project.data.root, project.data.format) == ("press 3", "../frames", "index_png")
    assert project.data.options == {"masks": "m"}


@pytest.mark.parametrize("name", [name for name in AWKWARD if name])
def test_project_text__awkward_class_names_stay_text(name: str) -> None:
    table = ClassTable((ClassSpec(0, name), ClassSpec(3, "other")), background=name)
    assert validated(written(table), "x").classes.table() == table


printable = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(
    lambda text: text != "void"
)


@given(st.lists(printable, min_size=1, max_size=5, unique=True), printable, st.sampled_from([255, 0, 65535]))
def test_project_text__any_names_and_folders_read_back(names: list[str], root: str, void_id: int) -> None:
    specs = tuple(ClassSpec(index + 1, name, "thing" if index % 2 else "stuff") for index, name in enumerate(names))
    table = ClassTable(specs, void_id)
    options = {"mapping": names, "flag": True, "count": 3}
    project = validated(written(table, root=root, options=options), "x")
    assert project.classes.table() == table
    assert project.data.root == root
    assert project.data.options == options


def test_project_text__keeps_which_classes_can_be_counted() -> None:
    table = ClassTable((ClassSpec(0, "road"), ClassSpec(1, "car", "thing")))
    assert validated(written(table), "x").classes.table().content_hash == table.content_hash


@pytest.mark.parametrize("pattern", [r"(?P<line>[^_]+)_", r"^(?P<sequence>\d{4}[A-Z]+)'\"#: "])
def test_project_text__columns_read_back(pattern: str) -> None:
    table = ClassTable.of(["background", "scratch"])
    project = validated(written(table, columns_from=pattern, columns_csv="../my frames.csv"), "x")
    assert (project.data.columns_from, project.data.columns_csv) == (pattern, "../my frames.csv")
    recorded = {"columns_exif": ["Model", "at=DateTimeOriginal"], "columns_dicom": ["PatientID"], "dicom": "../dicom"}
    assert validated(written(table, **recorded), "x").data.model_dump(include=set(recorded)) == recorded
    plain = validated(written(table), "x").data
    assert (plain.columns_from, plain.columns_csv) == (None, None)
