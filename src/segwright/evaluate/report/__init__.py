"""An evaluation as one self-contained HTML page."""

from segwright.evaluate.report.page import write_report
from segwright.evaluate.report.pictures import FramePanel
from segwright.evaluate.report.worst import worst_panels

__all__ = ["FramePanel", "worst_panels", "write_report"]
