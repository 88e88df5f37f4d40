"""Everything rules judge by: the dataset and its frames' facts, the split, what the project file and a model say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from segwright.core import Image, Listener, Probabilities, silent
from segwright.data.checks.facts import FrameFacts
from segwright.data.checks.label_facts import LabelFacts
from segwright.data.checks.near import NearPair, duplicates_across, duplicates_within, larger_of
from segwright.data.checks.near.pairs import Larger
from segwright.data.dataset import Dataset
from segwright.data.split import Split


@dataclass(frozen=True)
class ProjectFacts:
    """What rules ask of a project file: the network and its encoder, and the column that groups frames."""

    network: str
    encoder: str
    split_by: str | None = None


@dataclass(frozen=True)
class Evidence:
    """The input of every rule. What takes long (duplicates) is found when the first rule asks for it, and once.

    `predict` gives a frame's class probabilities; None where no model was named. `source` is what the user named as
    data: a folder, an annotation file or a project file.
    """

    dataset: Dataset
    facts: tuple[FrameFacts, ...] = ()
    split: Split | None = None
    project: ProjectFacts | None = None
    predict: Callable[[Image], Probabilities] | None = None
    listener: Listener = silent
    source: str = ""

    @property
    def data(self) -> str:
        """What to type for the data in a next command: what the user named, else the dataset's own place."""
        return self.source or str(self.dataset.root)

    @cached_property
    def part_of(self) -> dict[str, str]:
        """Stem -> the part of the split it is in; empty without a split."""
        return {} if self.split is None else {stem: part for part, stems in self.split.parts.items() for stem in stems}

    @cached_property
    def labelled(self) -> tuple[tuple[FrameFacts, LabelFacts], ...]:
        """The frames whose labels could be read, with what is known of them."""
        return tuple((facts, facts.labels) for facts in self.facts if facts.labels is not None)

    def in_part(self, part: str) -> Iterator[tuple[FrameFacts, LabelFacts]]:
        """The labelled frames of one part of the split."""
        return ((facts, labels) for facts, labels in self.labelled if self.part_of.get(facts.stem) == part)

    @cached_property
    def duplicates_across(self) -> list[tuple[FrameFacts, FrameFacts, NearPair]]:
        """Frames in different parts of the split that show the same picture."""
        facts = [row for row in self.facts if row.stem in self.part_of]
        parts = sorted(set(self.part_of.values()))
        sides = [parts.index(self.part_of[row.stem]) for row in facts]
        pictures, digests = [row.picture for row in facts], [row.image_digest for row in facts]
        pairs = duplicates_across(pictures, digests, sides, self._larger(facts), self.listener)
        return [(facts[pair.first], facts[pair.second], pair) for pair in pairs]

    @cached_property
    def duplicates_within(self) -> list[tuple[FrameFacts, FrameFacts, NearPair]]:
        """Frames anywhere in the dataset that show the same picture to its full extent."""
        pictures, digests = [row.picture for row in self.facts], [row.image_digest for row in self.facts]
        pairs = duplicates_within(pictures, digests, self._larger(self.facts), self.listener)
        return [(self.facts[pair.first], self.facts[pair.second], pair) for pair in pairs]

    def _larger(self, facts: Sequence[FrameFacts]) -> Larger:
        """Larger pictures of a pair: the few frames that nearly are duplicates are decoded again."""
        frames = [self.dataset.frame(row.stem) for row in facts]
        return larger_of(
            lambda number: self.dataset.read_image(frames[number]), lambda number: frames[number].image.shape().size
        )

    def file(self) -> str:
        """The dataset's own place, for findings about all of it."""
        return str(self.dataset.root)
