"""HTML pages of what the rooms below count: a dataset's statistics, and the budget of labels."""

from segwright.pages.budget_page import write_budget_page
from segwright.pages.stats_page import write_statistics_page

__all__ = ["write_budget_page", "write_statistics_page"]
