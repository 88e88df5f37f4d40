"""Versions of a dataset: who changed which frame when and why, and every version as it was."""

from segwright.data.store.compacting import Compacted, compact
from segwright.data.store.importing import Base, import_dataset, relabel, restore
from segwright.data.store.log import Header, Log, State, Version
from segwright.data.store.place import StorePlace, is_store, place_of
from segwright.data.store.rows import Change, FrameRow
from segwright.data.store.store import Author, ChangesSetAside, Store, create_store, open_store, pinned
from segwright.data.store.verify import Verified, verify

__all__ = [
    "Author",
    "Base",
    "Change",
    "ChangesSetAside",
    "Compacted",
    "FrameRow",
    "Header",
    "Log",
    "State",
    "Store",
    "StorePlace",
    "Verified",
    "Version",
    "compact",
    "create_store",
    "import_dataset",
    "is_store",
    "open_store",
    "pinned",
    "place_of",
    "relabel",
    "restore",
    "verify",
]
