"""Settings that a task of objects cannot follow are refused together; sections that count for nothing are said."""

from __future__ import annotations

from typing import Any

import pytest

from segwright.core import ConfigError, Event, Note
from segwright.project.schema import Project
from segwright.train.not_used import REFUSED, SAID, check_used

CLASSES = {"names": {"background": 0, "bolt": 1}, "background": "background", "things": ["bolt"]}
OTHER: dict[str, Any] = {
    "training.hard_crops": 0.5,
    "training.rare_by": "component",
    "training.augment.copy_paste_edge_px": 0.0,
    "training.augment.cutmix": 0.1,
    "training.augment.mosaic": 0.1,
    "training.augment.erase": 0.1,
    "inference.flips": True,
    "inference.quarter_turns": True,
    "inference.scales": [0.5, 1.0],
    "inference.blend": "constant",
    "loss": {"dice": 0.2},
    "cleanup": {"fill_holes_px": 3},
    "alerts": {"area_percent": 1.0},
    "model.decoder_widths": [64, 32, 16, 16, 16],
}


def project(task: str, *paths: str, **more: Any) -> Project:
    data: dict[str, Any] = {"task": task, "classes": CLASSES, "data": {"root": "frames"}, **more}
    for path in paths:
        inner = data
        *above, name = path.split(".")
        for key in above:
            inner = inner.setdefault(key, {})
        inner[name] = OTHER[path]
    return Project.model_validate(data)


def said_of(given: Project) -> list[str]:
    said: list[Event] = []
    check_used(given, said.append)
    return [event.text for event in said if isinstance(event, Note)]


def test_check_used__every_setting_of_the_tables_has_a_case() -> None:
    assert OTHER.keys() == REFUSED.keys() | SAID.keys()


def test_check_used__refuses_all_at_once_with_what_to_type() -> None:
    with pytest.raises(ConfigError, match=r"(?s)training.hard_crops: cannot be followed for task: instance") as raised:
        check_used(project("instance", *REFUSED), lambda _: None)
    assert [problem.place for problem in raised.value.problems] == [*REFUSED]
    assert "training.augment.mosaic=0.0, or leave it out" in str(raised.value)
    assert "inference.flips=false" in str(raised.value)


@pytest.mark.parametrize("path", REFUSED)
def test_check_used__refuses_each_alone_and_not_its_usual_value(path: str) -> None:
    with pytest.raises(ConfigError, match="cannot be followed for task: instance") as raised:
        check_used(project("instance", path), lambda _: None)
    assert len(raised.value.problems) == 1
    assert said_of(project("semantic", path)) == []


def test_check_used__says_which_keys_count_for_nothing() -> None:
    said = said_of(project("instance", *SAID))
    assert len(said) == 4
    assert "loss.dice" in said[0]
    assert "paper's own losses" in said[0]
    assert "cleanup.fill_holes_px" in said[1]
    assert said_of(project("instance")) == []


def test_check_used__what_is_of_objects_is_said_for_regions() -> None:
    given = project("semantic", training={"least_visible": 0.5})
    assert said_of(given) == ["not used by task: semantic: training.least_visible; it is of objects"]
    assert said_of(project("instance", training={"least_visible": 0.5})) == []
