"""What labelled frames hold, counted in one pass: classes, regions, pictures, and how domains differ."""

from segwright.data.stats.counts import GRID, MEASURES, Counts
from segwright.data.stats.distribution import Distribution
from segwright.data.stats.findings import Finding, findings_of
from segwright.data.stats.image_numbers import IMAGE_STATISTICS, FrameRow
from segwright.data.stats.samples import RegionSample
from segwright.data.stats.shift import SHIFT, Shift
from segwright.data.stats.statistics import DomainNumbers, Statistics, statistics

__all__ = [
    "GRID",
    "IMAGE_STATISTICS",
    "MEASURES",
    "SHIFT",
    "Counts",
    "Distribution",
    "DomainNumbers",
    "Finding",
    "FrameRow",
    "RegionSample",
    "Shift",
    "Statistics",
    "findings_of",
    "statistics",
]
