"""Splits of other tools become ours: nnU-Net folds, lists of names and paths, tables; nothing is dropped silently."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sklearn.model_selection import KFold

from segwright.core import ConfigError, DataError, Note
from segwright.data import (
    Grouping,
    Split,
    adopt_split,
    check_split,
    columns_from_pattern,
    make_split,
    open_dataset,
    write_split,
)
from segwright.data.split.lists import splits_from_elsewhere
from tests.data.split.frames import frames_with, named


def _parts(splits: tuple[Split, ...]) -> list[dict[str, tuple[str, ...]]]:
    return [dict(split.parts) for split in splits]


def test_nnunet__each_fold_of_splits_final(tmp_path: Path) -> None:
    cases = [f"hippocampus_{number:03}" for number in (1, 3, 4, 6, 7, 8)]
    dataset = named(tmp_path, [f"imagesTr/{case}_0000" for case in cases])
    folds = [
        {"train": [cases[at] for at in train], "val": [cases[at] for at in val]}
        for train, val in KFold(3, shuffle=True, random_state=12345).split(cases)
    ]
    (tmp_path / "splits_final.json").write_text(json.dumps(folds))
    splits = splits_from_elsewhere(dataset, [str(tmp_path / "splits_final.json")])
    assert [split.fold for split in splits] == [0, 1, 2]
    for split, fold in zip(splits, folds, strict=True):
        assert split.parts["validation"] == tuple(f"imagesTr/{case}_0000" for case in sorted(fold["val"]))
        assert split.left_out == ()


def test_nnunet__a_fold_alone_is_a_split(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text('[{"train": ["a"], "val": ["b"]}]')
    splits = splits_from_elsewhere(named(tmp_path, "ab"), [str(tmp_path / "s.json")])
    assert [split.fold for split in splits] == [None]


def test_folder_of_lists__as_voc_keeps_them(tmp_path: Path) -> None:
    lists = tmp_path / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("2007_000032\n2007_000039 1\n")
    (lists / "val.txt").write_text("2007_000063 -1\n\n")
    (lists / "trainval.txt").write_text("2007_000032\n")
    dataset = named(tmp_path, ["2007_000032", "2007_000039", "2007_000063", "2007_000068"])
    split = splits_from_elsewhere(dataset, [str(lists)])[0]
    assert _parts((split,)) == [{"train": ("2007_000032", "2007_000039"), "validation": ("2007_000063",)}]
    assert split.left_out == ("2007_000068",)
    assert any("trainval.txt" in note for note in split.notes)
    assert any("1 frames are named in no list, and left out: 2007_000068" in note for note in split.notes)


def test_lists__paths_of_another_machine_and_names_with_blanks(tmp_path: Path) -> None:
    dataset = named(tmp_path, ["train/part a", "train/b", "val/b"])
    (tmp_path / "one.txt").write_text(
        "/data/coco/images/train/part a.jpg\n./images/train/b.jpg\n", encoding="utf-8-sig"
    )
    (tmp_path / "two.txt").write_text("D:\\sets\\images\\val\\b.png mask.png\n")
    split = splits_from_elsewhere(dataset, [f"train={tmp_path / 'one.txt'}", f"val={tmp_path / 'two.txt'}"])[0]
    assert split.parts == {"train": ("train/b", "train/part a"), "validation": ("val/b",)}
    assert split.notes == ()


@pytest.mark.parametrize("header", ["image,split,size", "file,camera,Subset"])
def test_table__a_column_of_parts(tmp_path: Path, header: str) -> None:
    (tmp_path / "s.csv").write_text(f"{header}\na.png,train,train\nb.png,val,val\nc.png,,\n")
    split = splits_from_elsewhere(named(tmp_path, "abc"), [str(tmp_path / "s.csv")])[0]
    assert _parts((split,)) == [{"train": ("a",), "validation": ("b",)}]
    assert split.notes[0] == "s.csv: 1 rows say no part"


def test_table__a_column_of_fold_numbers(tmp_path: Path) -> None:
    (tmp_path / "s.tsv").write_text("image\tfold\na\t1\nb\t2\nc\t2\n")
    splits = splits_from_elsewhere(named(tmp_path, "abc"), [str(tmp_path / "s.tsv")])
    assert _parts(splits) == [
        {"train": ("b", "c"), "validation": ("a",)}, {"train": ("a",), "validation": ("b", "c")},
    ]  # fmt: skip


def test_lists__names_that_are_no_frame_are_counted(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("a\nghost\n")
    (tmp_path / "val.txt").write_text("b\n")
    split = splits_from_elsewhere(named(tmp_path, "ab"), [str(tmp_path)])[0]
    assert split.notes == (f"1 names in {tmp_path} are no frame of the dataset: ghost",)


@pytest.mark.parametrize(
    ("file", "text", "rule"),
    [
        ("s.json", "{", "is not a readable JSON"),
        ("s.json", '{"train": "a"}', "is no list of folds"),
        ("s.json", "[]", "is no list of folds"),
        ("s.json", '[{"train": ["a"], "rest": ["b"]}]', r"(?s)names a part that is not known.*rest"),
        ("s.json", '[{"train": ["a"], "val": ["a"]}]', r"puts 1 frames into more than one part"),
        ("s.json", '[{"train": ["x"], "val": ["y"]}]', r"(?s)names no frame of the dataset.*x, y"),
        ("s.csv", "image,line\na,1\n", r"(?s)has no column that says the part.*image,line"),
        ("s.csv", "", r"(?s)has no column that says the part.*an empty file"),
        ("s.csv", "image,split\na,left\n", "names a part that is not known"),
        ("s.txt", "a\n", r"(?s)is no split that can be read.*one list, which says no part"),
        (None, "", r"(?s)is no split that can be read.*no such file"),
    ],
)
def test_splits_from_elsewhere__refusals(tmp_path: Path, file: str | None, text: str, rule: str) -> None:
    path = tmp_path / (file or "nothing")
    if file is not None:
        path.write_text(text)
    with pytest.raises(DataError, match=rule):
        splits_from_elsewhere(named(tmp_path, "ab"), [str(path)])


def test_lists__refusals_are_told_together(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read") as caught:
        splits_from_elsewhere(named(tmp_path, "ab"), [f"train={tmp_path / 'no.txt'}", f"rest={tmp_path / 'no.txt'}"])
    assert len(caught.value.problems) == 2
    with pytest.raises(DataError, match="several files that do not say their part"):
        splits_from_elsewhere(named(tmp_path, "ab"), ["a.json", "b.json"])
    with pytest.raises(DataError, match=r"a folder without \.txt files"):
        splits_from_elsewhere(named(tmp_path, "ab"), [str(tmp_path)])


def test_adopt_split__hashes_counts_and_notes(tmp_path: Path) -> None:
    rows = {"a1": {"session": "s"}, "a2": {"session": "s"}, "b1": {"session": "t"}}
    dataset = frames_with(tmp_path, rows, {"b1": (3, 0)})
    (tmp_path / "s.json").write_text('{"train": ["a1", "b1"], "test": ["a2"]}')
    heard: list[object] = []
    split = adopt_split(dataset, [str(tmp_path / "s.json")], listener=heard.append)[0]
    assert (split.dataset_hash, split.class_hash) == (dataset.content_hash, dataset.classes.content_hash)
    assert split.counts["train"].class_pixels["scratch"] == 4
    assert split.origin == str(tmp_path / "s.json")
    assert split.notes[0] == "test shares session s with train"
    assert [event.text for event in heard if isinstance(event, Note)] == list(split.notes)
    write_split(tmp_path / "split.json", split)
    assert check_split(dataset, [str(tmp_path / "split.json")]).problems == ()


def test_adopt_split__is_refused_where_it_does_not_hold_by_what_was_asked(tmp_path: Path) -> None:
    rows = {"a1": {"session": "s"}, "a2": {"session": "s"}, "b1": {"session": "t"}}
    dataset = frames_with(tmp_path, rows)
    (tmp_path / "s.json").write_text('{"train": ["a1", "b1"], "test": ["a2"]}')
    with pytest.raises(DataError, match=r"1 values of 'session' are on both sides"):
        adopt_split(dataset, [str(tmp_path / "s.json")], Grouping("session"))
    with pytest.raises(ConfigError, match="goes by a column that no frame has"):
        adopt_split(dataset, [str(tmp_path / "s.json")], Grouping("line"))
    (tmp_path / "s.json").write_text('{"train": ["a1", "a2"], "test": ["b1"]}')
    assert adopt_split(dataset, [str(tmp_path / "s.json")], Grouping("session"))[0].by == "session"


def test_check_split__shared_values_of_other_columns_are_facts(tmp_path: Path) -> None:
    """Not told: the column it goes by, one that is another for every frame, and one with a single value."""
    rows = {
        f"{line}{at}": {"line": line, "session": f"{at % 2}", "number": f"{line}{at}", "site": "x"}
        for line in "ABCD"
        for at in range(3)
    }
    dataset = frames_with(tmp_path, rows)
    write_split(tmp_path / "s.json", make_split(dataset, by="line", fractions={"train": 0.5, "test": 0.5}))
    checked = check_split(dataset, [str(tmp_path / "s.json")])
    assert checked.problems == ()
    assert checked.facts == ("split: every session of test is in train too: 0, 1",)


def test_check_split__a_split_of_ours_without_its_column(tmp_path: Path) -> None:
    dataset = frames_with(tmp_path, {f"{line}{at}": {"line": line} for line in "AB" for at in range(2)})
    write_split(tmp_path / "s.json", make_split(dataset, by="line", fractions={"train": 0.5, "test": 0.5}))
    checked = check_split(named(tmp_path, [frame.stem for frame in dataset.frames]), [str(tmp_path / "s.json")])
    assert checked.problems[0].rule == "4 frames have no column 'line', by which the split goes"


def test_near_facts__frames_beside_and_among_those_of_train(tmp_path: Path) -> None:
    stems = [f"v_{number:02}" for number in range(10)]
    (tmp_path / "s.json").write_text(
        json.dumps({"train": [*stems[:3], *stems[7:9]], "val": stems[4:6], "test": stems[9:]})
    )
    checked = check_split(named(tmp_path, stems), [str(tmp_path / "s.json")])
    assert checked.facts[1:] == (
        "split: validation, by the numbers in names: "
        "2 of its 2 frames lie inside the range of train (v_04 in v_00 to v_08)",
        "split: test, by the numbers in names: 1 of its 1 frames stand directly beside one of train (v_09 beside v_08)",
    )


def test_near_facts__equal_names_in_two_folders_are_two_series(tmp_path: Path) -> None:
    stems = [f"{video}/{number}" for video in "ab" for number in range(4)]
    (tmp_path / "s.json").write_text(json.dumps({"train": stems[:4], "val": stems[4:]}))
    assert check_split(named(tmp_path, stems), [str(tmp_path / "s.json")]).facts == ()


def test_check_split__the_published_lists_of_camvid(shared_data: Path, tmp_path: Path) -> None:
    root = shared_data / "semantic_camvid"
    for name in ("train", "val", "test"):
        lines = [
            f"/SegNet/CamVid/{name}/{path.name} /SegNet/CamVid/{name}annot/{path.name}\n"
            for path in sorted((root / name).iterdir())
        ]
        (tmp_path / f"{name}.txt").write_text("".join(lines))
    dataset = columns_from_pattern(open_dataset(root), r"(?P<sequence>[^_/]+)_[^/]*$")
    facts = check_split(dataset, [str(tmp_path)]).facts
    assert "split: validation shares sequence 0016E5 with train" in facts
    assert "split: test shares sequence 0001TP with train" in facts
    assert any(
        "validation, by the numbers in names: 17 of its 17 frames lie inside the range of train" in f for f in facts
    )
    assert any("(test/0001TP_008550 beside train/0001TP_008520)" in fact for fact in facts)
    by_sequence = check_split(dataset, [str(tmp_path)], Grouping("sequence"))
    assert [problem.found for problem in by_sequence.problems] == ["0001TP, 0016E5"]
