"""Fixes of the data room as what to type."""

from __future__ import annotations

import pytest

from segwright.cli.typed_fixes import as_typed
from segwright.core import ConfigError, DataError


@pytest.mark.parametrize(
    ("fix", "typed"),
    [
        ("set `options: {crowd: void}`, or leave it out", "`--option crowd=void`, or leave it out"),
        ("name both: `options: {images: A, masks: B}`", "name both: `--option images=A --option masks=B`"),
        ("rename: `options: {map: [7=void, 8=1]}`", "rename: `--option 'map=[7=void, 8=1]'`"),
        ("agree: `options: {classes_from_masks: true}`", "agree: `--option classes_from_masks=true`"),
        (
            "say it: `data: {format: index_png, options: {masks: B}}`",
            "say it: `--format index_png --option masks=B`",
        ),
        ("correct `options: [`", "correct `options: [`"),
        ("check the path", "check the path"),
    ],
)
def test_as_typed__names_options_of_the_command(fix: str, typed: str) -> None:
    error = as_typed(DataError.of("frames", "is wrong", fix=fix), ["init", "frames", "--out", "segwright.yaml"])
    assert isinstance(error, DataError)
    assert error.problems[0].fix == typed


def test_as_typed__a_project_file_is_spoken_of_as_it_is_written() -> None:
    error = ConfigError.of("frames", "is wrong", fix="set `options: {cut: 128}`")
    assert as_typed(error, ["lint", "segwright.yaml"]) is error
