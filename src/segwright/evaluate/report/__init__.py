"""An evaluation as one self-contained HTML page."""

from segwright.evaluate.report.page import write_report
from segwright.evaluate.report.pictures import FramePanel

__all__ = ["FramePanel", "write_report"]
