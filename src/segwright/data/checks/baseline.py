"""Accepted findings: a file that remembers them by rule and content, so that only new ones are reported."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

from segwright.core import DataError
from segwright.data.checks.lint import LintReport

SCHEMA = "segwright/lint-baseline"
SCHEMA_VERSION = 1


def write_baseline(path: Path, report: LintReport) -> int:
    """Accept every finding of the report, beside those the file accepts already; how many it then holds.

    Raises:
        DataError: the file exists and is no baseline, or cannot be written.
    """
    accepted = _read(path) if path.exists() else {}
    for row in report.rows:
        accepted[row.key] = {"code": row.code, "place": row.finding.place, "what": row.finding.what}
    content = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "accepted": [{"key": key, **said} for key, said in sorted(accepted.items(), key=lambda pair: pair[1]["code"])],
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        found = error.strerror or str(error)
        raise DataError.of(str(path), "cannot be written", found=found, fix="choose another folder") from error
    return len(accepted)


def without_accepted(report: LintReport, path: Path) -> LintReport:
    """The report less the findings the baseline at `path` accepts, which are counted.

    Raises:
        DataError: no such file, or not a baseline of this schema version.
    """
    accepted = _read(path)
    left = tuple(row for row in report.rows if row.key not in accepted)
    return replace(report, rows=left, accepted=len(report.rows) - len(left))


def _read(path: Path) -> dict[str, dict[str, str]]:
    make = "segwright lint DATA --baseline FILE --write-baseline"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if (content["schema"], content["schema_version"]) != (SCHEMA, SCHEMA_VERSION):
            raise ValueError(f"{content['schema']} {content['schema_version']}")
        return {row["key"]: {name: row[name] for name in ("code", "place", "what")} for row in content["accepted"]}
    except FileNotFoundError:
        raise DataError.of(str(path), "does not exist", allowed="a lint baseline", fix=make) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        allowed = f"{SCHEMA} {SCHEMA_VERSION}"
        raise DataError.of(str(path), "is not a lint baseline", allowed=allowed, found=str(error), fix=make) from error
