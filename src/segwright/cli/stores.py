"""What the verbs of dataset stores have in common: opening one, and a version as text and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segwright.data.store import Store, Version


def store_at(text: str) -> Store:
    """The store that `STORE` or `STORE@VERSION` names.

    Raises:
        DataError: it is no store.
    """
    from segwright.data.store import open_store

    return open_store(text)


def version_row(version: Version) -> dict[str, Any]:
    """A version as plain values."""
    header = version.header
    return {
        "version": version.number,
        "tags": list(version.tags),
        "when": header.when,
        "who": header.who,
        "why": header.why,
        "tool": header.tool,
        "source": header.source,
        "model": header.model,
        "commit": header.commit,
        "added": len(version.added),
        "changed": len(version.changed),
        "removed": len(version.removed),
        "set_aside": list(version.set_aside),
    }


def what_changed(row: Mapping[str, Any]) -> str:
    """`+3 ~1 -0`, and what was set aside."""
    text = f"+{row['added']:,} ~{row['changed']:,} -{row['removed']:,}"
    return f"{text}, {len(row['set_aside']):,} set aside" if row["set_aside"] else text


def renamings_of(entries: list[str], option: str) -> dict[str, str]:
    """`--map old=new` entries, as what is there -> what it becomes.

    Raises:
        ConfigError: every entry without `=`.
    """
    from segwright.core import ConfigError, Problem, raise_collected

    wrong = [entry for entry in entries if "=" not in entry]
    fix = f"{option} 'deep scratch=scratch'"
    raise_collected((Problem(option, "cannot be read", "OLD=NEW", entry, fix) for entry in wrong), ConfigError)
    pairs = (entry.partition("=") for entry in entries)
    return {old.strip(): new.strip() for old, _, new in pairs}
