"""`segwright train --search N`: trials instead of one training, and the project file of the best."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwright.cli.face import Face
from segwright.cli.interrupted import saying_how_to_go_on
from segwright.cli.project_words import project_of

if TYPE_CHECKING:
    from rich.table import Table

    from segwright.train.search import SearchResult, TrialRow


def search_settings(words: list[str], trials: int, space: Path | None, run: Path | None, *, as_json: bool) -> None:
    """Run the search that the options ask for, and print its table."""
    path, project = project_of([*words, *([] if space is None else [f"search.space={_space(space)}"])])
    folder = run or path.parent / "runs" / f"{project.name}-search"
    with Face(as_json=as_json) as face:
        from segwright.train.checkpoint import write_atomically
        from segwright.train.search import search
        from segwright.train.search_settings import given_settings, write_best

        again = ["train", *words, "--search", str(trials), *_given("--search-space", space), *_given("--run", run)]
        with saying_how_to_go_on(face.listener, "search", again, " with the trial it was in"):
            found = search(project, path.parent, folder, trials, face.listener)
        target = None
        if found.best is not None:
            target = folder / "segwright.yaml"
            write_best(target, given_settings(project, path.parent), found.best.values, _head(found))
        payload = _payload(found, folder, target)
        text = json.dumps(payload, indent=1, ensure_ascii=False) + "\n"
        write_atomically(folder / "search.json", lambda part: part.write_text(text, encoding="utf-8"))
        face.say(_table(found))
        face.finish(payload, _answer(found, target), gate=lambda: _require_whole(found, folder))


def _given(option: str, path: Path | None) -> list[str]:
    return [] if path is None else [option, str(path)]


def _require_whole(found: SearchResult, folder: Path) -> None:
    """Raise GateFailed where no trial came through."""
    from segwright.core import GateFailed

    if found.best is None:
        ended = Counter(f"{row.state}: {row.why}" if row.why else row.state for row in found.rows)
        raise GateFailed.of(
            str(folder),
            "no trial came through",
            allowed="one or more that are trained to their end, with a score",
            found="; ".join(f"{count} {how}" for how, count in ended.items()) or "no trial",
            fix="choose a space that learns, such as lower training.learning_rate, with --search-space FILE, "
            "and another --run: these trials stay as they are",
        )


def _space(path: Path) -> str:
    """The space in a file, as it stands on a command line.

    Raises:
        ConfigError: no such file, or not a mapping in YAML.
    """
    import yaml

    from segwright.core import ConfigError

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        content = str(error).replace("\n", " ")
    if not isinstance(content, dict):
        raise ConfigError.of(
            f"--search-space {path}",
            "is not a space",
            allowed="lines such as training.learning_rate: {low: 5e-4, high: 0.01, log: true}, or loss.dice: [0.3, 1]",
            found=str(content)[:120],
            fix="leave --search-space out to try the usual settings",
        )
    return json.dumps(content)


def _payload(found: SearchResult, folder: Path, target: Path | None) -> dict[str, Any]:
    return {
        "schema": "segwright/search",
        "schema_version": 1,
        "search": str(folder),
        "score": found.score,
        "trials": [row.to_json() for row in found.rows],
        "best": None if found.best is None else found.best.to_json(),
        "project": None if target is None else str(target),
    }


def _head(found: SearchResult) -> str:
    best = found.best
    assert best is not None  # written only where there is one
    lines = [
        f"Trial {best.number} of a search over {len(found.rows)}: {found.score} {best.score:.4f} on validation.",
        "",
    ]
    names = list(best.values)
    lines.append("  ".join([f"{'trial':>5}", f"{'state':>8}", f"{found.score:>24}", f"{'step':>6}", *names]))
    for row in found.rows:
        values = [f"{_shown(row.values.get(name)):>{len(name)}}" for name in names]
        lines.append(
            "  ".join([f"{row.number:>5}", f"{row.state:>8}", f"{_score(row):>24}", f"{row.step:>6}", *values])
        )
    return "\n".join(lines)


def _table(found: SearchResult) -> Table:
    from rich.table import Table

    table = Table(title=f"{found.score} on the validation part", title_justify="left")
    names = list(found.rows[0].values) if found.rows else []
    for heading in ("trial", "state", "score", "step", *(name.rpartition(".")[2] for name in names)):
        table.add_column(heading, justify="right", overflow="fold")
    for row in found.rows:
        mark = " *" if found.best is not None and row.number == found.best.number else ""
        values = [_shown(row.values.get(name)) for name in names]
        table.add_row(str(row.number), row.state, _score(row) + mark, str(row.step), *values)
    return table


def _answer(found: SearchResult, target: Path | None) -> str:
    if found.best is None or target is None:
        return ""
    return f"written: {target}, with the settings of trial {found.best.number}\nnext: segwright train {target}"


def _score(row: TrialRow) -> str:
    return "-" if row.score is None else f"{row.score:.4f}"


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "-" if value is None else str(value)
