"""The class table: ids, names, void, background; everything wrong with it is said at once."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwright.core import ClassSpec, ClassTable, ConfigError

TABLE = ClassTable.of(["background", "scratch", "dent"])


def test_class_table__orders_by_id_and_numbers_channels_by_position() -> None:
    table = ClassTable((ClassSpec(9, "far"), ClassSpec(2, "near")), background="near")
    assert table.names == ("near", "far")
    assert table.ids == (2, 9)
    assert [table.channel(name) for name in table.names] == [0, 1]
    assert table.background_id == 2
    assert [spec.name for spec in table.foreground] == ["far"]


def test_class_table__equal_whatever_the_order_it_was_given_in() -> None:
    specs = (ClassSpec(0, "background"), ClassSpec(1, "scratch"))
    assert ClassTable(specs) == ClassTable(specs[::-1])
    assert hash(ClassTable(specs)) == hash(ClassTable(specs[::-1]))
    assert ClassTable(specs) != ClassTable(specs, background="background")


def test_class_table__a_first_class_called_background_is_the_background() -> None:
    assert TABLE.background == "background"
    assert ClassTable.of(["road", "background"]).background is None


def test_class_table__says_all_problems_at_once() -> None:
    specs = (
        ClassSpec(0, "a"),
        ClassSpec(0, "b"),
        ClassSpec(300, "c"),
        ClassSpec(255, "d"),
        ClassSpec(4, "void"),
        ClassSpec(5, "a", "liquid"),  # type: ignore[arg-type]
    )
    with pytest.raises(ConfigError, match="uses one id for two classes") as caught:
        ClassTable(specs, background="ground")
    text = str(caught.value)
    for part in (
        "uses one name for two classes",
        "'c': has an id outside the mask's range",
        "'d': has the void id",
        "'void': has no usable name",
        "'a': has an unknown kind",
        "names a background that is not a class",
    ):
        assert part in text
    assert len(caught.value.problems) == 7


def test_class_table__refuses_no_classes_and_an_impossible_void() -> None:
    with pytest.raises(ConfigError, match="has no classes"):
        ClassTable(())
    with pytest.raises(ConfigError, match="impossible void id"):
        ClassTable((ClassSpec(0, "a"),), void_id=256)


def test_class_table__wide_void_allows_wide_ids() -> None:
    assert ClassTable((ClassSpec(4000, "a"),), void_id=65535).ids == (4000,)


def test_class_table__an_unknown_name_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="class 'scrach': is not in the class table") as caught:
        TABLE.channel("scrach")
    assert caught.value.problems[0].allowed == "background, scratch, dent"


def test_class_table__colours_are_black_for_background_and_differ_in_the_foreground() -> None:
    assert TABLE.colour(0) == (0, 0, 0)
    assert TABLE.colour(1) != TABLE.colour(2)
    own = ClassTable((ClassSpec(0, "a", colour=(1, 2, 3)),))
    assert own.colour(0) == (1, 2, 3)
    with pytest.raises(ConfigError, match="class id 255: is not a class"):
        TABLE.colour(255)


def test_class_table__describe_ends_with_void() -> None:
    assert TABLE.describe() == "0 background, 1 scratch, 2 dent, 255 void"


names = st.lists(
    st.text(min_size=1, max_size=12).filter(lambda name: name != "void"), min_size=1, max_size=6, unique=True
)


@given(names, st.sampled_from([255, 65535]), st.randoms(use_true_random=False))
def test_class_table__json_round_trip(names: list[str], void_id: int, random) -> None:
    ids = random.sample(range(250), len(names))
    kinds = [random.choice(["stuff", "thing"]) for _ in names]
    specs = tuple(
        ClassSpec(class_id, name, kind, (class_id, 0, 1))
        for class_id, name, kind in zip(ids, names, kinds, strict=True)
    )
    table = ClassTable(specs, void_id, names[0])
    assert ClassTable.from_json(json.loads(json.dumps(table.to_json()))) == table


def test_class_table__hash_follows_meaning_and_not_colours() -> None:
    plain = ClassTable((ClassSpec(0, "a"),))
    assert ClassTable((ClassSpec(0, "a", colour=(9, 9, 9)),)).content_hash == plain.content_hash
    for other in (
        ClassTable((ClassSpec(1, "a"),)),
        ClassTable((ClassSpec(0, "b"),)),
        ClassTable((ClassSpec(0, "a", "thing"),)),
        ClassTable((ClassSpec(0, "a"),), void_id=7),
        ClassTable((ClassSpec(0, "a"),), background="a"),
    ):
        assert other.content_hash != plain.content_hash


def test_class_table__many_classes_that_break_one_rule_are_one_problem() -> None:
    with pytest.raises(ConfigError) as caught:
        ClassTable.of([f"class {number}" for number in range(300)])
    assert [problem.rule for problem in caught.value.problems] == [
        "has the void id", "has an id outside the mask's range",
    ]  # fmt: skip
    assert "'class 256', 'class 257', 'class 258' and 41 more" in str(caught.value)
