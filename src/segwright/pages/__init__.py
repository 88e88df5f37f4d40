"""HTML pages of what the rooms below count: a dataset's statistics, the budget of labels, a training's crops, seeds."""

from segwright.pages.budget_page import write_budget_page
from segwright.pages.preview_page import PreviewNumbers, write_preview
from segwright.pages.seeds_page import write_seeds_page
from segwright.pages.stats_page import write_statistics_page

__all__ = ["PreviewNumbers", "write_budget_page", "write_preview", "write_seeds_page", "write_statistics_page"]
