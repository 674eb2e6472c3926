"""Choosing which readings answer, and learning how to mix them, on events that the readings have not learnt from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from autogen.progress import TrainingProgress
from autogen.tasks.recommendation.interactions import Interactions, Places
from autogen.tasks.recommendation.learning.sequential import Mixer
from autogen.tasks.recommendation.model import Mix, Recommender
from autogen.tasks.recommendation.trend import CONTEXT, RECENT, Floats, Replay, context_of, log_trend, top

BEST = 128  # items of each reading among those that the mixer learns to order
BY_CHANCE = 256  # others
EPOCHS, BATCH, RATE = 12, 64, 0.01
SEEN = -1e4  # added to the score of what the user had already
TREND, LINEAR, SEQUENCE = "trend", "linear", "sequence"


@dataclass(frozen=True)
class Asked:
    """Queries whose answer is known, each with the items to be ordered: `readings` (queries, items, readings),
    `context` (queries, CONTEXT), `offset` (queries, items) of their scores, `target` (queries,): a place among them."""

    readings: Tensor
    context: Tensor
    offset: Tensor
    target: Tensor

    def at(self, places: NDArray[np.int64]) -> Asked:
        rows = torch.from_numpy(places)
        return Asked(self.readings[rows], self.context[rows], self.offset[rows], self.target[rows])

    def without_last(self) -> Asked:
        """The same queries without what the last of the readings says."""
        return replace(self, readings=self.readings[:, :, :-1])

    def __len__(self) -> int:
        return len(self.target)


def ask(
    recommender: Recommender, all_events: Interactions, held: NDArray[np.int64], seed: int, progress: TrainingProgress
) -> Asked:
    """Every held event as a query to a recommender that has not learnt from it; what trends counts all that was."""
    chance = np.random.default_rng(seed)
    histories, replay = recommender.histories, Replay(all_events, recommender.card.items)
    items = recommender.card.items
    size = min(items, 1 + BEST * 3 + BY_CHANCE)
    parts: list[tuple[Floats, Floats, Floats]] = []
    progress.start("mix", len(held))
    for event in held:
        user, item, now = int(all_events.user[event]), int(all_events.item[event]), float(all_events.time[event])
        query, counts = histories.query(user, now), replay.before(now)
        readings = recommender.readings(query, counts)
        seen = histories.all_of(user)[0]
        places, offset = _candidates(readings, item, seen[seen != item], size, chance)
        parts.append((readings[places], context_of(query, log_trend(counts[:, query.items[-RECENT:]])), offset))
        progress.advance(1)
    columns = [torch.from_numpy(np.stack(column)) for column in zip(*parts, strict=True)]
    return Asked(columns[0], columns[1], columns[2], torch.zeros(len(held), dtype=torch.int64))


def _candidates(
    readings: Floats, item: int, seen: Places, size: int, chance: np.random.Generator
) -> tuple[NDArray[np.int64], Floats]:
    """The item itself first, the best by each reading, others by chance: these stand for all others, by the
    logarithm of how many each stands for."""
    columns = {1, *range(6, readings.shape[1])}
    best = np.unique(np.concatenate([top(readings[:, column], BEST, seen) for column in sorted(columns)]))
    best = best[best != item]
    others = np.setdiff1d(chance.integers(0, len(readings), 2 * size), [*best, item])
    others = chance.permutation(others)[: size - 1 - len(best)]
    filler = np.full(size - 1 - len(best) - len(others), item)
    stands_for = np.log(max(1.0, (len(readings) - 1 - len(best)) / max(len(others), 1)))
    places = np.concatenate([[item], best, others, filler])
    offset = np.zeros(size, np.float32)
    offset[1 + len(best) : 1 + len(best) + len(others)] = stands_for
    offset[size - len(filler) :] = SEEN
    offset[1:][np.isin(places[1:], seen)] = SEEN
    return places, offset


def fit_mixer(asked: Asked, columns: Sequence[int], seed: int) -> Mixer:
    """Softmax over each query's items. Readings that are not in `columns` have no say."""
    torch.manual_seed(seed)
    mixer = Mixer(asked.readings.shape[2], CONTEXT)
    silent = torch.ones(asked.readings.shape[2], dtype=torch.bool)
    silent[list(columns)] = False
    with torch.no_grad():
        mixer.weigh.weight.zero_()
        mixer.weigh.bias.fill_(0.5)
        mixer.of_item.weight[:, silent] = 0
        mixer.weigh.bias[silent] = 0
    optimiser = torch.optim.AdamW(mixer.parameters(), lr=RATE, weight_decay=0.01)
    steps = EPOCHS * -(-len(asked) // BATCH)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, total_iters=steps)
    chance = np.random.default_rng(seed)
    for _ in range(EPOCHS):
        order = chance.permutation(len(asked))
        for start in range(0, len(order), BATCH):
            part = asked.at(order[start : start + BATCH])
            scores = mixer(part.readings * ~silent, part.context) + part.offset
            optimiser.zero_grad()
            torch.autograd.backward(nn.functional.cross_entropy(scores, part.target))
            optimiser.step()
            schedule.step()
    with torch.no_grad():
        mixer.of_item.weight[:, silent] = 0
        mixer.weigh.weight[silent] = 0
        mixer.weigh.bias[silent] = 0
    return mixer


def heard_by(mix: Mix) -> list[int]:
    """The columns of the readings that have a say."""
    weighed = (mix.of_item, mix.weigh.T, mix.weigh_bias[None])
    heard: NDArray[np.bool_] = np.any([(weights != 0).any(axis=0) for weights in weighed], axis=0)
    return [int(column) for column in np.flatnonzero(heard)]


def gain(mixer: Mixer, asked: Asked) -> Floats:
    """NDCG@10 of each query, among its items."""
    with torch.no_grad():
        scores = mixer(asked.readings, asked.context)
    scores = torch.where(asked.offset > SEEN / 2, scores, torch.full_like(scores, SEEN))
    rank = (scores[:, 1:] >= scores[:, :1]).sum(1).numpy()
    return np.where(rank < 10, 1 / np.log2(rank + 2), 0).astype(np.float32)


def columns_of(names: Sequence[str], trends: int, present: Sequence[str]) -> list[int]:
    """The columns of `Recommender.readings` that belong to the readings named."""
    columns = [*range(trends)] if TREND in names else []
    return columns + [trends + at for at, name in enumerate(present) if name in names]


def compare_mixes(asked: Asked, choices: Mapping[str, Sequence[int]], seed: int) -> dict[str, Floats]:
    """NDCG@10 of each query under each choice of readings, the mixer fitted to the other half of the queries."""
    order = np.random.default_rng(seed).permutation(len(asked))
    halves = order[::2], order[1::2]
    found = {}
    for name, columns in choices.items():
        gains = np.zeros(len(asked), np.float32)
        for mine, other in (halves, halves[::-1]):
            gains[mine] = gain(fit_mixer(asked.at(other), columns, seed), asked.at(mine))
        found[name] = gains
    return found


def as_mix(mixer: Mixer) -> Mix:
    state = {name: tensor.detach().numpy() for name, tensor in mixer.state_dict().items()}
    return Mix(
        state["of_item.weight"],
        state["of_item.bias"],
        state["of_context.weight"],
        state["out.weight"],
        state["weigh.weight"],
        state["weigh.bias"],
    )
