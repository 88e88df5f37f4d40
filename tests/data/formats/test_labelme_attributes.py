"""Attributes of LabelMe XML: what is written is read again, and a text that is no list stays a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwright.data.formats.labelme_attributes import attributes_of, text_of

# XML has no control characters, and its writer refuses them
TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=12)


@given(st.dictionaries(TEXT.filter(bool), TEXT, max_size=4))
def test_text_of__is_read_again(attributes: dict[str, str]) -> None:
    assert attributes_of(text_of(attributes)) == attributes


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("rusty, bent", {"attributes": "rusty, bent"}),
        ("age=3, side=left hand", {"age": "3", "side": "left hand"}),
        ('note="a, b=c \\" d", empty=', {"note": 'a, b=c " d', "empty": ""}),
        ("age=3, rusty", {"attributes": "age=3, rusty"}),
    ],
)
def test_attributes_of(text: str, found: dict[str, str]) -> None:
    assert attributes_of(text) == found
