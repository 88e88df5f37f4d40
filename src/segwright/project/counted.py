"""Which classes are counted, as a project for objects or segments needs to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from segwright.core import ClassTable, ConfigError


def with_things(classes: ClassTable, names: Sequence[str]) -> ClassTable:
    """The table with `names` as things and all others as stuff.

    Raises:
        ConfigError: a name that is in no table.
    """
    things = {classes[name].name for name in names}
    specs = (replace(spec, kind="thing" if spec.name in things else "stuff") for spec in classes)
    return ClassTable(tuple(specs), classes.void_id, classes.background)


def require_things(classes: ClassTable, known: tuple[str, ...] = ()) -> None:
    """Refuse a class table in which nothing can be counted; `known` are things that the data itself names.

    Raises:
        ConfigError: no class is a thing, or the background is one.
    """
    names = [spec.name for spec in classes]
    things = [spec.name for spec in classes if spec.kind == "thing"]
    if not things:
        shown = known or tuple(spec.name for spec in classes.foreground)[:1]
        why = f"; the dataset says that {', '.join(known)} can be counted" if known else ""
        raise ConfigError.of(
            "classes.things",
            "names no class, and a panoptic map needs to know which classes are counted",
            allowed=f"some of {', '.join(names)}; the others are stuff",
            found=f"none{why}",
            fix=f"classes.things=[{', '.join(shown)}], or task=semantic",
        )
    if classes.background in things:
        raise ConfigError.of(
            "classes.things",
            "name the background, of which there are no objects",
            allowed=", ".join(spec.name for spec in classes.foreground),
            found=", ".join(things),
            fix=f"leave '{classes.background}' out of classes.things, or say background: null",
        )
