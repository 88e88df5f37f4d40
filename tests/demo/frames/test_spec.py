import pytest

from segwright.core import ConfigError, Size
from segwright.demo.frames import FrameSpec


def test_spec__sessions_take_turns_with_the_lightings():
    spec = FrameSpec(frames_per_line=20)
    assert [spec.lighting(index) for index in range(20)] == ["ring", "ring", "bar", "bar"] * 5
    assert [spec.session(index) for index in range(20)] == [number for number in range(10) for _ in range(2)]


def test_spec__stem_names_line_lighting_and_number():
    assert FrameSpec(frames_per_line=100).stem("press-1", 7) == "press-1_ring_0007"


def test_spec__reports_every_mistake_at_once():
    with pytest.raises(ConfigError) as caught:
        FrameSpec(frames_per_line=0, lines=("press-9",), size=Size(20, 640), rejected_share=0.9, borderline_share=0.2)
    assert len(caught.value.problems) == 4
    assert "press-1, press-2, press-3" in str(caught.value)


def test_spec__refuses_a_line_named_twice():
    with pytest.raises(ConfigError, match="named twice"):
        FrameSpec(lines=("press-1", "press-1"))
