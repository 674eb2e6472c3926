"""From events and items to a tuned recommender in a folder: fit each reading without the last events of users, learn on
those which readings answer and how they mix, fit again on everything, export, prove."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from autogen.config.training import TrainingSettings
from autogen.errors import ParityError, TrainingFailed
from autogen.progress import TrainingProgress
from autogen.runtime.session import ExportedModel
from autogen.tasks.recommendation.interactions import Interactions
from autogen.tasks.recommendation.learning.export import export_sequence
from autogen.tasks.recommendation.learning.linear import MOST_ITEMS, fit_linear
from autogen.tasks.recommendation.learning.mixing import (
    LINEAR,
    SEQUENCE,
    TREND,
    as_mix,
    build_queries,
    columns_of,
    columns_used,
    compare_mixes,
    fit_mixer,
)
from autogen.tasks.recommendation.learning.sequence import SequenceSettings, query_state, train_sequence
from autogen.tasks.recommendation.learning.sequential import SequentialModel, SequentialModelSizes
from autogen.tasks.recommendation.metrics import mean
from autogen.tasks.recommendation.model import (
    HISTORY_FILE,
    SEQUENCE_FILE,
    Linear,
    Mix,
    Recommender,
    RecommenderCard,
    SequenceReading,
    write_recommender,
)
from autogen.tasks.recommendation.trend import HALF_LIVES, Histories, Query
from autogen.training.export.parity import PARITY_TOLERANCE
from autogen.training.loop.precision import choose_precision

WEIGHTS_FILE = "weights/sequence.safetensors"
REGULARISATION = 200.0
MOST_EVAL_EVENTS = 4_000  # last events that choose and mix
FEWER_EVAL_EVENTS = 1_000  # where each is asked of more than MANY items
MANY = 50_000
# below it there is nothing to choose by: what trends answers, with the linear reading where there is one
FEWEST_EVAL_EVENTS = 30
PROOFS = 64  # histories on which the export must agree
ORDER = (TREND, LINEAR, SEQUENCE)


@dataclass(frozen=True)
class RecommenderFit:
    """What is learnt from, and where the result goes. `texts`: float (items, hidden); None: items say nothing of
    themselves. `before`: the folder of the version to go on from."""

    events: Interactions
    texts: NDArray[np.float32] | None
    settings: TrainingSettings
    folder: Path
    base_model: str
    offered: int  # of the items, the first ones: those of the catalogue
    before: Path | None = None
    ended: float = 0.0  # these two: see RecommenderCard
    lag: float = 0.0

    def run(self, progress: TrainingProgress) -> FitReport:
        """Raises TrainingFailed, ParityError."""
        started = time.monotonic()
        torch.manual_seed(self.settings.seed)
        most = MOST_EVAL_EVENTS if len(self.events.items) <= MANY else FEWER_EVAL_EVENTS
        eval_at = last_events(self.events, most, self.settings.seed)
        previous = Recommender.load(self.before) if self.before else None
        if previous is not None and previous.mix is not None:
            readings, eval_at = self._fit_as_before(previous, progress), eval_at[:0]
        elif len(eval_at) < FEWEST_EVAL_EVENTS:
            readings = Readings(self._linear(self.events))
        else:
            readings = self._choose_readings(eval_at, progress)
        linear, sequence, mix, ndcg_by_mix = readings.linear, readings.sequence, readings.mix, readings.ndcg_by_mix
        parity = self._write(linear, sequence, mix)
        return FitReport(
            readings=_answering_readings(linear, sequence, mix),
            tried=dict(ndcg_by_mix),
            held=len(eval_at) if ndcg_by_mix else 0,
            seconds=time.monotonic() - started,
            precision=choose_precision(self.settings.precision),
            parameters=sum(p.numel() for p in sequence.parameters()) if sequence else 0,
            parity=parity,
            left_out=self._coverage_note(),
        )

    def _choose_readings(self, eval_at: NDArray[np.int64], progress: TrainingProgress) -> Readings:
        is_train = np.ones(len(self.events), bool)
        is_train[eval_at] = False
        train_events = self.events.where(is_train)
        linear, sequence = self._linear(train_events), self._sequence(train_events, progress, "validate")
        recommender = self._recommender(train_events, linear, sequence, None)
        queries = build_queries(recommender, self.events, eval_at, self.settings.seed, progress)
        fitted = _fitted_readings(linear, sequence)
        choices = {" + ".join(names): names for names in _choices(fitted)}
        columns = {name: columns_of(names, len(HALF_LIVES), fitted) for name, names in choices.items()}
        gains = compare_mixes(queries, columns, self.settings.seed)
        ndcg_by_mix = {name: mean(list(values)) for name, values in gains.items()}
        best = max(ndcg_by_mix, key=lambda name: ndcg_by_mix[name])
        progress.say(_choice_message(ndcg_by_mix, best))
        linear = self._linear(self.events) if linear is not None else None  # gives reasons, whether it answers or not
        if SEQUENCE not in choices[best]:
            mix = fit_mixer(queries.without_last(), columns[best], self.settings.seed)
            return Readings(linear, None, as_mix(mix), ndcg_by_mix)
        mix = fit_mixer(queries, columns[best], self.settings.seed)
        return Readings(linear, self._sequence(self.events, progress, "train"), as_mix(mix), ndcg_by_mix)

    def _fit_as_before(self, previous: Recommender, progress: TrainingProgress) -> Readings:
        """The readings of the version to go on from, learnt on, mixed as they were: that version has learnt whatever
        could be held out now, so that it would say of all mixes that what it has learnt is best."""
        linear = self._linear(self.events) if previous.linear is not None else None
        sequence = self._sequence(self.events, progress, "train") if previous.sequence is not None else None
        return Readings(linear, sequence, previous.mix)

    def _linear(self, events: Interactions) -> Linear | None:
        return fit_linear(events, len(events.items), REGULARISATION)

    def _sequence(self, events: Interactions, progress: TrainingProgress, stage: str) -> SequentialModel:
        texts = torch.from_numpy(self.texts) if self.texts is not None else None
        model = SequentialModel(SequentialModelSizes(len(events.items)), texts)
        warm = self.before is not None and _copy_weights(model, self.before, events.items)
        train_sequence(model, events, self._schedule(len(events), warm), progress, stage)
        if not all(bool(torch.isfinite(p).all()) for p in model.parameters()):
            raise TrainingFailed("The weights are no numbers any more: lower `learning_rate`, or set precision = fp32.")
        return model

    def _schedule(self, events: int, warm: bool) -> SequenceSettings:
        settings = self.settings
        return SequenceSettings(
            epochs=settings.epochs,
            steps=steps_for(events) // (2 if warm else 1),
            learning_rate=settings.learning_rate or (1e-3 if warm else 3e-3),
            batch_size=settings.train_batch_size or 128,
            bf16=choose_precision(settings.precision) == "bf16",
            seed=settings.seed,
        )

    def _recommender(
        self, events: Interactions, linear: Linear | None, sequence: SequentialModel | None, mix: Mix | None
    ) -> Recommender:
        card = RecommenderCard(
            task="recommendation",
            base_model=self.base_model,
            items=len(events.items),
            users=len(events.users),
            readings=_answering_readings(linear, sequence, mix),
            length=sequence.sizes.length if sequence else 0,
            offered=self.offered,
            ended=self.ended,
            lag=self.lag,
        )
        reading = None
        if sequence is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            export_sequence(sequence, self.folder / SEQUENCE_FILE)
            reading = SequenceReading(
                ExportedModel(self.folder / SEQUENCE_FILE),
                np.ascontiguousarray(sequence.vectors().detach().numpy()[:-1]),
                sequence.bias.detach().numpy(),
                sequence.trend.detach().numpy(),
                sequence.sizes.length,
            )
        return Recommender(card, events, linear, reading, mix)

    def _write(self, linear: Linear | None, sequence: SequentialModel | None, mix: Mix | None) -> float:
        """The folder, whole: how far exported and trained model are apart."""
        (self.folder / SEQUENCE_FILE).unlink(missing_ok=True)  # of the reading that was tried
        recommender = self._recommender(self.events, linear, sequence, mix)
        parity = 0.0
        if sequence is not None and recommender.sequence is not None:
            parity = check_sequence(sequence, recommender.sequence, recommender.histories)
            path = self.folder / WEIGHTS_FILE
            path.parent.mkdir(parents=True, exist_ok=True)
            save_file({name: tensor.contiguous() for name, tensor in sequence.state_dict().items()}, path)
        write_recommender(recommender, self.folder)
        return parity

    def _coverage_note(self) -> str:
        known = int((np.bincount(self.events.item, minlength=len(self.events.items)) > 1).sum())
        if known <= MOST_ITEMS:
            return ""
        return f"the linear reading covers the {MOST_ITEMS:,} most chosen of {known:,} items, what fits in memory"


@dataclass(frozen=True)
class Readings:
    """What answers, fitted to everything; `ndcg_by_mix`: see `FitReport.tried`."""

    linear: Linear | None = None
    sequence: SequentialModel | None = None
    mix: Mix | None = None
    ndcg_by_mix: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class FitReport:
    """What a fit reports. `tried`: NDCG@10 of each mix of readings on `held` events that it had not learnt from, among
    the candidates of each."""

    readings: tuple[str, ...]
    tried: dict[str, float]
    held: int
    seconds: float
    precision: str
    parameters: int
    parity: float
    left_out: str


def steps_for(events: int) -> int:
    """About 300 at 10,000 events, 1,000 at 100,000, 3,000 at a million."""
    return int(min(20_000.0, max(100.0, float(10 * max(events, 1)) ** 0.5)))


def last_events(events: Interactions, most: int, seed: int) -> NDArray[np.int64]:
    """The last event of each user who has others, at most so many of them: their places, in order of time."""
    counts = np.bincount(events.user, minlength=len(events.users))
    last = np.full(len(events.users), -1)
    last[events.user] = np.arange(len(events))
    places = last[counts > 1]
    if len(places) > most:
        places = np.random.default_rng(seed).choice(places, most, replace=False)
    return np.sort(places)


def check_sequence(model: SequentialModel, exported: SequenceReading, histories: Histories) -> float:
    """The largest difference of what is sought. Raises ParityError when it is above PARITY_TOLERANCE."""
    ends = np.unique(np.linspace(0, len(histories.items), PROOFS).astype(int))
    largest = 0.0
    for end in ends:
        part = slice(max(0, end - exported.length), end)
        times = np.sort(histories.times[part])
        query = Query(histories.items[part], times, float(times[-1]) + 60 if len(times) else 0.0)
        difference = float(np.abs(exported.query_vector(query) - query_state(model, query)).max())
        largest = max(largest, difference) if np.isfinite(difference) else np.inf
    if largest > PARITY_TOLERANCE:
        raise ParityError(
            f"The exported model does not agree with the trained one: they differ by up to {largest:.4g} (at most "
            f"{PARITY_TOLERANCE} is accepted). The version was not made; what answers now is unchanged."
        )
    return largest


def _copy_weights(model: SequentialModel, before: Path, items: Sequence[str]) -> bool:
    """Take the weights of an earlier version, item by item: new items begin as their text alone."""
    old_items = np.load(before / HISTORY_FILE, allow_pickle=False)["items"].tolist()
    try:
        state = load_file(before / WEIGHTS_FILE)
    except (OSError, SafetensorError):
        return False
    if (
        model.from_text is not None
        and state.get("from_text.weight", torch.empty(0)).shape != model.from_text.weight.shape
    ):
        return False
    old_places = {name: at for at, name in enumerate(old_items)}
    pairs = [(at, old_places[name]) for at, name in enumerate(items) if name in old_places]
    targets, sources = torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2).T
    whole = model.state_dict()
    for name, tensor in state.items():
        if name == "own.weight":
            whole[name].zero_()[targets], whole[name][-1] = tensor[sources], tensor[-1]
        elif name == "bias":
            whole[name][targets] = tensor[sources]
        elif name in whole and whole[name].shape == tensor.shape:
            whole[name].copy_(tensor)
    return True


def _fitted_readings(linear: Linear | None, sequence: SequentialModel | None) -> tuple[str, ...]:
    return tuple(name for name, reading in ((LINEAR, linear), (SEQUENCE, sequence)) if reading is not None)


def _choices(fitted: Sequence[str]) -> list[tuple[str, ...]]:
    alone = [(TREND, name) for name in fitted]
    return [(TREND,), *alone, (TREND, *fitted)] if len(fitted) > 1 else [(TREND,), *alone]


def _answering_readings(linear: Linear | None, sequence: SequentialModel | None, mix: Mix | None) -> tuple[str, ...]:
    """Those that have a weight in the mix: what was fitted may have been found to add nothing."""
    fitted = _fitted_readings(linear, sequence) if mix is not None else ()
    columns = columns_used(mix) if mix is not None else ()
    return (TREND, *(name for name in fitted if {*columns_of((name,), len(HALF_LIVES), fitted)} & {*columns}))


def _choice_message(ndcg_by_mix: Mapping[str, float], best: str) -> str:
    figures = ", ".join(f"{name} {gain:.3f}" for name, gain in ndcg_by_mix.items())
    return f"NDCG@10 on users' last events: {figures}. What answers: {best}."
