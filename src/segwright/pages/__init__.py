"""HTML pages of what the rooms below count: a dataset, labels, seeds, crops, what a student lost, a training."""

from segwright.pages.budget_page import write_budget_page
from segwright.pages.distillation_page import write_distillation_page
from segwright.pages.object_preview_page import ObjectPreviewNumbers, write_object_preview
from segwright.pages.preview_page import PreviewNumbers, write_preview
from segwright.pages.progress_page import progress_html, write_progress_page
from segwright.pages.seeds_page import write_seeds_page
from segwright.pages.stats_page import write_statistics_page

__all__ = [
    "ObjectPreviewNumbers",
    "PreviewNumbers",
    "progress_html",
    "write_budget_page",
    "write_distillation_page",
    "write_object_preview",
    "write_preview",
    "write_progress_page",
    "write_seeds_page",
    "write_statistics_page",
]
