"""Label volumes from files: the scores of surface-distance on real cases, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from scipy import ndimage

from segwright.core import ConfigError, DataError, DependencyMissing
from segwright.data.codecs import nifti
from segwright.evaluate import Evaluation
from segwright.evaluate.volume_evaluation import evaluate_volumes
from tests.cli.verbs.test_evaluate import command  # noqa: F401  # a fixture
from tests.evaluate.surface.peer import assert_is_peers, peer_scores

AFFINE = np.diag([1.0, 2.0, 3.0, 1.0])
CLASSES = "0 background\n1 anterior\n2 posterior\n255 void\n"


def write(path: Path, ids: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(ids, affine), path)
    return path


def ball(shift: int = 0) -> np.ndarray:
    """A block of class 1 with a corner of class 2, uint8 (6, 8, 10)."""
    ids = np.zeros((6, 8, 10), np.uint8)
    ids[1:5, 2:6, 2 + shift : 7 + shift] = 1
    ids[1:3, 2:4, 2 + shift : 4 + shift] = 2
    return ids


def test_evaluate_volumes__surfaces_are_those_of_surface_distance(shared_data: Path, tmp_path: Path) -> None:
    labels = sorted((shared_data / "medical_hippocampus" / "labels").glob("*.nii.gz"))[:3]
    for path in labels:
        image = nibabel.load(path)
        ids = np.asarray(image.dataobj).astype(np.uint8)
        grown = np.zeros_like(ids)
        for class_id in (1, 2):
            grown[ndimage.binary_dilation(ids == class_id)] = class_id
        spacing = np.diag([1.0, 1.5, 2.5, 1.0])  # anisotropic on purpose
        write(tmp_path / "truth" / path.name, ids, spacing)
        write(tmp_path / "found" / path.name, grown, spacing)
    found = evaluate_volumes(tmp_path / "found", tmp_path / "truth", tolerances_mm=(1, 2.5))
    for case in found.details["cases"]:
        truth, prediction = (
            np.asarray(nibabel.load(tmp_path / side / f"{case['stem']}.nii.gz").dataobj) for side in ("truth", "found")
        )
        for class_id in (1, 2):
            row = case["classes"][f"class_{class_id}"]
            masks = truth == class_id, prediction == class_id
            assert_is_peers(row, peer_scores(masks[1], masks[0], (1.0, 1.5, 2.5), (1.0, 2.5)))
            assert row["dice"] == pytest.approx(2 * (masks[0] & masks[1]).sum() / (masks[0].sum() + masks[1].sum()))
            assert 0 < row["cldice"] <= 1
    assert found.scores["mean_case_dice"] == pytest.approx(
        np.mean([case["classes"][name]["dice"] for case in found.details["cases"] for name in ("class_1", "class_2")])
    )


def test_evaluate_volumes__void_truth_changes_nothing_and_void_prediction_is_missed(tmp_path: Path) -> None:
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth" / "classes.txt").write_text(CLASSES)
    truth, prediction = ball(), ball(1)
    truth[:, :, 7:] = 255
    write(tmp_path / "truth" / "a.nii.gz", truth)
    write(tmp_path / "found" / "a.nii.gz", prediction)
    before = evaluate_volumes(tmp_path / "found", tmp_path / "truth")
    prediction[:, :, 7:] = 2
    write(tmp_path / "found" / "a.nii.gz", prediction)
    after = evaluate_volumes(tmp_path / "found", tmp_path / "truth")
    assert (after.scores, after.classes) == (before.scores, before.classes)
    assert before.void_fraction == pytest.approx(0.3)
    assert before.classes["anterior"]["truth_px"] == int((truth == 1).sum())
    missed = ball()
    missed[1:5, 2:6, 4:7] = 255
    write(tmp_path / "found" / "a.nii.gz", missed)
    assert evaluate_volumes(tmp_path / "found", tmp_path / "truth").classes["anterior"]["recall"] < 1


def test_evaluate_volumes__a_class_in_one_side_alone_and_in_neither(tmp_path: Path) -> None:
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth" / "classes.txt").write_text("0 background\n1 a\n2 b\n3 c\n")
    one = np.where(ball() == 2, 1, ball()).astype(np.uint8)
    write(tmp_path / "truth" / "x.nii", one)
    write(tmp_path / "found" / "x.nii", ball())
    rows = evaluate_volumes(tmp_path / "found", tmp_path / "truth").classes
    assert (rows["b"]["nsd@1"], rows["b"]["hd95"], rows["b"]["dice"], rows["b"]["one_sided"]) == (0.0, None, 0.0, 1)
    assert (rows["c"]["nsd@1"], rows["c"]["dice"], rows["c"]["mean_case_dice"]) == (None, None, None)


def test_evaluate_volumes__what_does_not_fit_is_refused_all_at_once(tmp_path: Path) -> None:
    for stem in ("a", "b", "c", "d", "e"):
        write(tmp_path / "truth" / f"{stem}.nii.gz", ball())
    write(tmp_path / "found" / "a.nii.gz", ball()[:, :, :9])
    write(tmp_path / "found" / "b.nii.gz", ball(), np.diag([-1.0, 2.0, 3.0, 1.0]))
    write(tmp_path / "found" / "c.nii.gz", ball() * np.float32(0.5))
    write(tmp_path / "found" / "d.nii.gz", np.full((6, 8, 10), 9, np.uint8))
    (tmp_path / "found" / "e.nii.gz").write_bytes(b"no volume")
    (tmp_path / "truth" / "classes.txt").write_text("0 background\n1 a\n2 b\n")
    with pytest.raises(DataError) as caught:
        evaluate_volumes(tmp_path / "found", tmp_path / "truth")
    text = str(caught.value)
    assert len(caught.value.problems) == 5
    assert "is not of the truth's shape" in text
    assert "6 x 8 x 10" in text
    assert "another affine" in text
    assert "does not hold class ids" in text
    assert "has ids that are not in the class table" in text
    assert "is not a readable NIfTI volume" in text


def test_evaluate_volumes__pairs_as_masks_do(tmp_path: Path) -> None:
    write(tmp_path / "truth" / "a.nii.gz", ball())
    write(tmp_path / "found" / "other.nii", ball(1))
    single = evaluate_volumes(tmp_path / "found" / "other.nii", tmp_path / "truth" / "a.nii.gz")
    assert single.images == 1
    assert evaluate_volumes(tmp_path / "found", tmp_path / "truth").images == 1
    write(tmp_path / "truth" / "b.nii.gz", ball())
    with pytest.raises(DataError, match=r"(?s)lacks predictions for 2 of 2 cases.*missing: a, b; there: other"):
        evaluate_volumes(tmp_path / "found", tmp_path / "truth")
    for stem in "ab":
        write(tmp_path / "found" / f"{stem}.nii.gz", ball())
    found = evaluate_volumes(tmp_path / "found", tmp_path / "truth")
    assert "1 predictions have no truth and were left out: other" in found.notes
    write(tmp_path / "truth" / "b.nii", ball())
    with pytest.raises(DataError, match="has two volumes"):
        evaluate_volumes(tmp_path / "found", tmp_path / "truth")
    with pytest.raises(DataError, match=r"(?s)holds no label volume.*nothing there"):
        evaluate_volumes(tmp_path / "found", tmp_path / "nowhere")


def test_evaluate_volumes__ids_that_do_not_tell_what_they_mean(tmp_path: Path) -> None:
    write(tmp_path / "truth" / "a.nii.gz", np.where(ball() > 0, 255, 0).astype(np.uint8))
    write(tmp_path / "found" / "a.nii.gz", np.zeros((6, 8, 10), np.uint8))
    with pytest.raises(ConfigError, match=r"(?s)its ids do not tell what they mean.*found:   0, 255"):
        evaluate_volumes(tmp_path / "found", tmp_path / "truth")


def test_read_label_volume__without_nibabel_says_what_to_install(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(nifti, "find_spec", lambda _: None)
    with pytest.raises(DependencyMissing, match=r"needs nibabel.*\n.*pip install 'segwright\[volumes\]'"):
        nifti.read_label_volume(tmp_path / "a.nii.gz")


def test_evaluate__volumes_from_the_command_line(command, tmp_path: Path) -> None:  # noqa: F811
    for stem, shift in (("s1_a", 0), ("s1_b", 1), ("s2_c", 2)):
        write(tmp_path / "truth" / f"{stem}.nii.gz", ball())
        write(tmp_path / "found" / f"{stem}.nii.gz", ball(shift))
        write(tmp_path / "images" / f"{stem}.nii.gz", ball() * np.float32(1.7))
    sides = ("evaluate", "--task", "volume", "--predictions", tmp_path / "found", "--truth", tmp_path / "truth")
    more = ("--columns", "(?P<session>s[12])_", "--surface-tolerance", "1", "2.5", "--images", tmp_path / "images")
    report, file = tmp_path / "report.html", tmp_path / "old.json"
    code, out, _ = command(*sides, *more, "--report", report, "--json", file)
    assert code == 0
    assert "3 cases" in out
    written = json.loads(file.read_text())
    assert written["task"] == "volume"
    assert {"nsd@1", "nsd@2.5", "hd95", "assd", "cldice", "mean_case_dice"} <= set(written["scores"])
    assert written["by_domain"]["session"]["s1"]["images"] == 2
    assert written["definitions"]["iou"].startswith("Voxels in truth and prediction")
    assert Evaluation.read(file).images == 3
    text = report.read_text()
    assert "NSD, 2.5 mm" in text
    assert "True voxels" in text
    assert text.count("<figure>") == 2
    code, _, err = command(*sides, "--compare", file, "--fail-if", "class_1.hd95 > 2")
    assert code == 1
    assert "class_1.hd95 > 2: holds" in err
    code, _, err = command(*sides, "--images", tmp_path / "nowhere")
    assert code == 2
    assert "--images: is not a folder" in err
    code, _, err = command(*sides, "--also", "components", "--kind", "mask")
    assert code == 2
    assert "--kind" in err


def test_evaluate__surface_tolerances_of_masks(command, tmp_path: Path) -> None:  # noqa: F811
    from tests.evaluate.folders import write_masks

    masks = np.zeros((8, 8), np.uint8)
    masks[2:5, 2:5] = 1
    for name, shift in (("p", 1), ("t", 0)):
        write_masks(tmp_path / name, {"a": np.roll(masks, shift, axis=1)})
    sides = ("evaluate", "--predictions", tmp_path / "p", "--truth", tmp_path / "t")
    code, out, _ = command(*sides, "--also", "surface", "--surface-tolerance", "0.5", "2.5", "--json")
    scores = json.loads(out)["scores"]
    assert code == 0
    assert {name for name in scores if name.startswith("nsd")} == {"nsd@0.5", "nsd@2.5"}
    assert scores["nsd@2.5"] == 1.0
    code, _, err = command(*sides, "--surface-tolerance", "1")
    assert code == 2
    assert "add --also surface" in err
    code, _, err = command(*sides, "--also", "surface", "--surface-tolerance", "-1")
    assert code == 2
    assert "surface tolerances: are not all lengths" in err
