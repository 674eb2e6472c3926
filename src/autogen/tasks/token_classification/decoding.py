"""From the tag scores of a text's units to entities: spans of characters, each with its probability.

Tags are BIO: 0 is O, 2k + 1 is the B of label k and 2k + 2 its I. Only legal sequences are decoded (an I follows the B
or I of its own label), see `sequences`. Confidence is a span's probability among them, with the scores divided by a
temperature (Guo et al. 2017).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autogen.tasks.token_classification.rows import Span
from autogen.tasks.token_classification.sequences import Floats, TaggedSpan, best_spans, span_probabilities
from autogen.tasks.token_classification.windows import EncodedText, Unit

CALIBRATED = 500  # texts with spans that a temperature is fitted on: more hardly change it
COLDEST, HOTTEST, STEPS = 0.2, 10.0, 12  # of the temperature: it is found to one per cent


@dataclass(frozen=True, slots=True, order=True)
class PredictedEntity:
    """A span that the model found: `text` is what stands there, `confidence` its calibrated probability."""

    start: int
    end: int
    label: str
    text: str
    confidence: float

    @property
    def span(self) -> Span:
        return Span(self.start, self.end, self.label)


@dataclass(frozen=True)
class EntityDecoder:
    """What is needed, besides the exported model, to turn its outputs into entities."""

    labels: tuple[str, ...]
    temperature: float = 1.0

    @property
    def tags(self) -> int:
        return 2 * len(self.labels) + 1

    def to_json(self) -> dict[str, Any]:
        return {"labels": list(self.labels), "temperature": self.temperature}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> EntityDecoder:
        return cls(tuple(values["labels"]), float(values["temperature"]))

    def gold(self, units: Sequence[Unit], spans: Sequence[Span]) -> NDArray[np.int64]:
        """The tag of each unit: those that share a character with a span are its B and I. A span whose label the model
        does not know is O."""
        index = {label: at for at, label in enumerate(self.labels)}
        tags = np.zeros(len(units), np.int64)
        starts, ends = [unit.start for unit in units], [unit.end for unit in units]
        for span in spans:
            first, last = np.searchsorted(ends, span.start, "right"), np.searchsorted(starts, span.end, "left")
            if span.label in index and first < last:
                tags[first:last] = 2 * index[span.label] + 2
                tags[first] -= 1
        return tags

    def decode(self, texts: Sequence[EncodedText], scores: Sequence[Floats]) -> list[tuple[PredictedEntity, ...]]:
        """The entities of each text, in order. `scores`: for each text its logits, of shape (units, tags)."""
        spans = best_spans(scores)
        chances = span_probabilities([values / self.temperature for values in scores], spans)
        return [
            tuple(self._entity(text, span, float(chance)) for span, chance in zip(*row, strict=True))
            for text, row in zip(texts, zip(spans, chances, strict=True), strict=True)
        ]

    def spans(self, texts: Sequence[EncodedText], scores: Sequence[Floats]) -> list[list[Span]]:
        """The same as `decode`, without probabilities."""
        return [[self._span(text, span) for span in row] for text, row in zip(texts, best_spans(scores), strict=True)]

    def _span(self, text: EncodedText, span: TaggedSpan) -> Span:
        return Span(text.units[span.first].start, text.units[span.last].end, self.labels[span.label])

    def _entity(self, text: EncodedText, span: TaggedSpan, chance: float) -> PredictedEntity:
        place = self._span(text, span)
        return PredictedEntity(place.start, place.end, place.label, text.text[place.start : place.end], chance)

    def calibrated(self, scores: Sequence[Floats], right: Sequence[Sequence[bool]]) -> EntityDecoder:
        """The same with the temperature that suits held-out texts best: of each decoded span, `right` says whether it
        is one of the text's entities."""
        rows = [at for at, outcomes in enumerate(right) if outcomes][:CALIBRATED]
        if not rows:
            return self
        values = [scores[at] for at in rows]
        outcomes = np.array([outcome for at in rows for outcome in right[at]], bool)
        spans = best_spans(values)

        def loss(temperature: float) -> float:
            chances = span_probabilities([logits / temperature for logits in values], spans)
            return log_loss(np.concatenate(chances), outcomes)

        return replace(self, temperature=_least(loss))


def log_loss(chances: NDArray[np.float64], outcomes: NDArray[np.bool_]) -> float:
    """The mean negative log likelihood. As many outcomes cannot prove more than so much: targets are smoothed by
    1 / (outcomes + 2), as Platt (1999) does, or a few that are all right would make every answer certain."""
    doubt = 1 / (len(outcomes) + 2)
    target = np.where(outcomes, 1 - doubt, doubt)
    sure = np.clip(chances, 1e-9, 1 - 1e-9)
    return float(-np.mean(target * np.log(sure) + (1 - target) * np.log1p(-sure)))


def _least(loss: Callable[[float], float]) -> float:
    """The temperature with the least loss, by golden-section search on its logarithm."""
    low, high, golden = np.log(COLDEST), np.log(HOTTEST), (5**0.5 - 1) / 2
    left, right = high - golden * (high - low), low + golden * (high - low)
    at_left, at_right = loss(float(np.exp(left))), loss(float(np.exp(right)))
    for _ in range(STEPS):
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - golden * (high - low)
            at_left = loss(float(np.exp(left)))
        else:
            low, left, at_left = left, right, at_right
            right = low + golden * (high - low)
            at_right = loss(float(np.exp(right)))
    return float(np.exp((low + high) / 2))
