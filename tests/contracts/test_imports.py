"""Imports go down only, nothing heavy loads before it is needed, and nothing undeclared is imported at all."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.contracts.repository import ROOT, SOURCE, imported_names, modules, run_python

HEAVY = {"cv2", "torch", "scipy", "onnxruntime", "pydantic", "matplotlib", "sqlalchemy"}
TORCH_FREE = ("data", "infer", "evaluate", "line", "pages", "project")
# A test hides torch by making its import fail, as it would where it is not installed.
HIDE_TORCH = "import sys; sys.modules.update(dict.fromkeys(('torch', 'torchvision', 'timm', 'lightning')))"


def test_rooms__import_only_what_lies_below_them() -> None:
    script = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([script, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("package", ["segwright", "segwright.core", "segwright.cli.app"])
def test_import__loads_nothing_heavy(package: str) -> None:
    printed = run_python(f"import {package}, sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})")
    assert set(printed.split()) & HEAVY == set()


def test_rooms__work_where_torch_is_not_installed() -> None:
    doors = "segwright.evaluate, segwright.load, segwright.open_dataset"
    rooms = "\n".join(f"import segwright.{room}" for room in TORCH_FREE)
    assert run_python(f"{HIDE_TORCH}\n{rooms}\n{doors}\nprint('fine')") == "fine"


def test_scores__are_the_same_where_numba_is_not_installed() -> None:
    score = (
        "import numpy as np, segwright\n"
        "truth = np.kron(np.arange(12).reshape(3, 4) % 3, np.ones((9, 9), int)).astype(np.uint8)\n"
        "scored = segwright.evaluate(np.roll(truth, 2, 1), truth, classes=['a', 'b', 'c'], also=['surface'])\n"
        "print(sorted(scored.scores.items()))\n"
    )
    assert run_python(f"import sys; sys.modules['numba'] = None\n{score}") == run_python(score)


# Extras without torch: whatever needs one imports it where it is used, and says so where it is missing.
OPTIONAL = ("geo", "store", "supervision", "volumes")


def test_third_party_imports__are_declared_in_pyproject() -> None:
    distributions = packages_distributions()
    imported = {name.partition(".")[0] for _, tree in modules() for name in imported_names(tree)}
    foreign = imported - set(sys.stdlib_module_names) - {"segwright"}
    declared = declared_distributions("dependencies", "fast", "train", "search", "mlflow", "wandb", *OPTIONAL)
    undeclared = {name for name in foreign if not declared & {normal(d) for d in distributions.get(name, [name])}}
    assert undeclared == set()


def test_rooms_without_torch__need_only_the_base_install() -> None:
    distributions = packages_distributions()
    base = declared_distributions("dependencies", *OPTIONAL)
    missing = {
        (path.relative_to(SOURCE).as_posix(), name)
        for path, tree in modules()
        if path.relative_to(SOURCE).parts[0] in TORCH_FREE
        and path.name != "torch_runtime.py"
        and path.parent.name != "kernels"  # extras, asked for first
        for name in {imported.partition(".")[0] for imported in imported_names(tree)}
        if name not in sys.stdlib_module_names and name != "segwright"
        if not base & {normal(d) for d in distributions.get(name, [name])}
    }
    assert missing == set()


# Where bytes become pixels and pixels bytes, and where a BGR picture could be made or be meant.
CODING = re.compile(
    r"cv2\.im(?:read|write|decode|encode)|COLOR_BGR|COLOR_\w+2BGR|PIL\.Image\.open|PillowImage\.open|imwrite\("
)


def test_files_are_decoded_and_encoded__in_the_codec_module_only() -> None:
    elsewhere = {
        path.relative_to(SOURCE).as_posix()
        for path, _ in modules()
        if "codecs" not in path.parts and CODING.search(path.read_text(encoding="utf-8"))
    }
    # Adds the traces of a JPEG to a crop, in memory: the bands come out in the order they went in.
    assert elsewhere == {"data/augment/colour.py"}


def declared_distributions(*groups: str) -> set[str]:
    """The distributions that pyproject.toml names for the base install ("dependencies") or an extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tables = {"dependencies": project["dependencies"], **project["optional-dependencies"]}
    return {normal(re.split(r"[<>=!~\[; ]", line)[0]) for group in groups for line in tables[group]}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
