"""What was decided, row by row: one frame a row, and its area for each class. SQLite by default."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy import exc as sql_errors

from segwright.core import ArtefactError, ConfigError, SegwrightError

REFUSED = "refused"
_schema = sql.MetaData()
FRAMES = sql.Table(
    "frames",
    _schema,
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("name", sql.Text, nullable=False),
    sql.Column("content_hash", sql.String(64), nullable=False),
    sql.Column("bundle_hash", sql.String(64), nullable=False),
    sql.Column("rule_hash", sql.String(64), nullable=False),
    sql.Column("source", sql.Text, nullable=False),
    sql.Column("recorded_at", sql.Text, nullable=False),
    sql.Column("verdict", sql.String(16), nullable=False),
    sql.Column("total_percent", sql.Float),
    sql.Column("part_px", sql.Integer),
    sql.Column("seconds", sql.Float),
    sql.Column("reasons", sql.Text, nullable=False),
    sql.Column("overlay", sql.Text),
    sql.UniqueConstraint("name", "content_hash", "bundle_hash", "rule_hash"),
)
AREAS = sql.Table(
    "areas",
    _schema,
    sql.Column("frame_id", sql.ForeignKey("frames.id"), primary_key=True),
    sql.Column("class_name", sql.String(255), primary_key=True),
    sql.Column("area_px", sql.Integer, nullable=False),
    sql.Column("percent", sql.Float),
)


@dataclass(frozen=True)
class RecordKey:
    """The same frame, file content, bundle and rule: the same inspection, which is not made twice."""

    name: str
    content_hash: str
    bundle_hash: str
    rule_hash: str


@dataclass(frozen=True)
class Record:
    """One inspected frame. `verdict` is `ok`, `alert`, `no_part`, or `refused` for a frame that could not be read.

    `total_percent`, `part_px` and `overlay` are None for a refused frame, whose `reasons` hold the problem's text.
    `areas` is class name -> (area in px, percent of the part or None).
    """

    key: RecordKey
    verdict: str
    reasons: tuple[str, ...] = ()
    total_percent: float | None = None
    part_px: int | None = None
    areas: Mapping[str, tuple[int, float | None]] = field(default_factory=dict)
    overlay: str | None = None
    seconds: float | None = None
    source: str = ""
    recorded_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))


class Records:
    """An open database of records; use as a context manager. Opening makes the tables where there are none.

    Raises:
        ConfigError: the URL is not one SQLAlchemy understands, or its driver is not installed.
        ArtefactError: the database cannot be opened or written.
    """

    def __init__(self, url: str) -> None:
        try:
            address = sql.make_url(url)
            if address.get_backend_name() == "sqlite" and address.database not in (None, "", ":memory:"):
                Path(str(address.database)).parent.mkdir(parents=True, exist_ok=True)
            self._engine = sql.create_engine(address)
            _schema.create_all(self._engine)
        except (sql_errors.ArgumentError, sql_errors.NoSuchModuleError, ImportError) as error:
            raise ConfigError.of(
                f"--records {url}",
                "is not a database address",
                allowed="sqlite:///records.db, or another SQLAlchemy URL whose driver is installed",
                found=_first_line(error),
                fix="--records sqlite:///records.db",
            ) from error
        except (sql_errors.SQLAlchemyError, OSError) as error:
            raise _unusable(url, error) from error
        self.url = url

    def __enter__(self) -> Records:
        return self

    def __exit__(self, *exc: object) -> None:
        self._engine.dispose()

    def has(self, key: RecordKey) -> bool:
        """Whether this inspection was made already.

        Raises:
            ArtefactError: the database is gone, or its tables are another program's.
        """
        wanted = sql.and_(*(FRAMES.c[name] == value for name, value in vars(key).items()))
        try:
            with self._engine.connect() as connection:
                return connection.execute(sql.select(FRAMES.c.id).where(wanted)).first() is not None
        except sql_errors.SQLAlchemyError as error:
            raise _unusable(self.url, error) from error

    def add(self, record: Record) -> None:
        """Write a record with its areas, or nothing of it.

        Raises:
            ArtefactError: the disk is full, the database is locked or gone, or the record is there already.
        """
        row = {
            **vars(record.key),
            "source": record.source,
            "recorded_at": record.recorded_at,
            "verdict": record.verdict,
            "total_percent": record.total_percent,
            "part_px": record.part_px,
            "seconds": record.seconds,
            "reasons": json.dumps(record.reasons, ensure_ascii=False),
            "overlay": record.overlay,
        }
        try:
            with self._engine.begin() as connection:
                done = connection.execute(FRAMES.insert().values(row))
                frame_id = done.inserted_primary_key[0]  # type: ignore[index]
                for name, (area_px, percent) in record.areas.items():
                    area = {"frame_id": frame_id, "class_name": name, "area_px": area_px, "percent": percent}
                    connection.execute(AREAS.insert().values(area))
        except sql_errors.SQLAlchemyError as error:
            raise _unusable(self.url, error) from error

    def __iter__(self) -> Iterator[Record]:
        """Every record in the order they were written."""
        with self._engine.connect() as connection:
            areas: dict[int, dict[str, tuple[int, float | None]]] = {}
            for row in connection.execute(sql.select(AREAS)).mappings():
                areas.setdefault(row["frame_id"], {})[row["class_name"]] = (row["area_px"], row["percent"])
            rows = connection.execute(sql.select(FRAMES).order_by(FRAMES.c.id)).mappings().all()
        for row in rows:
            yield _record(dict(row), areas.get(row["id"], {}))


def _record(row: Mapping[str, Any], areas: Mapping[str, tuple[int, float | None]]) -> Record:
    return Record(
        key=RecordKey(row["name"], row["content_hash"], row["bundle_hash"], row["rule_hash"]),
        reasons=tuple(json.loads(row["reasons"])),
        areas=areas,
        **{
            name: row[name]
            for name in ("verdict", "total_percent", "part_px", "overlay", "seconds", "source", "recorded_at")
        },
    )


def _unusable(url: str, error: Exception) -> SegwrightError:
    return ArtefactError.of(
        url,
        "cannot be used for records",
        found=_first_line(error),
        fix="check that the folder exists and is writable, that no other program holds the database, and free space",
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
