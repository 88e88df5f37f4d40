"""Sources -> inspection -> verdict -> alerts and records."""

from segwright.line.background import PartFromBackground
from segwright.line.counting import CountLine, CountRegion, Counts, Crossing, GateCounter, count_crossings
from segwright.line.inspect import Inspection, Inspector, inspector_for
from segwright.line.motion import Velocity
from segwright.line.part import PartFromClasses, PartSource, WholeFrame, part_setting, part_source
from segwright.line.records import Record, RecordKey, Records
from segwright.line.rules import AreaRule, Verdict, area_rule, judge
from segwright.line.sources import FolderSource, SourceFrame
from segwright.line.tracking import LeftOut, TrackedFrame, TrackedObject, Tracker, TrackSettings, track_frames
from segwright.line.watch import Seen, WatchSummary, watch, watch_all

__all__ = [
    "AreaRule",
    "CountLine",
    "CountRegion",
    "Counts",
    "Crossing",
    "FolderSource",
    "GateCounter",
    "Inspection",
    "Inspector",
    "LeftOut",
    "PartFromBackground",
    "PartFromClasses",
    "PartSource",
    "Record",
    "RecordKey",
    "Records",
    "Seen",
    "SourceFrame",
    "TrackSettings",
    "TrackedFrame",
    "TrackedObject",
    "Tracker",
    "Velocity",
    "Verdict",
    "WatchSummary",
    "WholeFrame",
    "area_rule",
    "count_crossings",
    "inspector_for",
    "judge",
    "part_setting",
    "part_source",
    "track_frames",
    "watch",
    "watch_all",
]
