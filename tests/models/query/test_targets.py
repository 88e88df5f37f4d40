"""The true segments of a frame: from channel maps, from masks that overlap; void and absent ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from segwright.core import ClassSpec, ClassTable, DataError, LabelMap
from segwright.models.query import SegmentTargets
from tests.models.query.tiny import segments

NONE = torch.zeros(4, 4, dtype=torch.bool)


def test_of_channels__one_segment_a_class_that_is_there() -> None:
    target = torch.tensor([[2, 2, 0], [-1, 0, 0]])
    found = SegmentTargets.of_channels(target)
    assert found.channels.tolist() == [0, 2]
    assert found.places.tolist() == [[1, 1, 0], [-1, 0, 0]]
    assert found.valid.tolist() == [[True, True, True], [False, True, True]]


def test_of_channels__a_frame_of_void_has_no_segment() -> None:
    """huggingface/transformers#30064: their processor fails on it."""
    found = SegmentTargets.of_channels(torch.full((3, 3), -1))
    assert len(found) == 0
    assert not found.valid.any()


@pytest.mark.parametrize("ids", [(0, 255), (0, 1)])
def test_of_channels__masks_of_two_values_lose_none(ids: tuple[int, int]) -> None:
    """huggingface/transformers#27224: 255 was silently void; #22147: maps of 0 and 1 alone failed."""
    classes = ClassTable((ClassSpec(ids[0], "rest"), ClassSpec(ids[1], "mark")), void_id=128)
    labels = LabelMap(np.array([[ids[0], ids[1]], [ids[1], ids[1]]], np.uint8), classes)
    found = SegmentTargets.of_channels(torch.from_numpy(labels.channels(void_as=-1)))
    assert found.channels.tolist() == [0, 1]
    assert found.valid.all()
    assert found.at(torch.tensor([1]), torch.arange(4)).tolist() == [[False, True, True, True]]


def test_of_masks__segments_that_lie_in_ignored_regions_whole_are_none() -> None:
    masks = torch.stack([NONE.clone(), NONE.clone(), NONE.clone()])
    masks[0, :2], masks[1, 3] = True, True
    ignored = NONE.clone()
    ignored[3] = True
    found = SegmentTargets.of_masks(torch.tensor([5, 6, 7]), masks, ignored)
    assert found.channels.tolist() == [5]


def test_at__maps_and_masks_say_the_same() -> None:
    target = torch.randint(-1, 3, (6, 7), generator=torch.Generator().manual_seed(0))
    as_map = SegmentTargets.of_channels(target)
    as_masks = SegmentTargets.of_masks(
        as_map.channels, torch.stack([target == number for number in range(3)]), target < 0
    )
    numbers = torch.tensor([2, 0])
    for pixels in (torch.arange(42), torch.randint(42, (2, 9))):
        assert torch.equal(as_map.at(numbers, pixels), as_masks.at(numbers, pixels))


def test_segments__refuse_shapes_that_do_not_fit() -> None:
    with pytest.raises(DataError, match="have shapes or types that do not fit each other"):
        SegmentTargets(torch.zeros(2, dtype=torch.int64), torch.zeros(3, 4, 4, dtype=torch.bool), ~NONE)


def test_to__keeps_everything() -> None:
    one = segments(3)
    moved = one.to("cpu", non_blocking=True)
    assert torch.equal(moved.places, one.places)
