"""Placing groups of very different sizes so that each part comes near its share of everything they hold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_PASSES = 20
_SWAPS = 2000
_STARTS = 4
_FEW_GROUPS = 2000  # above it one start is as even as four
_EMPTY_CLASS = 0.5  # what a part without a class costs, against at most 1 for a part that is all wrong
_NOTHING = 1e-12


def balanced(amounts: npt.NDArray, shares: npt.NDArray, rng: np.random.Generator) -> list[int]:
    """The part number of each group; no part stays empty while there are as many groups as parts.

    `amounts` (groups resources) is what each group holds: pixels of each class, frames. `shares` (parts) sum to 1.
    Groups are placed largest first where they are missed most, then moved and exchanged while the sum over parts and
    resources of (held - share)^2 / share falls, plus a price for every part without a resource. The best of a few
    starts is taken; the same generator gives the same answer.
    """
    if not len(shares) or not len(amounts):
        return []
    present = amounts[:, amounts.sum(axis=0) > 0].astype(np.float64)
    resources = present / present.sum(axis=0)
    best: _Division | None = None
    for _ in range(_STARTS if len(amounts) <= _FEW_GROUPS and len(shares) > 1 else 1):
        division = _Division(resources, shares)
        division.fill(rng)
        best = division if best is None or division.cost() < best.cost() - _NOTHING else best
    return [] if best is None else best.part_of.tolist()


class _Division:
    """Groups in parts, and what each part holds: the shares of all resources, one row a part."""

    def __init__(self, resources: npt.NDArray, shares: npt.NDArray) -> None:
        self.resources, self.shares = resources, shares[:, None]
        self.held = np.zeros((len(shares), resources.shape[1]))
        self.part_of = np.full(len(resources), -1)
        self.sizes = np.zeros(len(shares), int)

    def fill(self, rng: np.random.Generator) -> None:
        largest = self.resources.max(axis=1) if self.resources.shape[1] else np.ones(len(self.resources))
        order = np.argsort(-largest * rng.uniform(0.8, 1.25, len(largest)), kind="stable")
        for group in order:
            self.place(int(group), int(np.argmin(self.costs_of(int(group)))))
        self.fill_empty_parts()
        self.improve(order, rng)

    def cost(self) -> float:
        return float(self.price(self.held, self.shares).sum())

    def price(self, held: npt.NDArray, shares: npt.NDArray) -> npt.NDArray:
        """What each row costs: how far it is from its share, and each resource it lacks."""
        return ((held - shares) ** 2 / shares).sum(axis=1) + _EMPTY_CLASS * np.count_nonzero(held < _NOTHING, axis=1)

    def costs_of(self, group: int) -> npt.NDArray:
        """For each part, the change of the cost if the group, taken out of where it is, lay there."""
        held = self.held
        here = self.part_of[group]
        if here >= 0:
            held = held.copy()
            held[here] -= self.resources[group]
        return self.price(held + self.resources[group], self.shares) - self.price(held, self.shares)

    def place(self, group: int, part: int) -> None:
        here = self.part_of[group]
        if here >= 0:
            self.held[here] -= self.resources[group]
            self.sizes[here] -= 1
        self.held[part] += self.resources[group]
        self.sizes[part] += 1
        self.part_of[group] = part

    def fill_empty_parts(self) -> None:
        for part in np.flatnonzero(self.sizes == 0):
            movable = np.flatnonzero(self.sizes[self.part_of] > 1)
            if len(movable):
                costs = [self.costs_of(int(group)) for group in movable]
                gains = [cost[part] - cost[self.part_of[group]] for cost, group in zip(costs, movable, strict=True)]
                self.place(int(movable[int(np.argmin(gains))]), int(part))

    def improve(self, order: npt.NDArray, rng: np.random.Generator) -> None:
        """Move single groups, then exchange pairs, as long as the cost falls."""
        for _ in range(_PASSES):
            moves = [self.moved(int(group)) for group in order]
            if not any(moves):
                break
        for first, second in rng.integers(len(order), size=(min(_SWAPS, len(order) ** 2), 2)):
            self.exchanged(int(first), int(second))

    def moved(self, group: int) -> bool:
        here = int(self.part_of[group])
        if self.sizes[here] == 1:
            return False
        costs = self.costs_of(group)
        best = int(np.argmin(costs))
        if costs[best] >= costs[here] - _NOTHING:
            return False
        self.place(group, best)
        return True

    def exchanged(self, first: int, second: int) -> None:
        one, other = int(self.part_of[first]), int(self.part_of[second])
        if one == other:
            return
        rows = [one, other]
        difference = self.resources[second] - self.resources[first]
        after = self.held[rows] + np.stack([difference, -difference])
        shares = self.shares[rows]
        if self.price(after, shares).sum() < self.price(self.held[rows], shares).sum() - _NOTHING:
            self.place(first, other)
            self.place(second, one)
