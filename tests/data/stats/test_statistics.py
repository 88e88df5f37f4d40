"""Statistics of small sets: counted by eye, equal however the frames are divided, and blind to what lies under void."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segwright.core import ConfigError, DataError, Progress
from segwright.data import (
    Dataset,
    Frame,
    ImageFile,
    IndexMask,
    Split,
    findings_of,
    fingerprint,
    open_dataset,
    statistics,
)
from segwright.data.stats import Counts
from tests.data.pictures import CLASSES, mask_of, noise, save


def dataset_of(folder: Path, *pairs: tuple[np.ndarray, np.ndarray], lines: str = "") -> Dataset:
    frames = []
    for at, (pixels, ids) in enumerate(pairs):
        image, mask = save(folder / f"i{at}.png", pixels), save(folder / f"m{at}.png", ids)
        columns = {"line": lines[at]} if lines else {}
        frames.append(Frame(f"f{at}", ImageFile(image), IndexMask(mask), columns))
    return Dataset(folder, CLASSES, tuple(frames), "test")


def scratched(row: int) -> np.ndarray:
    ids = mask_of(32, 48)
    ids[row, 8:28] = 1
    ids[10:16, 2:8] = 2
    return ids


@pytest.fixture
def eight(tmp_path: Path) -> Dataset:
    """Eight frames of two lines; those of line b are bright."""
    pairs = [
        (noise(32, 48, seed=at) // (4 if at < 4 else 2) + (0 if at < 4 else 100), scratched(at)) for at in range(8)
    ]
    return dataset_of(tmp_path, *pairs, lines="aaaabbbb")


def test_statistics__counts_of_one_frame(tmp_path: Path) -> None:
    ids = scratched(0)
    ids[31] = 255
    counts = statistics(dataset_of(tmp_path, (noise(32, 48), ids))).counts
    assert counts.pixels.tolist() == [31 * 48 - 20 - 36, 20, 36]
    assert counts.frames_present.tolist() == [1, 1, 1]
    assert counts.void_fraction == 1 / 32
    assert counts.together.tolist() == [[1, 1, 1]] * 3
    # the line at the upper edge has 20 sides below and 2 at its ends, the square 4 times 6
    assert counts.touching.tolist() == [[0, 22, 24], [22, 0, 0], [24, 0, 0]]
    assert counts.regions["area_px"][1].quantile(0.5) == 20
    assert counts.regions["elongation"][1].quantile(0.5) == 20
    assert counts.regions["width_px"][2].quantile(0.5) == 5
    assert counts.places[1].sum(axis=1).tolist() == [20] + [0] * 15


def test_statistics__agree_with_the_fingerprint(eight: Dataset) -> None:
    counts, known = statistics(eight).counts, fingerprint(eight)
    for channel, row in enumerate(known.classes.values()):
        assert counts.pixels[channel] == row.pixels
        assert counts.regions["area_px"][channel].weight == row.components


def test_statistics__parts_add_up_to_the_whole(eight: Dataset) -> None:
    whole = statistics(eight)
    halves = [domain.counts for domain in whole.domains]
    assert [domain.value for domain in whole.domains] == ["a", "b"]
    assert Counts.total(halves).to_json(CLASSES) == whole.counts.to_json(CLASSES)


def test_statistics__void_changes_nothing_but_its_share(tmp_path: Path) -> None:
    pixels, ids = noise(32, 48), scratched(3)
    ids[20:] = 255
    changed = pixels.copy()
    changed[20:] = 255
    first = statistics(dataset_of(tmp_path / "a", (pixels, ids)))
    second = statistics(dataset_of(tmp_path / "b", (changed, ids)))
    assert first.rows[0].values == second.rows[0].values
    assert first.counts.to_json(CLASSES) == second.counts.to_json(CLASSES)


def test_statistics__a_frame_of_void_alone_is_said_and_in_no_number(tmp_path: Path) -> None:
    void = np.full((32, 48), 255, np.uint8)
    found = statistics(dataset_of(tmp_path, (noise(32, 48), scratched(2)), (noise(32, 48), void)))
    assert found.rows[1].shares is None
    assert set(found.rows[1].values.values()) == {None}
    assert any("1 frames have no labels, or only void" in note for note in found.notes)


def test_statistics__unlabelled_frames_count_among_the_pictures(eight: Dataset) -> None:
    frames = (*eight.frames[:4], replace(eight.frames[4], mask=None))
    found = statistics(replace(eight, frames=frames))
    assert (found.counts.frames, found.counts.labelled) == (5, 4)
    assert found.rows[4].values["brightness"] is not None
    assert "unlabelled" in {row.kind for row in findings_of(found)}


def test_statistics__a_domain_that_differs_is_found(eight: Dataset) -> None:
    found = statistics(eight)
    brightness = next(row for row in found.shifts if (row.value, row.name) == ("b", "brightness"))
    assert brightness.differs
    assert brightness.here > 100 > brightness.there
    assert any(row.kind == "differs" and "brightness" in row.text for row in findings_of(found))


def test_statistics__parts_are_compared_with_the_training_frames(eight: Dataset) -> None:
    parts = {"train": ("f0", "f1", "f2", "f3"), "validation": ("f4", "f5", "f6", "f7")}
    found = statistics(eight, split=Split(parts, None, 0, "", ""), by=["part"])
    assert {(row.column, row.value, row.against) for row in found.shifts} == {("part", "validation", "train")}


def test_findings__rare_thin_and_absent(tmp_path: Path) -> None:
    ids = mask_of(32, 48)
    ids[3, 5:9] = 1
    kinds = {(row.kind, row.subject) for row in findings_of(statistics(dataset_of(tmp_path, (noise(32, 48), ids))))}
    assert {("few examples", "scratch"), ("thin", "scratch"), ("absent", "dent")} <= kinds


def test_statistics__sixteen_bits_are_on_the_scale_of_eight(tmp_path: Path) -> None:
    eight_bits = noise(32, 48, bands=1)
    wide = eight_bits.astype(np.uint16) * 16 + 15  # a 12-bit sensor
    one = statistics(dataset_of(tmp_path / "a", (eight_bits, scratched(1)))).rows[0].values
    other = statistics(dataset_of(tmp_path / "b", (wide, scratched(1)))).rows[0].values
    for name in ("brightness", "contrast", "spread"):
        assert other[name] == pytest.approx(one[name], abs=1)
    assert other["saturated"] == pytest.approx(one["saturated"], abs=0.01)


def test_statistics__says_how_far_it_is_and_answers_in_plain_values(eight: Dataset) -> None:
    events: list[object] = []
    answer = statistics(eight, listener=events.append).to_json()
    assert events[-1] == Progress("counting", 8, 8)
    assert json.loads(json.dumps(answer))["classes"]["scratch"]["pixels"] == 160
    assert answer["frames"] == 8


def test_statistics__refuses_an_unknown_column_and_no_frames(eight: Dataset) -> None:
    with pytest.raises(ConfigError, match="names a column that no frame has"):
        statistics(eight, by=["camera"])
    with pytest.raises(DataError, match="has no frames to count"):
        statistics(replace(eight, frames=()))


def test_statistics__collects_everything_that_cannot_be_read(eight: Dataset) -> None:
    for number in (2, 5):
        (eight.root / f"i{number}.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"i2\.png") as caught:
        statistics(eight)
    assert len(caught.value.problems) == 2


def test_statistics__columns_that_say_little_are_left_out_and_said(eight: Dataset) -> None:
    rows = {
        frame.stem: {"number": str(at), "twin": frame.columns["line"].upper()} for at, frame in enumerate(eight.frames)
    }
    found = statistics(eight.with_columns(rows), by=None)
    assert {domain.column for domain in found.domains} == {"line", "number"}
    assert "column twin divides the frames as line does and is left out" in found.notes


def test_statistics__of_real_tiles(shared_data: Path) -> None:
    dataset = open_dataset(shared_data / "defect_magnetic_tile")
    found = statistics(dataset.only([frame.stem for frame in dataset.frames[::10]]))
    assert found.counts.frames == 50
    assert found.counts.shares[0] > 0.9
    brightness = {row.value: row.here for row in found.shifts if (row.column, row.name) == ("exposure", "brightness")}
    assert brightness["6"] > brightness["1"]
