"""A tuned recommender in its folder, answering. No torch.

readings.npz       what the linear reading, the mixer and the trend need
vectors.npy        item vectors of the sequential model, memory-mapped
sequence.onnx      its Transformer
history.npz        what users did, so that they are known
task.json          names, sizes, which readings answer
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autogen.data.names import plain_name
from autogen.errors import VersionDamaged
from autogen.runtime.session import ExportedModel
from autogen.storage.files import sha256_of
from autogen.tasks.recommendation.interactions import Interactions, Places
from autogen.tasks.recommendation.trend import (
    RECENT,
    UNKNOWN_GAP,
    Floats,
    Histories,
    Query,
    Trend,
    context_of,
    gap_buckets,
    log_trend,
)

TASK_FILE = "task.json"
READINGS_FILE = "readings.npz"
VECTORS_FILE = "vectors.npy"
SEQUENCE_FILE = "sequence.onnx"
HISTORY_FILE = "history.npz"
CATALOGUE_FILE = "catalogue.json"
TEXT_FOLDER = "text"  # the encoder for wishes


@dataclass(frozen=True)
class RecommenderCard:
    """What `task.json` says."""

    task: str
    base_model: str
    items: int
    users: int
    readings: tuple[str, ...]  # of READINGS, those that answer
    length: int  # events of a history that the sequential model reads
    offered: int  # items of the catalogue, the first ones; others were seen in events only, and are not recommended
    ended: float = 0.0  # Unix seconds of the last event in the files
    lag: float = 0.0  # seconds: how long ago the data ended when it was learnt from; 0 for what goes on


@dataclass(frozen=True)
class Candidates:
    """Some items that are scored in place of all: `places` in order, those of a query's last RECENT events among them,
    and `stands_for`, of how many items each is one, as a logarithm."""

    places: Places
    stands_for: Floats


LONGEST = 2_000  # events of a history that the linear reading counts, the newest: a crawler's may be endless


@dataclass(frozen=True)
class Linear:
    """Item-item weights (EASE), truncated: of each item, the items it speaks for and how much, (items, kept)."""

    places: NDArray[np.int32]
    weights: Floats

    def scores(self, history: Places) -> Floats:
        """(items,)."""
        history = history[-LONGEST:]
        scores = np.zeros(len(self.places), np.float32)
        np.add.at(scores, self.places[history].ravel(), self.weights[history].ravel())
        return scores


class SequenceReading:
    """The sequential model: what is sought after a history, as logits over all items."""

    def __init__(self, graph: ExportedModel, vectors: Floats, bias: Floats, trend: Floats, length: int) -> None:
        self.graph, self.vectors, self.bias, self.trend, self.length = graph, vectors, bias, trend, length

    def scores(self, query: Query, trends: Floats, candidates: Candidates | None = None) -> Floats:
        """Log-probabilities, (items,) or of the candidates; `trends` are of the same items."""
        places = slice(None) if candidates is None else candidates.places
        logits = self.vectors[places] @ self.query_vector(query) + self.bias[places]
        logits = logits + self.trend @ trends[list(SEQUENCE_TRENDS)]
        weighed = logits if candidates is None else logits + candidates.stands_for
        total = weighed.max() + np.log(np.exp(weighed - weighed.max()).sum())
        log_probabilities: Floats = (logits - total).astype(np.float32)
        return log_probabilities

    def query_vector(self, query: Query) -> Floats:
        """What item vectors are compared with, (width,)."""
        items, gaps = sequence_inputs(query, self.length, len(self.vectors))
        vector: Floats = self.graph.run({"items": items[None], "gaps": gaps[None]})["sought"][0]
        return vector


SEQUENCE_TRENDS = (1, 4)  # of HALF_LIVES: a day, a month


def sequence_inputs(query: Query, length: int, start: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The newest `length` events of a history after the mark that opens it, and the gap that follows each."""
    items = query.items[-length:].astype(np.int64)
    gaps = gap_buckets(query.times[-length:], query.now) if len(items) else np.empty(0, np.int64)
    return np.concatenate([[start], items]), np.concatenate([[UNKNOWN_GAP], gaps])


@dataclass(frozen=True)
class Mix:
    """The mixer's weights, by the names of its layers."""

    of_item: Floats
    of_item_bias: Floats
    of_context: Floats
    out: Floats
    weigh: Floats
    weigh_bias: Floats

    def scores(self, readings: Floats, context: Floats) -> Floats:
        """(items, readings), (context,) → (items,)."""
        hidden = readings @ self.of_item.T + (self.of_item_bias + self.of_context @ context)
        weights = self.weigh @ context + self.weigh_bias
        scores: Floats = np.maximum(hidden, 0, out=hidden) @ self.out[0] + readings @ weights
        return scores


class Recommender:
    """Histories in, scores of all items out. `trend` and `histories` are as of the training's end."""

    def __init__(
        self,
        card: RecommenderCard,
        events: Interactions,
        linear: Linear | None,
        sequence: SequenceReading | None,
        mix: Mix | None,
    ) -> None:
        self.card, self.events = card, events
        self.linear, self.sequence, self.mix = linear, sequence, mix
        self.folder: Path | None = None
        self.histories = Histories(events)
        self.user_at = {name: at for at, name in enumerate(events.users)}

    @classmethod
    def load(cls, folder: Path, threads: int | None = None) -> Recommender:
        """Raises VersionDamaged when a file is missing or cannot be read."""
        try:
            values = json.loads((folder / TASK_FILE).read_text("utf-8"))
            card = RecommenderCard(**{**values, "readings": tuple(values["readings"])})
            with np.load(folder / HISTORY_FILE, allow_pickle=False) as archive:
                events = Interactions(
                    tuple(archive["users"].tolist()),
                    tuple(archive["items"].tolist()),
                    *(archive[name] for name in ("user", "item", "time", "rating")),
                )
            with np.load(folder / READINGS_FILE, allow_pickle=False) as archive:
                arrays = dict(archive)
            linear = Linear(arrays["linear_places"], arrays["linear_weights"]) if "linear_places" in arrays else None
            mix = Mix(*(arrays[f"mix_{name}"] for name in MIX)) if "mix_out" in arrays else None
            sequence = _sequence(folder, arrays, card.length, threads) if card.length else None
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise VersionDamaged(f"{folder} does not hold a whole recommender: {error}") from error
        model = cls(card, events, linear, sequence, mix)
        model.folder = folder
        return model

    @property
    def items(self) -> tuple[str, ...]:
        return self.events.items

    def place_of_user(self, name: str | None) -> int:
        """Where the user's events are in `histories`; -1 for somebody unknown."""
        if name is None:
            return -1
        at = self.user_at.get(name)
        return self.user_at.get(plain_name(name), -1) if at is None else at

    @property
    def base_model(self) -> str:
        return self.card.base_model

    @property
    def answers(self) -> tuple[str, ...]:
        return self.events.items[: self.card.offered]

    @property
    def digest(self) -> str:
        """Of all that its folder holds but graphs, whose nodes an exporter numbers as it goes."""
        hasher = hashlib.sha256()
        files = self.folder.rglob("*") if self.folder is not None else ()
        for path in sorted(path for path in files if path.is_file() and path.suffix not in (".onnx", ".txt")):
            hasher.update(f"{path.name} {sha256_of(path)}\n".encode())
        return hasher.hexdigest()

    def trend(self) -> Trend:
        """Of all events that it learnt from."""
        trend = Trend(self.card.items)
        trend.add(self.events.item, self.events.time)
        return trend

    def mask_unoffered(self, scores: Floats, candidates: Candidates | None = None) -> Floats:
        """The scores, with −∞ for items that are not in the catalogue."""
        if self.card.offered < self.card.items:
            places = np.arange(len(scores)) if candidates is None else candidates.places
            scores = np.where(places < self.card.offered, scores, -np.inf).astype(np.float32)
        return scores

    def readings(self, query: Query, counts: Floats, candidates: Candidates | None = None) -> Floats:
        """What each reading says of each item, in numbers about 1: (items, readings)."""
        trends = log_trend(counts)
        rows: list[Floats] = [trends / np.float32(2)]
        if self.linear is not None:
            linear = self.linear.scores(query.items)
            rows.append(linear_reading(linear if candidates is None else linear[candidates.places])[None])
        if self.sequence is not None:
            rows.append(sequence_reading(self.sequence.scores(query, trends, candidates))[None])
        matrix: Floats = np.concatenate(rows).T
        return matrix

    def scores(self, query: Query, counts: Floats, candidates: Candidates | None = None) -> Floats:
        """Of all items, (items,), or of the candidates, with the counts of what trends at the time of the query,
        (half-lives, the same items)."""
        if self.mix is None:
            daily_trend: Floats = log_trend(counts)[1]
            return daily_trend
        last = query.items[-RECENT:]
        recent = log_trend(counts[:, last if candidates is None else np.searchsorted(candidates.places, last)])
        return self.mix.scores(self.readings(query, counts, candidates), context_of(query, recent))


def linear_reading(scores: Floats) -> Floats:
    values: Floats = (np.log(np.maximum(scores, 0) + 1e-3) / 2).astype(np.float32)
    return values


def sequence_reading(scores: Floats) -> Floats:
    values: Floats = scores / np.float32(4)
    return values


MIX = tuple(field.name for field in fields(Mix))


def _sequence(folder: Path, arrays: dict[str, Any], length: int, threads: int | None) -> SequenceReading:
    vectors = np.load(folder / VECTORS_FILE, mmap_mode="r", allow_pickle=False)
    graph = ExportedModel(folder / SEQUENCE_FILE, threads)
    return SequenceReading(graph, vectors, arrays["sequence_bias"], arrays["sequence_trend"], length)


def write_recommender(model: Recommender, folder: Path) -> None:
    """All files but the sequential model's graph, which its export has written."""
    folder.mkdir(parents=True, exist_ok=True)
    events = model.events
    np.savez(
        folder / HISTORY_FILE,
        users=np.array(events.users),
        items=np.array(events.items),
        user=events.user,
        item=events.item,
        time=events.time,
        rating=events.rating,
    )
    arrays: dict[str, Any] = {}
    if model.linear is not None:
        arrays |= {"linear_places": model.linear.places, "linear_weights": model.linear.weights}
    if model.mix is not None:
        arrays |= {f"mix_{name}": getattr(model.mix, name) for name in MIX}
    if model.sequence is not None:
        np.save(folder / VECTORS_FILE, model.sequence.vectors)
        arrays |= {"sequence_bias": model.sequence.bias, "sequence_trend": model.sequence.trend}
    np.savez(folder / READINGS_FILE, **arrays)
    (folder / TASK_FILE).write_text(json.dumps(asdict(model.card), indent=1, ensure_ascii=False), "utf-8")
