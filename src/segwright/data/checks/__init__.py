"""Checks of labelled data: one rule a file in `rules/`, judged over facts that one pass gathers."""

from segwright.data.checks.baseline import without_accepted, write_baseline
from segwright.data.checks.corrections import Corrected, require_new_folder, write_corrected
from segwright.data.checks.evidence import Evidence, ProjectFacts
from segwright.data.checks.facts import FrameFacts, gather
from segwright.data.checks.finding import SEVERITIES, Finding, Reported, Rule
from segwright.data.checks.gate import enforce_gates
from segwright.data.checks.lint import LintReport, chosen_rules, lint, rule_named
from segwright.data.checks.pages import page_of
from segwright.data.checks.rules import RULES

__all__ = [
    "RULES",
    "SEVERITIES",
    "Corrected",
    "Evidence",
    "Finding",
    "FrameFacts",
    "LintReport",
    "ProjectFacts",
    "Reported",
    "Rule",
    "chosen_rules",
    "enforce_gates",
    "gather",
    "lint",
    "page_of",
    "require_new_folder",
    "rule_named",
    "without_accepted",
    "write_baseline",
    "write_corrected",
]
