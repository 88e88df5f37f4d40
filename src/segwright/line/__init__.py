"""Sources -> inspection -> verdict -> alerts and records."""

from segwright.line.background import PartFromBackground
from segwright.line.inspect import Inspection, Inspector, inspector_for
from segwright.line.part import PartFromClasses, PartSource, WholeFrame, part_setting, part_source
from segwright.line.records import Record, RecordKey, Records
from segwright.line.rules import AreaRule, Verdict, area_rule, judge
from segwright.line.sources import FolderSource, SourceFrame
from segwright.line.watch import Seen, WatchSummary, watch, watch_all

__all__ = [
    "AreaRule",
    "FolderSource",
    "Inspection",
    "Inspector",
    "PartFromBackground",
    "PartFromClasses",
    "PartSource",
    "Record",
    "RecordKey",
    "Records",
    "Seen",
    "SourceFrame",
    "Verdict",
    "WatchSummary",
    "WholeFrame",
    "area_rule",
    "inspector_for",
    "judge",
    "part_setting",
    "part_source",
    "watch",
    "watch_all",
]
