"""Reading segwright.yaml: everything wrong with it in one run, with the next thing to type."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from segwright.core import ConfigError
from segwright.project import Project, project_schema, read_project
from segwright.project.read import validated, with_overrides

MINIMAL = {"classes": {"names": {"background": 0, "scratch": 1}}, "data": {"root": "frames"}}


def write(folder: Path, text: str) -> Path:
    path = folder / "segwright.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(settings: dict) -> ConfigError:
    with pytest.raises(ConfigError, match=r"segwright\.yaml") as caught:
        validated(settings, "segwright.yaml")
    return caught.value


def test_project__the_least_that_must_be_said() -> None:
    project = validated(MINIMAL, "segwright.yaml")
    assert project.training.steps == "auto"
    assert project.classes.table().names == ("background", "scratch")
    assert refused({}).problems[0].place == "segwright.yaml: classes"


def test_project__an_unknown_key_names_the_nearest() -> None:
    error = refused({**MINIMAL, "training": {"learning_rat": 1, "augment": {"color": 1}}, "clases": {}})
    assert {problem.place: problem.fix for problem in error.problems} == {
        "segwright.yaml: training.learning_rat": "did you mean 'learning_rate'?",
        "segwright.yaml: training.augment.color": "did you mean 'colour'?",
        "segwright.yaml: clases": "did you mean 'classes'?",
    }
    assert "is not a known key" in str(error)


def test_project__an_unknown_key_like_no_other_is_to_be_removed() -> None:
    (problem,) = refused({**MINIMAL, "model": {"zzz": 1}}).problems
    assert problem.fix == "remove it"
    assert "encoder" in problem.allowed


def test_project__says_all_problems_at_once_one_a_key() -> None:
    error = refused(
        {
            "classes": {"names": {"a": "x", True: 3}, "colours": {"a": [0, 0, 300]}},
            "data": {},
            "training": {"steps": "many", "learning_rate": -1, "clip_gradient": 0, "precision": "int8"},
            "loss": {"class_weights": {"a": -1}},
            "cleanup": {"min_area_px": -3},
        }
    )
    assert [problem.place.removeprefix("segwright.yaml: ") for problem in error.problems] == [
        "classes.names.a",
        "classes.names.True",
        "classes.colours.a",
        "data.root",
        "loss.class_weights.a",
        "training.steps",
        "training.learning_rate",
        "training.clip_gradient",
        "training.precision",
        "cleanup.min_area_px",
    ]
    by_place = {problem.place.removeprefix("segwright.yaml: "): problem for problem in error.problems}
    assert by_place["training.steps"].allowed == "a whole number, or auto"
    assert by_place["training.steps"].found == "'many'"
    assert by_place["training.steps"].fix == "correct it, or leave `steps` out: the default is auto"
    assert by_place["training.precision"].allowed == "auto, fp32, bf16 or fp16"
    assert by_place["training.learning_rate"].allowed == "a number above 0, or auto"
    assert by_place["classes.names.True"].fix == 'put it in quotes: "True"'


WRONG = ["many", -7, 2.5, 1e9, float("nan"), True, None, [], ["x"] * 9, [1], {}, {"a": None}, {3: "x"}, {"a": [9] * 9}]
LIBRARY_WORDS = (
    "Input",
    "valid ",
    "pars",
    "pydantic",
    "greater than",
    "less than",
    "dictionary",
    "instance of",
    "tuple",
)


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_project__every_key_says_what_it_wants_in_the_file_s_own_words(wrong: object) -> None:
    for section, field in Project.model_fields.items():
        inner = field.annotation if isinstance(field.annotation, type) else object
        keys = inner.model_fields if issubclass(inner, BaseModel) else {}
        for given in [wrong, *({key: wrong} for key in keys)]:
            try:
                block = wrong if given is wrong else {**MINIMAL.get(section, {}), **given}
                validated({**MINIMAL, section: block}, "x")
            except ConfigError as error:
                for problem in error.problems:
                    assert problem.fix
                    assert not any(word in f"{problem.rule} {problem.allowed}" for word in LIBRARY_WORDS), problem


@pytest.mark.parametrize(
    ("loss", "place", "fix"),
    [
        ({"lovas": 0.2}, "loss.lovas", "did you mean 'lovasz'?"),
        ({"generalized_dice": 0.2}, "loss.generalized_dice", "did you mean 'generalised_dice'?"),
        ({"tversky": {"weight": 0.3, "aplha": 0.3}}, "loss.tversky.aplha", "did you mean 'alpha'?"),
        ({"tversky": {"alpha": 0.3}}, "loss.tversky.weight", "add `loss.tversky.weight:`"),
        ({"focal": "much"}, "loss.focal", "the default is 0.0"),
        ({"cldice": {"weight": 1, "iterations": 0}}, "loss.cldice.iterations", "correct it"),
    ],
)
def test_project__a_loss_term_that_is_not_says_what_was_meant(loss: dict, place: str, fix: str) -> None:
    (problem,) = refused({**MINIMAL, "loss": loss}).problems
    assert problem.place == f"segwright.yaml: {place}"
    assert fix in problem.fix


def test_project__a_loss_term_is_a_weight_or_a_block() -> None:
    loss = validated({**MINIMAL, "loss": {"dice": {"per": "image"}, "lovasz": 0.2, "focal": {"weight": 0}}}, "x").loss
    assert loss.weights() == {"cross_entropy": 0.5, "dice": 0.5, "lovasz": 0.2}
    assert (loss.options("dice"), loss.options("lovasz")) == ({"per": "image"}, {})


def test_project__classes_of_a_loss_term_are_classes() -> None:
    given = {"dice_classes": ["dent"], "lovasz": {"weight": 1, "classes": ["hole"]}}
    text = str(refused({**MINIMAL, "loss": given}))
    assert "loss.dice_classes names 'dent'; loss.lovasz.classes names 'hole': not among background, scratch" in text
    assert "no class is named" in str(refused({**MINIMAL, "loss": {"dice_classes": []}}))


def test_project__true_is_not_a_number_of_pixels() -> None:
    error = refused({**MINIMAL, "inference": {"tile": True}, "training": {"steps": True}})
    assert all(key in str(error) for key in ("inference.tile", "training.steps"))
    assert len(error.problems) == 2


def test_project__class_names_that_do_not_exist_are_said_together() -> None:
    error = refused({**MINIMAL, "alerts": {"classes": ["dent"]}, "cleanup": {"min_area_px": {"hole": 3}}})
    assert "cleanup.min_area_px names 'hole'; alerts.classes names 'dent': not among background, scratch" in str(error)


def test_project__an_impossible_class_table_is_refused_on_reading() -> None:
    with pytest.raises(ConfigError, match="uses one id for two classes") as caught:
        validated({**MINIMAL, "classes": {"names": {"a": 1, "b": 1, "c": 255}}}, "segwright.yaml")
    assert caught.value.problems[0].place == "segwright.yaml: classes"
    assert "has the void id" in str(caught.value)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"loss": {"cross_entropy": 0, "dice": 0}}, "at least one term of the loss has a weight above 0"),
        ({"training": {"augment": {"scale": [2, 1]}}}, "scale goes from the smallest to the largest, got 2.0 to 1.0"),
        ({"training": {"ema_decay": 1}}, "a number below 1"),
        ({"training": {"batch": 0}}, "1 or more"),
        ({"inference": {"overlap_px": -1}}, "0 or more"),
    ],
)
def test_project__values_that_cannot_work_are_refused(section: dict, message: str) -> None:
    assert message in str(refused({**MINIMAL, **section}))


def test_read_project__a_section_with_every_line_commented_out_means_the_defaults(tmp_path: Path) -> None:
    text = "classes: {names: {a: 0}}\ndata: {root: x}\ntraining:\n  # steps: 3\n"
    assert read_project(write(tmp_path, text)) == read_project(write(tmp_path, text.replace("training:\n", "")))
    assert read_project(write(tmp_path, text), ["training.steps=7"]).training.steps == 7


def test_read_project__a_key_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "classes:\n  names:\n    scratch: 1\n    scratch: 2\ndata: {root: x}\n")
    with pytest.raises(ConfigError, match="key twice: scratch"):
        read_project(path)


@pytest.mark.parametrize(
    ("text", "message"), [("a: [1", "is not a YAML file"), ("- 1\n", "is not a mapping"), ("", "is not a mapping")]
)
def test_read_project__says_what_is_not_yaml(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_project(write(tmp_path, text))


def test_read_project__says_how_to_make_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="segwright init FOLDER"):
        read_project(tmp_path / "segwright.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_project(tmp_path)
    (tmp_path / "latin.yaml").write_bytes("a: \xe4".encode("latin-1"))
    with pytest.raises(ConfigError, match="is not a YAML file"):
        read_project(tmp_path / "latin.yaml")


def test_overrides__are_yaml_values_at_dotted_keys(tmp_path: Path) -> None:
    path = write(tmp_path, "classes: {names: {a: 0}}\ndata: {root: x}\n")
    project = read_project(
        path,
        ["training.steps=12", "training.learning_rate=1e-3", "model.weights=null", "training.augment.scale=[1, 1.5]",
         "split.by=press line", "data.options.flag=true"],
    )  # fmt: skip
    assert project.training.steps == 12
    assert project.training.learning_rate == 1e-3
    assert project.model.weights is None
    assert project.training.augment.scale == (1.0, 1.5)
    assert project.split.by == "press line"
    assert project.data.options == {"flag": True}


def test_overrides__all_unreadable_ones_at_once() -> None:
    with pytest.raises(ConfigError, match="is not an override") as caught:
        with_overrides({"name": "x"}, ["steps", "=3", "name.first=1", "training.steps=[1", "training.seed=2"])
    assert [problem.place for problem in caught.value.problems] == ["steps", "=3", "name.first=1", "training.steps=[1"]
    assert "'name' is a value, not a section" in str(caught.value)
    assert "has a value that is not YAML" in str(caught.value)


def test_overrides__an_unknown_key_is_refused_like_one_in_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "classes: {names: {a: 0}}\ndata: {root: x}\n")
    with pytest.raises(ConfigError, match="did you mean 'steps'"):
        read_project(path, ["training.step=3"])


def test_project_schema__knows_every_section_and_forbids_others() -> None:
    schema = project_schema()
    assert set(schema["properties"]) == set(Project.model_fields)
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["classes", "data"]
    assert all(schema["$defs"][name]["additionalProperties"] is False for name in ("Training", "Augment", "Loss"))
