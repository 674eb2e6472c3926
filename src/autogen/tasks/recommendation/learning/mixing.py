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
class RankingQueries:
    """Queries whose answer is known, each with the items to be ordered: `readings` (queries, items, readings),
    `context` (queries, CONTEXT), `offset` (queries, items) of their scores, `target` (queries,): a place among them."""

    readings: Tensor
    context: Tensor
    offset: Tensor
    target: Tensor

    def at(self, places: NDArray[np.int64]) -> RankingQueries:
        rows = torch.from_numpy(places)
        return RankingQueries(self.readings[rows], self.context[rows], self.offset[rows], self.target[rows])

    def without_last(self) -> RankingQueries:
        """The same queries without what the last of the readings says."""
        return replace(self, readings=self.readings[:, :, :-1])

    def __len__(self) -> int:
        return len(self.target)


def build_queries(
    recommender: Recommender, all_events: Interactions, places: NDArray[np.int64], seed: int, progress: TrainingProgress
) -> RankingQueries:
    """The events at these places as queries to a recommender that has not learnt from them; what trends counts all
    that was."""
    chance = np.random.default_rng(seed)
    histories, replay = recommender.histories, Replay(all_events, recommender.card.items)
    items = recommender.card.items
    size = min(items, 1 + BEST * 3 + BY_CHANCE)
    rows: list[tuple[Floats, Floats, Floats]] = []
    progress.start("mix", len(places))
    for event in places:
        user, item, now = int(all_events.user[event]), int(all_events.item[event]), float(all_events.time[event])
        query, counts = histories.query(user, now), replay.before(now)
        readings = recommender.readings(query, counts)
        had = histories.all_of(user)[0]
        candidates, offset = _candidates(readings, item, had[had != item], size, chance)
        rows.append((readings[candidates], context_of(query, log_trend(counts[:, query.items[-RECENT:]])), offset))
        progress.advance(1)
    columns = [torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True)]
    return RankingQueries(columns[0], columns[1], columns[2], torch.zeros(len(places), dtype=torch.int64))


def _candidates(
    readings: Floats, item: int, had: Places, size: int, chance: np.random.Generator
) -> tuple[NDArray[np.int64], Floats]:
    """The item itself first, the best by each reading, others by chance: these stand for all others, by the
    logarithm of how many each stands for."""
    columns = {1, *range(6, readings.shape[1])}
    best = np.unique(np.concatenate([top(readings[:, column], BEST, had) for column in sorted(columns)]))
    best = best[best != item]
    others = np.setdiff1d(chance.integers(0, len(readings), 2 * size), [*best, item])
    others = chance.permutation(others)[: size - 1 - len(best)]
    filler = np.full(size - 1 - len(best) - len(others), item)
    stands_for = np.log(max(1.0, (len(readings) - 1 - len(best)) / max(len(others), 1)))
    places = np.concatenate([[item], best, others, filler])
    offset = np.zeros(size, np.float32)
    offset[1 + len(best) : 1 + len(best) + len(others)] = stands_for
    offset[size - len(filler) :] = SEEN
    offset[1:][np.isin(places[1:], had)] = SEEN
    return places, offset


def fit_mixer(queries: RankingQueries, columns: Sequence[int], seed: int) -> Mixer:
    """Softmax over each query's items. Readings that are not in `columns` have no say."""
    torch.manual_seed(seed)
    mixer = Mixer(queries.readings.shape[2], CONTEXT)
    silent = torch.ones(queries.readings.shape[2], dtype=torch.bool)
    silent[list(columns)] = False
    with torch.no_grad():
        mixer.weigh.weight.zero_()
        mixer.weigh.bias.fill_(0.5)
        mixer.of_item.weight[:, silent] = 0
        mixer.weigh.bias[silent] = 0
    optimiser = torch.optim.AdamW(mixer.parameters(), lr=RATE, weight_decay=0.01)
    steps = EPOCHS * -(-len(queries) // BATCH)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, total_iters=steps)
    chance = np.random.default_rng(seed)
    for _ in range(EPOCHS):
        order = chance.permutation(len(queries))
        for start in range(0, len(order), BATCH):
            batch = queries.at(order[start : start + BATCH])
            scores = mixer(batch.readings * ~silent, batch.context) + batch.offset
            optimiser.zero_grad()
            torch.autograd.backward(nn.functional.cross_entropy(scores, batch.target))
            optimiser.step()
            schedule.step()
    with torch.no_grad():
        mixer.of_item.weight[:, silent] = 0
        mixer.weigh.weight[silent] = 0
        mixer.weigh.bias[silent] = 0
    return mixer


def columns_used(mix: Mix) -> list[int]:
    """The columns of the readings whose weights are not all zero."""
    layers = (mix.of_item, mix.weigh.T, mix.weigh_bias[None])
    is_used: NDArray[np.bool_] = np.any([(weights != 0).any(axis=0) for weights in layers], axis=0)
    return [int(column) for column in np.flatnonzero(is_used)]


def ndcg_of_queries(mixer: Mixer, queries: RankingQueries) -> Floats:
    """NDCG@10 of each query, among its items."""
    with torch.no_grad():
        scores = mixer(queries.readings, queries.context)
    scores = torch.where(queries.offset > SEEN / 2, scores, torch.full_like(scores, SEEN))
    rank = (scores[:, 1:] >= scores[:, :1]).sum(1).numpy()
    return np.where(rank < 10, 1 / np.log2(rank + 2), 0).astype(np.float32)


def columns_of(names: Sequence[str], trends: int, present: Sequence[str]) -> list[int]:
    """The columns of `Recommender.readings` that belong to the readings named."""
    columns = [*range(trends)] if TREND in names else []
    return columns + [trends + at for at, name in enumerate(present) if name in names]


def compare_mixes(queries: RankingQueries, choices: Mapping[str, Sequence[int]], seed: int) -> dict[str, Floats]:
    """NDCG@10 of each query under each choice of readings, the mixer fitted to the other half of the queries."""
    order = np.random.default_rng(seed).permutation(len(queries))
    parts = order[::2], order[1::2]
    gains_by_name = {}
    for name, columns in choices.items():
        gains = np.zeros(len(queries), np.float32)
        for eval_at, fit_at in (parts, parts[::-1]):
            gains[eval_at] = ndcg_of_queries(fit_mixer(queries.at(fit_at), columns, seed), queries.at(eval_at))
        gains_by_name[name] = gains
    return gains_by_name


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
