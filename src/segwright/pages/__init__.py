"""HTML pages of what the rooms below count: a dataset's statistics."""

from segwright.pages.stats_page import write_statistics_page

__all__ = ["write_statistics_page"]
