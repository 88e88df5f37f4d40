"""Run the rules over a dataset: one pass for the facts, then each rule judges them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from segwright.core import ConfigError, Image, Listener, Note, Probabilities, Problem, Progress, raise_collected, silent
from segwright.data.checks.evidence import Evidence, ProjectFacts
from segwright.data.checks.facts import gather
from segwright.data.checks.finding import SEVERITIES, Reported, Rule
from segwright.data.checks.rules import RULES
from segwright.data.dataset import Dataset
from segwright.data.split import Split

# These judge names, columns and notes: where only they are asked for, no frame is decoded.
_WITHOUT_FRAMES = {"SEG002", "SEG032", "SEG050"}
_NEEDS = {
    "split": "no split was given: --split FILE, or a segwright.yaml whose split is written",
    "model": "no model was given: --model RUN|BUNDLE",
    "project": "no project file was given: segwright lint segwright.yaml",
}


@dataclass(frozen=True)
class LintReport:
    """What the rules found, the worst first; `accepted` counts findings a baseline knew.

    `judged` are the codes that judged, `skipped` says of the others that were asked for why they did not.
    """

    frames: int
    rows: tuple[Reported, ...]
    judged: tuple[str, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)
    accepted: int = 0

    @property
    def by_rule(self) -> dict[str, Counter[str]]:
        """Code -> how many findings of each severity, of every rule that judged."""
        counts: dict[str, Counter[str]] = {code: Counter() for code in self.judged}
        for row in self.rows:
            counts[row.code][row.severity] += 1
        return counts

    @property
    def errors(self) -> tuple[Reported, ...]:
        """The error-level findings."""
        return tuple(row for row in self.rows if row.severity == "error")

    def to_json(self) -> dict[str, object]:
        """The report as plain values."""
        return {
            "frames": self.frames,
            "findings": [row.to_json() for row in self.rows],
            "rules": {code: dict(counts) for code, counts in self.by_rule.items()},
            "skipped": dict(self.skipped),
            "accepted": self.accepted,
        }


def lint(
    dataset: Dataset,
    *,
    split: Split | None = None,
    project: ProjectFacts | None = None,
    predict: Callable[[Image], Probabilities] | None = None,
    rules: Sequence[Rule] | None = None,
    source: str = "",
    listener: Listener = silent,
) -> LintReport:
    """Everything that `rules` (all of them where None) find; each frame is decoded once.

    `predict` is a model's probabilities, for the rule that needs one. Rules that lack what they need are skipped and
    say so. `source` is how the user named the data, for the next commands in findings.
    """
    chosen = list(RULES.values()) if rules is None else list(rules)
    given = {"split": split is not None, "model": predict is not None, "project": project is not None}
    skipped = {
        rule.code: "; ".join(_NEEDS[need] for need in rule.needs if not given[need])
        for rule in chosen
        if not all(given[need] for need in rule.needs)
    }
    judging = [rule for rule in chosen if rule.code not in skipped]
    decode = any(rule.code not in _WITHOUT_FRAMES for rule in judging)
    facts = gather(dataset, listener) if decode else ()
    evidence = Evidence(dataset, facts, split, project, predict, listener, source)
    rows = list(_reported(evidence, judging, listener))
    rows.sort(key=lambda row: (SEVERITIES.index(row.severity), row.code, -(row.finding.rank or 0.0)))
    return LintReport(len(dataset), tuple(rows), tuple(rule.code for rule in judging), skipped)


def _reported(evidence: Evidence, rules: Sequence[Rule], listener: Listener) -> Iterator[Reported]:
    for done, rule in enumerate(rules):
        listener(Progress("judging", done, len(rules), "rules", rule.code))
        for finding in rule.judge(evidence):
            yield Reported(rule.code, rule.name, finding.severity or rule.severity, finding)
    listener(Progress("judging", len(rules), len(rules), "rules"))
    unread = sum(bool(facts.problems) for facts in evidence.facts)
    if unread:
        text = f"{unread} of {len(evidence.facts)} frames could not be read, and the other rules did not see them"
        listener(Note("lint", text, "warning"))


def chosen_rules(select: Sequence[str] = (), ignore: Sequence[str] = ()) -> list[Rule]:
    """The rules that `select` names (all where it is empty) and `ignore` does not.

    A rule is named by its code, its name, or the start of its code: SEG03 is SEG030 to SEG039.

    Raises:
        ConfigError: a name that is no rule's.
    """
    problems: list[Problem] = []
    wanted = {code for word in select for code in _named(word, "select", problems)} or set(RULES)
    unwanted = {code for word in ignore for code in _named(word, "ignore", problems)}
    raise_collected(problems, ConfigError)
    return [rule for code, rule in RULES.items() if code in wanted - unwanted]


def rule_named(word: str) -> Rule:
    """The rule of this code or name.

    Raises:
        ConfigError: there is none.
    """
    problems: list[Problem] = []
    codes = _named(word, "rule", problems)
    raise_collected(problems, ConfigError)
    if len(codes) > 1:
        fix = f"name one of them: {', '.join(codes)}"
        raise ConfigError.of("rule", "names several rules", allowed="one code or name", found=word, fix=fix)
    return RULES[codes[0]]


def _named(word: str, place: str, problems: list[Problem]) -> list[str]:
    text = word.strip()
    codes = [code for code, rule in RULES.items() if rule.name == text.lower()]
    if not codes and text.upper().startswith("SEG"):
        codes = [code for code in RULES if code.startswith(text.upper())]
    if not codes:
        close = get_close_matches(text, [*RULES, *(rule.name for rule in RULES.values())], n=1)
        fix = f"did you mean '{close[0]}'?" if close else "segwright explain lists the rules"
        allowed = f"{next(iter(RULES))} to {list(RULES)[-1]}, or a rule's name"
        problems.append(Problem(place, "names no rule", allowed, word, fix))
    return codes
