from __future__ import annotations

import sqlite3

import pytest

from segwright.core import ArtefactError, ConfigError
from segwright.line import Record, RecordKey, Records

KEY = RecordKey("cam 1/ü.jpg", "c" * 64, "b" * 64, "r" * 64)
ALERT = Record(
    KEY, "alert", ("3 %",), 3.0, 1000, {"scratch": (30, 3.0), "dent": (0, 0.0)}, "overlays/a.jpg", 0.1, "frames"
)


def test_records__give_back_what_was_written_in_another_session(tmp_path):
    url = f"sqlite:///{tmp_path}/sub folder/records.db"
    refused = Record(RecordKey("b.jpg", "", "b" * 64, "r" * 64), "refused", ("b.jpg: cannot be opened",))
    with Records(url) as records:
        records.add(ALERT)
        records.add(refused)
    with Records(url) as records:
        assert list(records) == [ALERT, refused]
        assert records.has(KEY)


@pytest.mark.parametrize("changed", ["name", "content_hash", "bundle_hash", "rule_hash"])
def test_records__another_frame_content_bundle_or_rule_is_another_inspection(tmp_path, changed):
    with Records(f"sqlite:///{tmp_path}/records.db") as records:
        records.add(ALERT)
        assert not records.has(RecordKey(**{**vars(KEY), changed: "x"}))


def test_records__a_record_that_is_there_is_refused_and_leaves_no_areas(tmp_path):
    with Records(f"sqlite:///{tmp_path}/records.db") as records:
        records.add(ALERT)
        with pytest.raises(ArtefactError, match="cannot be used for records"):
            records.add(ALERT)
        assert list(records) == [ALERT]


def test_records__refuse_an_address_that_is_none():
    with pytest.raises(ConfigError, match=r"is not a database address[\s\S]*sqlite:///records.db"):
        Records("records.db")


def test_records__refuse_a_database_that_is_none(tmp_path):
    (tmp_path / "records.db").write_bytes(b"something else entirely, long enough to have a header" * 20)
    with pytest.raises(ArtefactError, match="cannot be used for records"):
        Records(f"sqlite:///{tmp_path}/records.db")


def test_records__refuse_the_tables_of_another_program(tmp_path):
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("create table frames (x int)")
    other.close()
    with (
        Records(f"sqlite:///{tmp_path}/other.db") as records,
        pytest.raises(ArtefactError, match=r"cannot be used for records[\s\S]*no such column"),
    ):
        records.has(KEY)
