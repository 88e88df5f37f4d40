"""Labelled frames of any format into a store, as its next version."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from segwright.core import (
    GREY,
    RGB,
    ClassSpec,
    ClassTable,
    ConfigError,
    DataError,
    Listener,
    Note,
    Problem,
    raise_collected,
    silent,
    tracked,
)
from segwright.data.codecs import FrameShape, encode_image, encode_tiff
from segwright.data.dataset import Dataset, Frame
from segwright.data.store import labels as codec
from segwright.data.store.blobs import Blob, write_blobs
from segwright.data.store.log import State, Version
from segwright.data.store.rows import Change, FrameRow, FrameTable
from segwright.data.store.store import Author, Store
from segwright.data.workers import in_threads

IMAGE = "image"


@dataclass(frozen=True)
class _Gathered:
    """One frame ready to be written: its row and the bytes that the row names."""

    row: FrameRow
    blobs: tuple[Blob, ...]


@dataclass
class _Import:
    """What one import found while it goes through the frames."""

    dataset: Dataset
    classes: ClassTable
    ids: Mapping[int, int]
    rows: list[FrameRow] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def blobs(self, listener: Listener) -> Iterator[Blob]:
        """The bytes of every frame that can be read; rows and problems are gathered on the way."""
        frames = self.dataset.frames
        for answer in tracked(in_threads(self._gathered, frames), listener, "import", len(frames)):
            if isinstance(answer, DataError):
                self.problems += answer.problems
            else:
                self.rows.append(answer.row)
                yield from answer.blobs

    def _gathered(self, frame: Frame) -> _Gathered | DataError:
        try:
            media, data, shape = image_bytes(frame)
            image = hashlib.sha256(data).hexdigest()
            blobs: list[Blob] = [(image, IMAGE, data)]
            labels = kind = None
            if frame.mask is not None:
                form = codec.stored_form(frame.mask, shape, self.dataset.classes)
                form = codec.renumbered(form, self.ids, self.classes) if self.ids else form
                kind, labels, packed = codec.encode(form)
                blobs.append((labels, kind, packed))
        except DataError as error:
            return error
        columns = tuple(sorted(frame.columns.items()))
        facts = (media, shape.size.height, shape.size.width, shape.orientation)
        return _Gathered(FrameRow(frame.stem, image, *facts, labels, kind, columns), tuple(blobs))


@dataclass(frozen=True)
class Base:
    """What a source was when work on it began: the store's frames then, for whatever others changed since.

    A frame of `untouched`, stem -> digest, that still reads so is as in `state`, whatever its format has lost
    of it: see `checkout`. With `overwrite` what differs from `state` is put over what others did, and nothing else is.
    """

    state: State
    untouched: Mapping[str, str] = field(default_factory=dict)
    overwrite: bool = False

    def as_it_was(self, rows: Sequence[FrameRow]) -> dict[str, FrameRow]:
        """The rows by stem; those that were not touched, as the store had them."""
        frames = self.state.frames
        same = {row.stem for row in rows if row.digest == self.untouched.get(row.stem)} & frames.keys()
        return {row.stem: frames[row.stem] if row.stem in same else row for row in rows}


def import_dataset(
    dataset: Dataset,
    store: Store,
    author: Author,
    *,
    base: Base | None = None,
    replace: bool = False,
    add_classes: bool = False,
    listener: Listener = silent,
) -> Version | None:
    """Put the frames of a dataset into a store, as one new version; None where nothing changed.

    A frame whose stem is there already is changed where its image, labels or columns differ; frames that the dataset
    lacks stay, unless `replace` says that it is all there is. Classes are matched by name and take the store's ids;
    classes the store does not know are refused, or with `add_classes` added. `base` is what the dataset was checked out
    from, else the newest version: see `Store.commit`. An interrupted import has changed nothing, and the bytes it wrote
    are not written again.

    Raises:
        DataError: frames that cannot be read, all of them; or another writer was quicker.
        ConfigError: classes that the store does not know, or of other ids than can be kept.
    """
    newest = _newest(store)
    base = Base(newest) if base is None else base
    onto = newest if base.overwrite else base.state
    classes, ids = matched_classes(dataset.classes, onto.classes, add_classes=add_classes)
    for text in dataset.notes:
        listener(Note("import", text, "warning"))
    work = _Import(dataset, classes, ids)
    write_blobs(store.place, work.blobs(listener), store.options)
    raise_collected(work.problems)
    changes = changes_to(base.state, base.as_it_was(work.rows), remove_others=replace)
    changes = _moved_onto(onto, changes) if onto is not base.state else changes
    if not changes and onto.classes is not None and classes.content_hash == onto.classes.content_hash:
        return None
    return store.commit(changes, classes, onto, author)


def digests_of(dataset: Dataset, listener: Listener = silent) -> dict[str, str]:
    """Stem -> the digest that importing each frame into a store of the same classes would give.

    Raises:
        DataError: frames that cannot be read, all of them.
    """
    work = _Import(dataset, dataset.classes, {})
    for _ in work.blobs(listener):
        pass
    raise_collected(work.problems)
    return {row.stem: row.digest for row in work.rows}


def _moved_onto(newest: State, changes: list[Change]) -> list[Change]:
    """The same changes, made against what the frames are now; those that are so already fall away."""
    digests = newest.frames.digests
    wanted = [(change, "" if change.row is None else change.row.digest) for change in changes]
    return [
        dataclasses.replace(change, base=digests.get(change.stem, ""))
        for change, digest in wanted
        if digest != digests.get(change.stem, "")
    ]


def _newest(store: Store) -> State:
    log = store.log()
    return log.state(len(log))


def changes_to(base: State, rows: Mapping[str, FrameRow], *, remove_others: bool) -> list[Change]:
    """What turns the frames of `base` into `rows`: new and different ones, and with `remove_others` those not in it."""
    digests = base.frames.digests
    new = rows.digests if isinstance(rows, FrameTable) else {stem: row.digest for stem, row in rows.items()}
    changes = [Change(stem, digests.get(stem, ""), rows[stem]) for stem in rows if new[stem] != digests.get(stem)]
    if remove_others:
        changes += [Change(stem, digests[stem], None) for stem in base.frames if stem not in rows]
    return changes


def image_bytes(frame: Frame) -> tuple[str, bytes, FrameShape]:
    """Suffix, bytes and shape of a frame's picture: the file as it is, else a PNG, or a TIFF where PNG cannot hold it.

    Raises:
        DataError: the picture cannot be read.
    """
    source = frame.image
    data = source.file_bytes()
    if data is not None:
        return PurePosixPath(source.name).suffix.lower(), data, source.shape()
    image, shape = source.read()
    fits_png = image.bands in (GREY, RGB) and image.pixels.dtype.kind == "u"
    media, data = (".png", encode_image(image, ".png")) if fits_png else (".tif", encode_tiff(image))
    return media, data, FrameShape(shape.size)


def matched_classes(
    theirs: ClassTable, ours: ClassTable | None, *, add_classes: bool
) -> tuple[ClassTable, dict[int, int]]:
    """The store's class table, and what each of the dataset's ids is in it; empty where nothing changes.

    Raises:
        ConfigError: names the store does not know without `add_classes`, or more than its ids allow.
    """
    if ours is None or theirs.content_hash == ours.content_hash:
        return theirs, {}
    strangers = [spec for spec in theirs if spec.name not in ours.names]
    if strangers and not add_classes:
        rule, found = "brings classes the store does not know", ", ".join(spec.name for spec in strangers)
        fix = "--add-classes lets the store learn them; to rename: --classes, or `segwright data relabel STORE --map`"
        raise ConfigError.of("import", rule, allowed=ours.describe(), found=found, fix=fix)
    table = ours
    for spec in strangers:
        taken = {*table.ids, table.void_id}
        free = spec.class_id if spec.class_id not in taken else next(n for n in range(65536) if n not in taken)
        added = ClassSpec(free, spec.name, spec.kind, spec.colour)
        table = ClassTable((*table.classes, added), table.void_id, table.background)
    ids = {spec.class_id: table[spec.name].class_id for spec in theirs} | {theirs.void_id: table.void_id}
    return table, {old: new for old, new in ids.items() if old != new}


def restore(store: Store, version: str | int, author: Author) -> Version | None:
    """A new version that equals an old one; None where the newest equals it already. Nothing of the history is lost.

    Raises:
        DataError: no such version.
    """
    wanted, base = store.state(version), _newest(store)
    changes = changes_to(base, wanted.frames, remove_others=True)
    same_classes = wanted.classes is not None and base.classes is not None and wanted.classes == base.classes
    if wanted.classes is None or (not changes and same_classes):
        return None
    return store.commit(changes, wanted.classes, base, author)


def relabel(store: Store, renamings: Mapping[str, str], author: Author, listener: Listener = silent) -> Version | None:
    """A new version in which each class of `renamings` is another: an existing one (merged), `void`, or a new name.

    Raises:
        ConfigError: names that are no class.
        DataError: labels that cannot be read, or another writer was quicker.
    """
    base = _newest(store)
    if base.classes is None:
        raise DataError.of(str(store.place), "has no frames yet", fix="run `segwright import SRC --to STORE` first")
    classes, ids = renamed_classes(base.classes, renamings)
    dataset = store.dataset(base.number)
    work = _Import(dataset, classes, ids)
    write_blobs(store.place, work.blobs(listener), store.options)
    raise_collected(work.problems)
    changes = changes_to(base, {row.stem: row for row in work.rows}, remove_others=False)
    if not changes and classes.content_hash == base.classes.content_hash:
        return None
    return store.commit(changes, classes, base, author)


def renamed_classes(table: ClassTable, renamings: Mapping[str, str]) -> tuple[ClassTable, dict[int, int]]:
    """The class table after renaming and merging, and what each id becomes.

    Raises:
        ConfigError: a name that is no class.
    """
    ids: dict[int, int] = {}
    specs = []
    for spec in table:
        target = renamings.get(spec.name, spec.name)
        if target == "void":
            ids[spec.class_id] = table.void_id
        elif target != spec.name and target in table.names:
            ids[spec.class_id] = table[target].class_id
        else:
            specs.append(ClassSpec(spec.class_id, target, spec.kind, spec.colour))
    for name in renamings:
        _ = table[name]  # raises for a name that is no class
    background = renamings.get(table.background, table.background) if table.background else None
    kept = background if background in {spec.name for spec in specs} else None
    return ClassTable(tuple(specs), table.void_id, kept), ids
