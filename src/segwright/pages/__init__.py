"""HTML pages: a dataset's statistics, the budget of labels, what a student lost, how far a training is."""

from segwright.pages.budget_page import write_budget_page
from segwright.pages.distillation_page import write_distillation_page
from segwright.pages.progress_page import progress_html, write_progress_page
from segwright.pages.stats_page import write_statistics_page

__all__ = [
    "progress_html",
    "write_budget_page",
    "write_distillation_page",
    "write_progress_page",
    "write_statistics_page",
]
