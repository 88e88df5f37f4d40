from __future__ import annotations

import numpy as np
import pytest

from segwright.core import ConfigError, Image, LabelMap
from segwright.line import PartFromBackground, PartFromClasses, WholeFrame, part_source
from tests.infer.models import CLASSES

IMAGE = Image(np.zeros((2, 3, 3), np.uint8))
LABELS = LabelMap(np.array([[0, 1, 2], [255, 1, 0]], np.uint8), CLASSES)


def test_part_from_classes__is_the_union_of_the_named_classes():
    part = PartFromClasses(("scratch", "dent"))(IMAGE, LABELS)
    assert part.tolist() == [[False, True, True], [False, True, False]]


def test_whole_frame__is_everything():
    assert WholeFrame()(IMAGE, LABELS).all()


def test_part_source__reads_the_project_files_words():
    assert part_source("frame", CLASSES) == WholeFrame()
    assert part_source("background", CLASSES) == PartFromBackground()
    assert part_source(["dent"], CLASSES) == PartFromClasses(("dent",))


@pytest.mark.parametrize("setting", ["belt", [], ["rust", "dent"]])
def test_part_source__refuses_what_is_no_part(setting):
    with pytest.raises(ConfigError, match=r"does not say where the part is[\s\S]*background, scratch, dent"):
        part_source(setting, CLASSES)


def test_part_sources__have_names_that_tell_them_apart():
    sources = [WholeFrame(), PartFromClasses(("a",)), PartFromClasses(("b",)), PartFromBackground()]
    assert len({source.name for source in sources}) == 4
