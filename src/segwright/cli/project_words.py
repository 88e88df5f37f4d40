"""The bare words of a command that trains: a project file, and what its settings are to be instead."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segwright.project import Project


def project_of(words: list[str]) -> tuple[Path, Project]:
    """The project file and what it says. A wrong path in it is told here, before torch takes seconds to import."""
    from segwright.data import read_split

    path, project = _project_with_data(words)
    read_split(path.parent / project.split.file, project.split.fold)
    return path, project


def project_with_folds(words: list[str]) -> tuple[Path, Project]:
    """As `project_of`, for a command that takes every fold of the split."""
    from segwright.data import read_folds

    path, project = _project_with_data(words)
    read_folds(path.parent / project.split.file)
    return path, project


def _project_with_data(words: list[str]) -> tuple[Path, Project]:
    """The project file and what it says; its frames are there."""
    from segwright.data.listing import list_files
    from segwright.data.store.place import is_store
    from segwright.project import read_project

    path, overrides = _project_and_overrides(words)
    project = read_project(path, overrides)
    frames = path.parent / project.data.root
    if not (frames.exists() or is_store(frames) or is_store(project.data.root)):
        list_files(frames)  # refuses it in the words of every other verb
    return path, project


def _project_and_overrides(words: list[str]) -> tuple[Path, list[str]]:
    """The project file among the bare words, and the `section.key=value` of the others."""
    from segwright.core import ConfigError
    from segwright.project import PROJECT_FILE

    named = [word for word in words if "=" not in word]
    if len(named) > 1:
        raise ConfigError.of(
            "arguments",
            "name more than one project file",
            allowed="one segwright.yaml, and section.key=value",
            found=", ".join(named),
            fix="write overrides without spaces: training.steps=300",
        )
    return Path(named[0] if named else PROJECT_FILE), [word for word in words if "=" in word]
