"""Exploration: answers in which chance has a hand, the chance of everything that is shown being known exactly.

The scheme is ε-greedy, slot by slot (Sutton & Barto 2018, section 2.2, for lists without repetition): of a pool of
items in order of merit, each slot shows the best that is left or, by chance, any that is left, each as likely. What a
rule forbids is not in the pool. Of all slots the share ε is left to chance: half of them as whole answers, so that
every item has in every slot a chance of at least ε / (2 · pool), which bounds the weights of off-policy estimates (a
defensive mixture: Hesterberg 1995); the other half one by one, among the best.

It was preferred to a softmax over scores (Plackett-Luce) because scores of queries, boosts and variety have no common
scale, and because its chances are known without sampling or integration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

POOL = 20  # items among which chance chooses, or twice as many as are shown

Chances = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Exploration:
    """What chance had to do with an answer: `propensities`, the chance (0–1) that each item had of standing in its
    place; `request`: what the skill was asked for, as JSON, so that another version can be asked the same.

    It is the log of such an answer. No part of it is handed out: nobody who is shown items has a use for it, and it
    names the user and the history that were asked for.
    """

    propensities: tuple[float, ...]
    request: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {"propensities": self.propensities, "asked": self.request}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Exploration:
        """Raises KeyError where it is the log of something else."""
        return cls(tuple(values["propensities"]), dict(values["asked"]))


def pool_size(count: int) -> int:
    return max(POOL, 2 * count)


def draw_places(
    places: Sequence[int], count: int, exploration: float, chance: np.random.Generator
) -> tuple[list[int], tuple[float, ...]]:
    """Of places in order of merit, those to show, the first slot's first, and the propensity of each in its slot."""
    pool = min(len(places), pool_size(count))
    ranks = draw(pool, count, exploration, chance)
    chances = propensities(pool, count, exploration)
    return [places[rank] for rank in ranks], tuple(float(chances[rank, slot]) for slot, rank in enumerate(ranks))


def draw(pool: int, count: int, exploration: float, chance: np.random.Generator) -> list[int]:
    """Ranks (0: the best of the pool) to show, the first slot's first; as many as there are, at most `count`.

    `exploration`: the share of slots that is left to chance, 0–1."""
    slot_by_slot = exploration / (2 - exploration)
    by_slot = 1.0 if chance.random() < exploration / 2 else slot_by_slot
    left = list(range(pool))
    shown = []
    for _ in range(min(count, pool)):
        lot = int(chance.integers(len(left))) if chance.random() < by_slot else 0
        shown.append(left.pop(lot))
    return shown


@lru_cache(maxsize=256)
def propensities(pool: int, count: int, exploration: float) -> Chances:
    """The chance (0–1) that `draw` shows each rank in each slot, (pool, slots); exact. Not to be written into."""
    whole, slot_by_slot = exploration / 2, exploration / (2 - exploration)
    chances = whole / max(pool, 1) + (1 - whole) * _greedy(pool, count, slot_by_slot)
    chances.flags.writeable = False
    return chances


def _greedy(pool: int, count: int, exploration: float) -> Chances:
    """The chances where each slot is left to chance on its own.

    Followed from slot to slot is the first rank that is left, for all before it are taken; of those behind it as many
    are taken as slots are filled otherwise, and by symmetry any of them is as likely to be.
    """
    slots = min(count, pool)
    chances = np.zeros((pool, slots))
    first = np.zeros(pool + 1)  # chance of each rank to be the first that is left
    first[0] = 1.0
    for slot in range(slots):
        next_first = np.zeros(pool + 1)
        lot = exploration / (pool - slot)  # of any one item that is left, by chance alone
        for rank in map(int, np.flatnonzero(first[: slot + 1])):
            behind, taken_count = pool - rank - 1, slot - rank
            by_chance = lot * (behind - taken_count)  # that any of those behind is shown
            chances[rank, slot] += first[rank] * (1 - by_chance)
            chances[rank + 1 :, slot] += first[rank] * by_chance / max(behind, 1)
            next_first[rank] += first[rank] * by_chance
            next_first += first[rank] * (1 - by_chance) * _next_left(pool, rank, taken_count)
        first = next_first
    return chances


def _next_left(pool: int, rank: int, taken_count: int) -> Chances:
    """When `rank` is taken: the chance of each rank behind it to be the first left, `taken_count` of them being
    taken, any as likely; (pool + 1,), the last of them for none."""
    chances = np.zeros(pool + 1)
    chance_all_taken = 1.0  # those between `rank` and the one looked at
    for passed in range(taken_count + 1):
        behind = pool - rank - 1 - passed
        share = (taken_count - passed) / behind if behind else 0.0
        chances[rank + 1 + passed] = chance_all_taken * (1 - share)
        chance_all_taken *= share
    return chances
