from __future__ import annotations

import dataclasses
import json
import re
from types import SimpleNamespace

import pytest

from segwright.cli.app import main
from segwright.cli.datasets import dataset_at
from segwright.data import open_dataset, read_split, write_split
from segwright.data.split import Split
from segwright.evaluate import Evaluation
from segwright.evaluate.reconcile import LIBRARIES
from segwright.infer import Predictor, load
from segwright.infer.bundle import Lineage, write_bundle
from tests.evaluate.folders import frame, write_dataset, write_masks
from tests.infer.bundles import make_bundle


@pytest.fixture
def root(tmp_path):
    return write_dataset(tmp_path / "data")


@pytest.fixture
def predictions(tmp_path):
    return write_masks(tmp_path / "out", {f"f{seed}": frame(seed)[1] for seed in range(4)})


@pytest.fixture
def command(capsys):
    """Runs the command line; the answer is the exit code, stdout and stderr."""

    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return stop.value.code or 0, out, err

    return run


def split_file(path, root, **parts):
    dataset = open_dataset(root)
    write_split(
        path,
        Split(parts, "line", 5, dataset.content_hash, dataset.classes.content_hash, held_out={"validation": ("A",)}),
    )
    return path


def project_file(folder, names="{background: 0, scratch: 1, dent: 2}"):
    """`folder`/segwright.yaml over `folder`/data, with a column out of the file names."""
    path = folder / "segwright.yaml"
    path.write_text(
        f"classes:\n  names: {names}\n  background: background\n"
        "data:\n  root: data\n  columns_from: 'f(?P<seed>[0-9])$'\n"
    )
    return path


def test_evaluate__two_folders(command, predictions, root):
    code, out, _ = command("evaluate", "--predictions", predictions, "--truth", root)
    assert code == 0
    assert "4 images" in out
    assert "scratch" in out
    assert "pooled_miou 1.0000" in out
    assert out.rindex("pixel_accuracy") > out.rindex("pooled_miou")


def test_evaluate__json_on_stdout(command, predictions, root):
    code, out, err = command(
        "evaluate", "--predictions", predictions, "--truth", root, "--json", "--boundary-px", 1, "--boundary-px", 3
    )
    content = json.loads(out)
    assert code == 0
    assert content["scores"]["boundary_f@1"] == 1.0
    assert set(content["by_domain"]["line"]) == {"A", "B"}
    assert {json.loads(line)["event"] for line in err.splitlines() if line} == {"progress"}


def test_evaluate__json_to_a_file_and_a_report(command, predictions, root, tmp_path):
    report, file = tmp_path / "report.html", tmp_path / "evaluation.json"
    code, out, _ = command(
        "evaluate", "--predictions", predictions, "--truth", root, "--report", report, "--json", file
    )
    assert code == 0
    assert Evaluation.read(file).images == 4
    assert "Evaluation of out" in report.read_text(encoding="utf-8")
    assert "evaluation.json written" in out.replace("\n", "")


def test_evaluate__masks_with_images_beside_them(command, tmp_path, root):
    wrong = write_masks(tmp_path / "wrong", {f"f{seed}": frame(seed)[1] * 0 for seed in range(4)})
    report = tmp_path / "report.html"
    code, out, _ = command(
        "evaluate", "--predictions", wrong, "--truth", root / "masks", "--classes", root / "classes.txt",
        "--images", root / "images", "--report", report,
    )  # fmt: skip
    assert code == 0
    assert "scratch collapsed: IoU 0.000" in out
    assert report.read_text(encoding="utf-8").count("<img ") == 16


def test_evaluate__a_bundle_on_a_part(command, tmp_path, root):
    bundle = make_bundle(tmp_path)
    split = split_file(tmp_path / "split.json", root, train=("f1", "f3"), validation=("f0", "f2"))
    code, out, _ = command("evaluate", bundle.path, "--data", root, "--split", split, "--json")
    content = json.loads(out)
    assert code == 0
    assert content["images"] == 2
    assert content["scores"]["ece"] is not None
    assert content["provenance"]["part"] == "validation"
    assert content["provenance"]["held_out"] == "line A"
    assert content["provenance"]["seed"] == 3


def test_evaluate__renames_values(command, tmp_path):
    masks = write_masks(tmp_path / "masks", {"one": (frame(0)[1] == 1) * 255})
    (tmp_path / "classes.txt").write_text("0 background\n1 object\n")
    given = ("evaluate", "--predictions", masks, "--truth", masks)
    code, _, err = command(*given)
    assert code == 2
    assert "--map 255=1" in err
    assert command(*given, "--classes", tmp_path / "classes.txt", "--map", "255=1")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "do not say what to score"),
        (("--predictions", "x"), "--truth is missing"),
        (("a.bundle", "b.bundle"), "more than one model"),
        (("a.bundle", "--predictions", "x"), "mix a model with stored predictions"),
        (("a.bundle", "--map", "255=1"), "mix a model with stored predictions: beside a model"),
        (("--predictions", "x", "--truth", "y", "--split", "z"), "mix a model with stored predictions: beside stored"),
        (("--predictions", "x", "--truth", "y", "--map", "a=b"), "renames no mask value"),
    ],
)
def test_evaluate__what_cannot_be_meant_is_refused(command, arguments, message):
    code, _, err = command("evaluate", *arguments)
    assert code == 2
    assert message in err


def test_evaluate__data_may_be_a_project_file_which_brings_its_columns(command, tmp_path, root):
    bundle, project = make_bundle(tmp_path), project_file(tmp_path)
    code, out, _ = command("evaluate", bundle.path, "--data", project, "--json")
    content = json.loads(out)
    assert code == 0
    assert set(content["by_domain"]) == {"line", "seed"}
    assert set(content["by_domain"]["seed"]) == {"0", "1", "2", "3"}


def test_evaluate__a_project_of_other_classes_is_refused(command, tmp_path, root):
    project = project_file(tmp_path, "{background: 0, scratch: 1, hole: 2}")
    code, _, err = command("evaluate", make_bundle(tmp_path).path, "--data", project)
    assert code == 2
    assert "has another class table than the dataset" in err
    assert "2 hole" in err


@pytest.fixture
def trained_with(tmp_path):
    """Makes a bundle whose training data was the dataset that is given."""

    def make(dataset):
        bundle, path = make_bundle(tmp_path), tmp_path / "known.bundle"
        lineage = Lineage(dataset_hash=dataset.content_hash, split_hash="e" * 64)
        write_bundle(dataclasses.replace(bundle, path=path, lineage=lineage), bundle.path / "model.onnx", path)
        return path

    return make


@pytest.mark.parametrize("form", ["folder", "project"])
@pytest.mark.parametrize("trained_from", ["folder", "project"])
def test_evaluate__a_bundle_on_all_its_training_data_is_refused(
    command, tmp_path, root, trained_with, form, trained_from
):
    places = {"folder": root, "project": project_file(tmp_path)}
    path = trained_with(dataset_at(places[trained_from]))
    code, _, err = command("evaluate", path, "--data", places[form])
    assert code == 2
    assert "--split: is missing: these are the frames the model was trained on" in err


def test_evaluate__single_frames_the_model_was_trained_on_are_told_by_name(command, tmp_path, root):
    dataset = open_dataset(root)
    known = " ".join(dataset.image_hashes[stem] for stem in ("f1", "f3"))
    bundle, path = make_bundle(tmp_path), tmp_path / "known.bundle"
    lineage = Lineage(dataset_hash="d" * 64, train_frames=known)  # of another set: one frame more or less
    write_bundle(dataclasses.replace(bundle, path=path, lineage=lineage), bundle.path / "model.onnx", path)
    code, _, err = command("evaluate", path, "--data", root)
    assert code == 2
    assert "holds 2 of 4 frames that the model was trained on, byte for byte" in err
    assert "found:   f1, f3" in err
    split = split_file(tmp_path / "split.json", root, validation=("f0", "f1"), train=("f2", "f3"))
    code, out, _ = command("evaluate", path, "--data", root, "--split", split, "--json")
    assert code == 0
    notes = json.loads(out)["notes"]
    assert any(note.startswith("the model was trained on 1 of these 2 frames") and "f1" in note for note in notes)
    code, _, err = command("calibrate", path, "--data", root, "--to", tmp_path / "new.bundle")
    assert code == 2
    assert "holds 2 of 4 frames" in err


def test_evaluate__what_does_not_exist_is_not_called_a_bad_format(command, tmp_path, root, predictions):
    missing = tmp_path / "nowhere"
    for words in (
        ("--predictions", predictions, "--truth", missing),
        ("--predictions", missing, "--truth", root),
        ("--predictions", predictions, "--truth", root, "--classes", missing),
        ("--predictions", predictions, "--truth", root, "--compare", missing),
        ("--task", "instance", "--predictions", missing, "--truth", missing),
        ("--task", "panoptic", "--predictions", missing, "--truth", missing),
    ):
        code, _, err = command("evaluate", *words)
        assert code == 2
        assert "nowhere: does not exist" in err
    code, _, err = command("evaluate", "--predictions", missing, "--truth", missing)
    assert (code, "does not exist" in err) == (2, True)


def test_evaluate__an_unknown_id_names_the_class_table_and_the_way_around(command, tmp_path, root, predictions):
    (tmp_path / "classes.txt").write_text("0 background\n1 scratch\n")
    sides = ("--predictions", predictions, "--truth", root / "masks", "--classes", tmp_path / "classes.txt")
    code, _, err = command("evaluate", *sides)
    assert code == 2
    assert "add class 2 to the class table (--classes FILE" in err
    assert "make it void: --map 2=255" in err
    assert command("evaluate", *sides, "--map", "2=255")[0] == 0


def test_evaluate__a_part_of_no_split_is_refused(command, tmp_path, root):
    code, _, err = command("evaluate", make_bundle(tmp_path).path, "--data", root, "--part", "test")
    assert code == 2
    assert "every frame would be scored" in err


def test_evaluate__a_bundle_without_data_is_refused(command, tmp_path):
    code, _, err = command("evaluate", make_bundle(tmp_path).path)
    assert code == 2
    assert "a bundle does not hold its frames" in err


def test_evaluate__missing_predictions_as_json(command, tmp_path, root):
    predictions = write_masks(tmp_path / "few", {"f0": frame(0)[1]})
    code, out, _ = command("evaluate", "--predictions", predictions, "--truth", root, "--json")
    assert code == 2
    assert "f1, f2, f3" in json.loads(out)["problems"][0]["found"]


@pytest.mark.parametrize("form", ["folder", "project"])
def test_evaluate__a_run_asked_about_its_own_frames_is_scored_on_its_held_out_part(
    command, tmp_path, root, monkeypatch, form
):
    places = {"folder": root, "project": project_file(tmp_path)}
    dataset = dataset_at(places["project"])
    split = read_split(split_file(tmp_path / "split.json", root, train=("f1", "f3"), validation=("f0", "f2")))
    data = SimpleNamespace(dataset_hash=dataset.content_hash, train_frames="")
    plan = SimpleNamespace(data=data, optimiser=SimpleNamespace(seed=3), objects=None, task="semantic")
    run = SimpleNamespace(
        plan=plan, dataset=dataset, split=split, classes=dataset.classes, task_predictor=lambda: load(bundle.path)
    )
    bundle = make_bundle(tmp_path)
    monkeypatch.setattr("segwright.train.run.open_run", lambda _: run)
    code, out, _ = command("evaluate", "runs/x", "--data", places[form], "--json")
    assert code == 0
    assert json.loads(out)["provenance"]["part"] == "validation"
    assert json.loads(out)["images"] == 2


def test_evaluate__a_gate_that_fails_exits_1_after_the_answer(command, predictions, root):
    scored = ("evaluate", "--predictions", predictions, "--truth", root)
    code, out, _ = command(*scored, "--fail-if", "scratch.iou < 0.5")
    assert code == 0
    code, out, err = command(*scored, "--fail-if", "scratch.iou > 0.5", "--fail-if", "pooled_miou >= 1")
    assert code == 1
    assert "scratch" in out
    assert err.count("holds") == 2


def test_evaluate__a_condition_nobody_can_read_is_the_users_to_change(command, predictions, root):
    code, _, err = command("evaluate", "--predictions", predictions, "--truth", root, "--fail-if", "scrach.iou < 0.5")
    assert code == 2
    assert "did you mean 'scratch'" in err


def test_evaluate__against_an_earlier_evaluation(command, predictions, root, tmp_path):
    old, worse = tmp_path / "old.json", {f"f{seed}": frame(seed)[1] for seed in range(4)}
    assert command("evaluate", "--predictions", predictions, "--truth", root, "--json", old)[0] == 0
    worse["f2"] = worse["f2"] * 0
    scored = ("evaluate", "--predictions", write_masks(tmp_path / "worse", worse), "--truth", root)
    code, out, err = command(*scored, "--no-worse-than", old)
    assert code == 1
    assert "is worse than it was" in err
    assert "lost most: f2" in out
    code, out, _ = command(*scored, "--no-worse-than", old, "--tolerance", "1", "--json")
    assert code == 0
    comparison = json.loads(out)["comparison"]
    assert comparison["test"] == {"by": None, "groups": 4, "rounds": 16, "exact": True}
    assert comparison["frames"][0]["stem"] == "f2"
    assert comparison["scores"]["pooled_miou"]["difference"] < 0


@pytest.fixture
def earlier(command, predictions, root, tmp_path):
    """An evaluation of predictions that find everything, and the arguments that score worse ones."""
    old, worse = tmp_path / "old.json", {f"f{seed}": frame(seed)[1] for seed in range(4)}
    assert command("evaluate", "--predictions", predictions, "--truth", root, "--json", old)[0] == 0
    worse["f2"] = worse["f2"] * 0
    return old, ("evaluate", "--predictions", write_masks(tmp_path / "worse", worse), "--truth", root)


def test_evaluate__a_comparison_without_a_gate_fails_nothing(command, earlier):
    old, scored = earlier
    code, out, err = command(*scored, "--compare", old)
    assert code == 0, err
    assert "lost most: f2" in out
    code, out, _ = command(*scored, "--compare", old, "--fail-if", "scratch.iou < 0.9", "--json")
    assert code == 1
    assert json.loads(out.partition("\n}\n")[0] + "\n}")["comparison"]["frames"][0]["stem"] == "f2"


def test_evaluate__a_comparison_report_shows_the_old_predictions(command, earlier, tmp_path):
    old, scored = earlier
    page = tmp_path / "compare.html"
    code, out, _ = command(*scored, "--no-worse-than", old, "--compare-report", page)
    assert code == 1
    assert "compare.html written" in out.replace("\n", "")
    text = page.read_text(encoding="utf-8")
    assert "worse against out" in text
    assert re.findall(r'alt="(\w+) of f2"', text) == ["truth", "out", "worse", "change"]


def test_evaluate__a_comparison_report_without_the_old_predictions_says_why(command, earlier, predictions, tmp_path):
    old, scored = earlier
    predictions.rename(tmp_path / "elsewhere")
    page = tmp_path / "compare.html"
    assert command(*scored, "--compare", old, "--compare-report", page)[0] == 0
    text = page.read_text(encoding="utf-8")
    assert "no longer holds the old predictions" in text
    assert re.findall(r'alt="(\w+) of f2"', text) == ["truth", "worse"]


def test_evaluate__an_old_model_is_asked_again_for_the_comparison_report(command, predictions, root, tmp_path):
    old, page, bundle = tmp_path / "old.json", tmp_path / "compare.html", make_bundle(tmp_path)
    assert command("evaluate", bundle.path, "--data", root, "--json", old)[0] == 0
    write_masks(predictions, {"f0": frame(0)[1] * 0})
    scored = "evaluate", "--predictions", predictions, "--truth", root
    code, _, err = command(*scored, "--compare", old, "--compare-report", page)
    assert code == 0, err
    shown = re.findall(r'alt="([^"]+) of f0"', page.read_text(encoding="utf-8"))
    assert shown == ["truth", bundle.path.name, "out", "change"]


def test_evaluate__old_predictions_are_read_again_with_their_renamings(command, root, tmp_path):
    masks = {f"f{seed}": frame(seed)[1] for seed in range(4)}
    shifted = write_masks(tmp_path / "shifted", {stem: ids + 7 * (ids == 1) for stem, ids in masks.items()})
    plain = write_masks(tmp_path / "plain", {stem: ids * (ids != 2) for stem, ids in masks.items()})
    old, page = tmp_path / "old.json", tmp_path / "compare.html"
    truth = "--truth", root / "masks", "--classes", root / "classes.txt"
    code, _, err = command("evaluate", "--predictions", shifted, *truth, "--map", "8=1", "--json", old)
    assert code == 0, err
    assert Evaluation.read(old).provenance["map"] == "8=1"
    assert command("evaluate", "--predictions", plain, *truth, "--compare", old, "--compare-report", page)[0] == 0
    assert 'alt="shifted of f0"' in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--compare-report", "page.html"), "--compare-report: has nothing to compare with"),
        (("--compare", "a.json", "--no-worse-than", "a.json"), "--compare: says nothing beside --no-worse-than"),
        (("--compare", "a.json", "--tolerance", "0.1"), "--tolerance: says nothing alone"),
        (("--compare", "missing.json"), "missing.json: does not exist"),
    ],
)
def test_evaluate__comparisons_that_say_nothing_are_refused(command, predictions, root, given, message):
    code, _, err = command("evaluate", "--predictions", predictions, "--truth", root, *given)
    assert code == 2
    assert message in err


def test_evaluate__a_tolerance_alone_says_nothing(command, predictions, root):
    code, _, err = command("evaluate", "--predictions", predictions, "--truth", root, "--tolerance", "0.02")
    assert code == 2
    assert "--no-worse-than" in err


def test_evaluate__intervals_by_a_column(command, tmp_path, root):
    project = project_file(tmp_path)
    bundle = make_bundle(tmp_path, name="net").path
    code, out, err = command("evaluate", bundle, "--data", project, "--groups", "seed", "--json")
    assert code == 0, err
    intervals = json.loads(out)["intervals"]
    assert intervals["by"] == "seed"
    assert intervals["scores"]["pooled_miou"]["low"] <= intervals["scores"]["pooled_miou"]["high"]
    code, _, err = command("evaluate", bundle, "--data", project, "--groups", "patient")
    assert code == 2
    assert "column 'patient'" in err


def test_evaluate__reconciles_stored_predictions_with_other_libraries(command, predictions, root, tmp_path):
    scored, file = ("evaluate", "--predictions", predictions, "--truth", root), tmp_path / "scores.json"
    code, out, _ = command(*scored, "--reconcile", "--json")
    content = json.loads(out)
    assert code == 0
    rows = {(row["library"], row["name"]): row for row in content["conventions"]}
    assert {library for library, _ in rows} == set(LIBRARIES)
    assert rows["mmsegmentation", "mIoU"]["value"] == content["scores"]["pooled_miou"] == 1.0
    assert rows["mmsegmentation", "mIoU"]["why"] == "equal to pooled_miou"
    assert rows["cityscapesScripts", "Score Average, nIoU"]["value"] is None
    code, out, _ = command(*scored, "--reconcile", "--json", file)
    assert code == 0
    assert "conventions of other libraries" in out
    assert "mmsegmentation" in out
    assert json.loads(file.read_text())["conventions"] == content["conventions"]
    assert Evaluation.read(file).images == 4
    assert "conventions" not in json.loads(command(*scored, "--json")[1])


def test_evaluate__reconciles_a_model_and_predicts_each_frame_once(command, tmp_path, root, monkeypatch):
    asked, predict = [], Predictor.predict

    def counted(self, frame, **options):
        asked.append(frame.size)
        return predict(self, frame, **options)

    monkeypatch.setattr(Predictor, "predict", counted)
    code, out, _ = command("evaluate", make_bundle(tmp_path).path, "--data", root, "--reconcile", "--json")
    content = json.loads(out)
    assert code == 0
    assert len(asked) == content["images"] == 4
    value = {row["name"]: row["value"] for row in content["conventions"] if row["library"] == "mmsegmentation"}
    assert value["mIoU"] == pytest.approx(content["scores"]["pooled_miou"])
    assert value["aAcc"] == pytest.approx(content["scores"]["pixel_accuracy"])


def test_evaluate__the_report_of_a_model_has_every_curve_and_size(command, tmp_path, root):
    more = [word for distance in (1, 2, 5) for word in ("--boundary-px", distance)]
    more += [word for family in ("surface", "cldice", "components") for word in ("--also", family)]
    report = tmp_path / "report.html"
    assert command("evaluate", make_bundle(tmp_path).path, "--data", root, *more, "--report", report)[0] == 0
    text = report.read_text(encoding="utf-8")
    for part in (
        "scratch: p ≥ t against the rest", "Boundary F over the allowed distance", "Reliability: ECE",
        "Reliability by class", "By size of the true object", "px of width", "NSD, 1 px", "clDice",
    ):  # fmt: skip
        assert part in text
