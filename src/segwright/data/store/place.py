"""`STORE@VERSION`: where a store lies and which of its versions is meant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

LOG_TABLE = "log.lance"
BLOB_TABLE = "blobs.lance"
_REMOTE = re.compile(r"^(s3|gs|az):/+")


@dataclass(frozen=True)
class StorePlace:
    """A store's folder or object-store address, and a version: a number, a tag, or None for the newest."""

    uri: str
    version: str | None = None

    @property
    def is_remote(self) -> bool:
        """Whether it is an address of an object store."""
        return "://" in self.uri

    def table(self, name: str) -> str:
        """Where one of the store's tables lies."""
        return f"{self.uri.rstrip('/')}/{name}"

    def __str__(self) -> str:
        return self.uri if self.version is None else f"{self.uri}@{self.version}"


def place_of(text: str | Path) -> StorePlace:
    """The parts of `STORE@VERSION`; a path of an object store keeps its `//` even where it went through `Path`.

    An `@` in a folder's own name is part of the name where a folder of the whole name exists.
    """
    whole = _REMOTE.sub(r"\1://", str(text))
    base, at, version = whole.rpartition("@")
    if not at or "/" in version or ("://" not in whole and Path(whole).exists()):
        return StorePlace(whole)
    return StorePlace(base, version or None)


def is_store(text: str | Path) -> bool:
    """Whether this names a store: any object-store address, or a folder that holds a store's tables."""
    place = place_of(text)
    return place.is_remote or (Path(place.uri) / LOG_TABLE).is_dir()
