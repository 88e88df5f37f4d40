"""A version as a folder, worked on, and imported again while others work too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segwright.core import ArtefactError, DataError, LabelMap, adopt
from segwright.data import Dataset, open_dataset, write_label_map
from segwright.data.store import Author, ChangesSetAside, Store, Version, create_store, import_dataset
from segwright.data.store.checkout import MARKER, checked_out, checkout, imported_from


@pytest.fixture
def store(dataset: Dataset, tmp_path: Path) -> Store:
    """A store of one version."""
    made = create_store(tmp_path / "frames.store")
    import_dataset(dataset, made, Author("ada"))
    return made


def _painted(folder: Path, stem: str, id_: int) -> None:
    dataset = open_dataset(folder)
    labels = dataset.read_labels(dataset.frame(stem))
    mask = dataset.frame(stem).mask
    assert mask is not None
    write_label_map(mask.files[0], LabelMap(adopt(np.full_like(labels.ids, id_)), dataset.classes))


def _back(folder: Path, store: Store, who: str = "ada", *, overwrite: bool = False) -> Version | None:
    """What `segwright import FOLDER --to STORE` does."""
    origin = checked_out(folder)
    assert origin is not None
    base = origin.base(store.log(), overwrite=overwrite)
    assert base is not None
    try:
        version = import_dataset(open_dataset(folder), store, Author(who), base=base)
    except ChangesSetAside as error:
        imported_from(folder, origin, error.version)
        raise
    if version is not None:
        imported_from(folder, origin, version)
    return version


def _id_of(store: Store, stem: str) -> int:
    frame = store.dataset().frame(stem)
    return int(store.dataset().read_labels(frame).ids[0, 0])


def test_checkout__unchanged_makes_no_version(store: Store, tmp_path: Path) -> None:
    checkout(store, tmp_path / "work")
    assert _back(tmp_path / "work", store) is None


def test_checkout__may_be_imported_again_and_again(store: Store, tmp_path: Path) -> None:
    checkout(store, tmp_path / "work")
    for id_ in (1, 2, 1):
        _painted(tmp_path / "work", "a", id_)
        version = _back(tmp_path / "work", store)
        assert version is not None
        assert (version.changed, version.set_aside) == (("a",), ())
        assert _id_of(store, "a") == id_


def test_checkout__what_others_did_to_other_frames_stays(store: Store, tmp_path: Path) -> None:
    stems = sorted(store.state().frames)
    for name in ("one", "two"):
        checkout(store, tmp_path / name)
    _painted(tmp_path / "one", stems[0], 1)
    _painted(tmp_path / "two", stems[1], 2)
    assert _back(tmp_path / "one", store) is not None
    assert _back(tmp_path / "two", store, "bob") is not None
    assert [_id_of(store, stem) for stem in stems[:2]] == [1, 2]


def test_checkout__in_conflict_is_set_aside_until_overwritten(store: Store, tmp_path: Path) -> None:
    stems = sorted(store.state().frames)
    for name in ("one", "two"):
        checkout(store, tmp_path / name)
    for stem in stems[:2]:
        _painted(tmp_path / "one", stem, 1)
    for stem in (stems[0], stems[2]):
        _painted(tmp_path / "two", stem, 1)
    _painted(tmp_path / "two", stems[0], 2)
    assert _back(tmp_path / "one", store) is not None
    with pytest.raises(DataError, match="changed by version 2 by ada while you worked") as caught:
        _back(tmp_path / "two", store, "bob")
    assert "import again with --overwrite" in caught.value.problems[0].fix
    old, new = store.set_aside(3)
    assert [int(side.read_labels(side.frames[0]).ids[0, 0]) for side in (old, new)] == [1, 2]
    assert _id_of(store, stems[0]) == 1
    _painted(tmp_path / "two", stems[2], 2)
    version = _back(tmp_path / "two", store, "bob", overwrite=True)
    assert version is not None
    assert version.changed == (stems[0], stems[2])
    assert [_id_of(store, stem) for stem in stems[:2]] == [2, 1]  # ada's other frame is not taken back


def test_checkout__taking_back_what_was_imported_is_a_change(store: Store, tmp_path: Path) -> None:
    checkout(store, tmp_path / "work")
    (mask,) = (tmp_path / "work" / "masks").glob("a.png")
    before = mask.read_bytes()
    _painted(tmp_path / "work", "a", 2)
    assert _back(tmp_path / "work", store) is not None
    mask.write_bytes(before)
    version = _back(tmp_path / "work", store)
    assert version is not None
    assert version.changed == ("a",)


def test_checkout__in_a_format_that_loses_shapes_changes_only_what_was_touched(drawn: Dataset, tmp_path: Path) -> None:
    store = create_store(tmp_path / "drawn.store")
    import_dataset(drawn, store, Author("ada"))
    checkout(store, tmp_path / "work", format="index_png")
    assert _back(tmp_path / "work", store) is None
    stems = sorted(store.state().frames)
    _painted(tmp_path / "work", stems[0], 1)
    version = _back(tmp_path / "work", store)
    assert version is not None
    assert version.changed == (stems[0],)
    assert [store.state().frames[stem].labels_kind for stem in stems[:2]] == ["ids", "shapes"]


def test_checkout__of_another_store_has_no_base(store: Store, dataset: Dataset, tmp_path: Path) -> None:
    checkout(store, tmp_path / "work")
    other = create_store(tmp_path / "other.store")
    import_dataset(dataset, other, Author("ada"))
    origin = checked_out(tmp_path / "work")
    assert origin is not None
    assert origin.base(other.log()) is None


def test_checkout__a_broken_marker_is_said(store: Store, tmp_path: Path) -> None:
    checkout(store, tmp_path / "work")
    (tmp_path / "work" / MARKER).write_text("{")
    with pytest.raises(ArtefactError, match="is not the marker of a checkout"):
        checked_out(tmp_path / "work")
