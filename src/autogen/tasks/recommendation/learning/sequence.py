"""Training the sequential model: every event of every history is predicted from the events before it."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from autogen.progress import TrainingProgress
from autogen.tasks.recommendation.interactions import Interactions
from autogen.tasks.recommendation.learning.sequential import SequentialModel, SequentialModelSizes
from autogen.tasks.recommendation.model import SEQUENCE_TRENDS, sequence_inputs
from autogen.tasks.recommendation.trend import HALF_LIVES, LITTLE, Floats, Histories, Query, Replay, log_trend

MOST_MOMENTS = 256  # at which what trends is known while training: a moment's trend serves until the next
TREND_VALUES = 64_000_000  # numbers, of all moments together: fewer moments for larger catalogues
FULL = 4_000  # items up to which the softmax is over all of them
SAMPLED = 1024  # items beside those of the batch, where it is not
NEW = 0.1  # share of the items that a batch takes for new: their text alone, chosen by nobody yet
NOBODY = float(np.log(LITTLE))  # what trends of an item that nobody chose
NO_TARGET = -1
CHUNK = 1024  # events whose logits are in memory at once


@dataclass(frozen=True)
class SequenceSettings:
    epochs: int | None  # None: as many as `steps` takes
    steps: int
    learning_rate: float
    batch_size: int
    bf16: bool
    seed: int


class Trends:
    """What trended at some moments, as the training events see it: never later than themselves."""

    def __init__(self, events: Interactions, items: int) -> None:
        count = max(1, min(MOST_MOMENTS, len(events), TREND_VALUES // (items * len(SEQUENCE_TRENDS))))
        self.moments = np.unique(events.time[np.linspace(0, len(events) - 1, count).astype(int)])
        replay = Replay(events, items, [HALF_LIVES[at] for at in SEQUENCE_TRENDS])
        counted = np.stack([log_trend(replay.before(moment)) for moment in self.moments], axis=1)
        self.values = torch.from_numpy(counted)  # (trends, moments, items)

    def at(self, times: NDArray[np.float64]) -> NDArray[np.int64]:
        """The number of the last moment that is no later than each time."""
        return np.maximum(np.searchsorted(self.moments, times, side="right") - 1, 0)


@dataclass(frozen=True)
class HistoryWindow:
    """One history, cut to what the model reads: at each step what was done, the gap to the next event, that event."""

    items: NDArray[np.int64]
    gaps: NDArray[np.int64]
    targets: NDArray[np.int64]
    moments: NDArray[np.int64]


class WindowDataset(Sequence[HistoryWindow]):
    """Histories in windows, each beginning with the half of the one before, so that every event is a target once, with
    events before it. A window is made when it is read: 12 bytes each until then."""

    def __init__(self, events: Interactions, sizes: SequentialModelSizes, trends: Trends) -> None:
        self._histories, self._sizes, self._trends = Histories(events), sizes, trends
        spans = array("i")
        for start, stop in self._histories.spans():
            new, end = start, start + sizes.length  # the first event that is no target yet
            while new < stop:
                spans.extend((max(start, end - sizes.length), min(end, stop), new))
                new, end = end, end + sizes.length // 2
        self._spans = np.array(spans, np.int32).reshape(-1, 3)

    def __len__(self) -> int:
        return len(self._spans)

    @property
    def lengths(self) -> NDArray[np.int32]:
        return self._spans[:, 1] - self._spans[:, 0]

    @overload
    def __getitem__(self, at: int) -> HistoryWindow: ...
    @overload
    def __getitem__(self, at: slice) -> list[HistoryWindow]: ...
    def __getitem__(self, at: int | slice) -> HistoryWindow | list[HistoryWindow]:
        if isinstance(at, slice):
            return [self[index] for index in range(*at.indices(len(self)))]
        first, end, new = self._spans[at]
        items, times = self._histories.items[first:end], self._histories.times[first:end]
        query = Query(items[:-1], times[:-1], float(times[-1]))
        inputs, gaps = sequence_inputs(query, self._sizes.length, self._sizes.items)
        targets = items.astype(np.int64)
        targets[: new - first] = NO_TARGET
        return HistoryWindow(inputs, gaps, targets, self._trends.at(times))


def train_sequence(
    model: SequentialModel, events: Interactions, settings: SequenceSettings, progress: TrainingProgress, stage: str
) -> None:
    """Fit the model to the events, in place."""
    trends, frequencies = Trends(events, model.sizes.items), item_frequencies(events, model.sizes.items)
    windows = WindowDataset(events, model.sizes, trends)
    chance = np.random.default_rng(settings.seed)
    torch.manual_seed(settings.seed)
    steps_per_epoch = -(-len(windows) // settings.batch_size)
    epochs = settings.epochs or -(-settings.steps // steps_per_epoch)
    optimisers, schedules = _optimisers(model, settings.learning_rate, epochs * steps_per_epoch)
    progress.start(stage, epochs * len(windows))
    model.train()
    for _ in range(epochs):
        for batch in batches(windows, settings.batch_size, chance):
            loss = batch_loss(model, batch, trends, frequencies, settings, chance)
            model.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_([p for p in model.parameters() if p.grad is None or not p.grad.is_sparse], 5.0)
            for optimiser in optimisers:
                optimiser.step()
            for schedule in schedules:
                schedule.step()
            progress.advance(len(batch), note=f"loss {loss.item():.2f}")
    if model.from_text is not None:
        with torch.no_grad():  # decay has left something of where they began
            model.own.weight[:-1][frequencies.share == 0] = 0
    model.eval()


def _optimisers(
    model: SequentialModel, rate: float, steps: int
) -> tuple[list[torch.optim.Optimizer], list[torch.optim.lr_scheduler.LRScheduler]]:
    """AdamW, and for the vectors of a large catalogue one that touches only those of a step, without decay."""
    sparse = [model.own.weight] if model.own.sparse else []
    dense = [parameter for parameter in model.parameters() if not any(parameter is other for other in sparse)]
    optimisers: list[torch.optim.Optimizer] = [torch.optim.AdamW(dense, lr=rate, weight_decay=0.01)]
    if sparse:
        optimisers.append(torch.optim.SparseAdam(sparse, lr=rate))
    schedules: list[torch.optim.lr_scheduler.LRScheduler] = [
        torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps + 1, pct_start=0.1, cycle_momentum=False)
        for optimiser in optimisers
    ]
    return optimisers, schedules


@dataclass(frozen=True)
class ItemFrequencies:
    """`share`: float32 (items,), of all events. `places`: of the items that anyone chose; the others are never offered
    while training, or the model would learn that what is new is not wanted."""

    share: NDArray[np.float32]
    places: NDArray[np.int64]


def item_frequencies(events: Interactions, items: int) -> ItemFrequencies:
    counts = np.bincount(events.item, minlength=items)
    return ItemFrequencies((counts / max(len(events), 1)).astype(np.float32), np.flatnonzero(counts))


def batches(windows: WindowDataset, size: int, chance: np.random.Generator) -> Iterator[list[HistoryWindow]]:
    """Windows of like length together, in random order."""
    order = chance.permutation(len(windows))
    order = order[np.argsort(windows.lengths[order], kind="stable")]
    pieces = [order[at : at + size] for at in range(0, len(order), size)]
    for piece in chance.permutation(len(pieces)):
        yield [windows[int(at)] for at in pieces[piece]]


def batch_loss(
    model: SequentialModel,
    batch: Sequence[HistoryWindow],
    trends: Trends,
    frequencies: ItemFrequencies,
    settings: SequenceSettings,
    chance: np.random.Generator,
) -> Tensor:
    """Mean cross-entropy of the targets."""
    longest = max(len(window.items) for window in batch)
    items, gaps, targets, moments = (np.full((len(batch), longest), fill) for fill in (0, 0, NO_TARGET, 0))
    for row, window in enumerate(batch):
        steps = slice(0, len(window.items))
        items[row, steps], gaps[row, steps], moments[row, steps] = window.items, window.gaps, window.moments
        targets[row, steps] = window.targets
    has_target = torch.from_numpy(targets != NO_TARGET)
    target, when = torch.from_numpy(targets)[has_target], torch.from_numpy(moments)[has_target]
    offer = _offered_items(target, frequencies, chance)
    rows = torch.unique(torch.cat([torch.from_numpy(items).flatten(), offer.items]))
    known = _known(model, len(rows), chance)
    with torch.autocast("cpu", torch.bfloat16, enabled=settings.bf16):
        vectors = model.vectors(rows, known)
        places = torch.searchsorted(rows, torch.from_numpy(items))
        states = model(places, torch.from_numpy(gaps), vectors)[has_target]
        at = torch.searchsorted(rows, offer.items)
        is_new = None if known is None else known[at, 0] == 0
        bias, item_trends = _offered_columns(model, trends, offer, is_new)
        total = states.new_zeros((), dtype=torch.float32)
        for start in range(0, len(states), CHUNK):
            chunk = slice(start, start + CHUNK)
            logits = (states[chunk] @ vectors[at].T).float() + bias
            # rows gathered without a gradient of their own
            for weight, trend in zip(model.trend, item_trends, strict=True):
                logits = logits + weight * trend[when[chunk]]
            logits = logits - offer.correction
            target_at = torch.searchsorted(offer.items, target[chunk])  # every target is offered
            total = total + nn.functional.cross_entropy(logits, target_at, reduction="sum")
    mean: Tensor = total / max(len(states), 1)
    return mean


def _offered_columns(
    model: SequentialModel, trends: Trends, offer: _Offer, is_new: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Bias (offered,) and trends (trends, moments, offered) of the items offered; of new ones, what an item has that
    nobody chose."""
    bias = model.bias[offer.items]
    item_trends = trends.values if len(offer.items) == model.sizes.items else trends.values[:, :, offer.items]
    if is_new is None:
        return bias, item_trends
    return bias.masked_fill(is_new, 0.0), item_trends.masked_fill(is_new, NOBODY)


def _known(model: SequentialModel, rows: int, chance: np.random.Generator) -> Tensor | None:
    """Which items a batch knows, (rows, 1): the others it takes for new, so that their text learns to stand for them
    (DropoutNet, Volkovs et al. 2017); the last row opens histories. None where items have no texts."""
    if model.from_text is None:
        return None
    known = chance.random(rows) >= NEW
    known[-1] = True
    return torch.from_numpy(known.astype(np.float32))[:, None]


@dataclass(frozen=True)
class _Offer:
    """The items of a softmax, in order, and what is taken from their logits because of how they were drawn."""

    items: Tensor
    correction: Tensor


def _offered_items(target: Tensor, frequencies: ItemFrequencies, chance: np.random.Generator) -> _Offer:
    """All items that were chosen or, of too many, the batch's own and others by chance, with the logarithm of how often
    each is expected among them (Bengio & Senécal 2008)."""
    chosen = frequencies.places
    if len(chosen) <= FULL:
        return _Offer(torch.from_numpy(chosen), torch.zeros(len(chosen)))
    target_items = target.numpy()
    sample = chosen[chance.integers(0, len(chosen), SAMPLED)]
    places = np.unique(np.concatenate([target_items, sample]))
    expected = np.minimum(1.0, frequencies.share[places] * len(target_items) + SAMPLED / len(chosen))
    return _Offer(torch.from_numpy(places), torch.from_numpy(np.log(expected).astype(np.float32)))


def query_state(model: SequentialModel, query: Query) -> Floats:
    """The model's state after a history, (width,), without a graph: what the export must agree with."""
    items, gaps = sequence_inputs(query, model.sizes.length, model.sizes.items)
    with torch.no_grad():
        state: Floats = model(torch.from_numpy(items)[None], torch.from_numpy(gaps)[None])[0, -1].numpy()
    return state
