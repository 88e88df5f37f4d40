"""HTML pages of what the rooms below count: a dataset's statistics, the budget of labels, a student's losses."""

from segwright.pages.budget_page import write_budget_page
from segwright.pages.distillation_page import write_distillation_page
from segwright.pages.stats_page import write_statistics_page

__all__ = ["write_budget_page", "write_distillation_page", "write_statistics_page"]
