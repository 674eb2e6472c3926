from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from autogen.tasks.token_classification.decoding import EntityDecoder, PredictedEntity, log_loss
from autogen.tasks.token_classification.rows import Span
from autogen.tasks.token_classification.sequences import TaggedSpan, best_spans, span_probabilities, tagged_spans
from autogen.tasks.token_classification.windows import EncodedText, Unit

Scores = NDArray[np.float32]
DECODER = EntityDecoder(("a", "b"))


def decode(text: str, units: list[Unit], values: Scores) -> tuple[PredictedEntity, ...]:
    (entities,) = DECODER.decode([EncodedText(text, tuple(units), ())], [values])
    return entities


@st.composite
def scores(draw: Any, longest: int = 4) -> Scores:
    """Logits of a few units and two labels, with ties."""
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = chance.normal(0, draw(st.sampled_from([0.5, 3.0])), (draw(st.integers(1, longest)), 5))
    return values.round(draw(st.sampled_from([0, 7]))).astype(np.float32)


def legal_sequences(units: int, tags: int) -> Iterator[tuple[int, ...]]:
    """All of them, one by one: what the algorithms sum and search without writing them down."""
    for path in itertools.product(range(tags), repeat=units):
        before = (0, *path)
        if all(tag == 0 or tag % 2 or before[at] in (tag - 1, tag) for at, tag in enumerate(path)):
            yield path


def weight(values: Scores, path: tuple[int, ...]) -> float:
    return float(values[np.arange(len(path)), path].astype(np.float64).sum())


@given(st.lists(scores(), min_size=1, max_size=4))
@settings(deadline=None)
def test_no_legal_sequence_is_better_than_the_best(texts: list[Scores]) -> None:
    for values, spans in zip(texts, best_spans(texts), strict=True):
        every = {path: weight(values, path) for path in legal_sequences(*values.shape)}
        best = [path for path, total in every.items() if tagged_spans(np.array(path)) == spans]
        assert len(best) == 1
        assert every[best[0]] == pytest.approx(max(every.values()), abs=1e-5)


@given(st.lists(scores(), min_size=1, max_size=4))
@settings(deadline=None)
def test_a_span_s_probability_is_its_share_of_all_legal_sequences(texts: list[Scores]) -> None:
    """Also where texts of different lengths are computed together."""
    spans = [
        spans or [TaggedSpan(0, len(values) - 1, 1)] for values, spans in zip(texts, best_spans(texts), strict=True)
    ]
    for values, wanted, chances in zip(texts, spans, span_probabilities(texts, spans), strict=True):
        weights = {path: np.exp(weight(values, path)) for path in legal_sequences(*values.shape)}
        shares = [sum(w for path, w in weights.items() if span in tagged_spans(np.array(path))) for span in wanted]
        assert chances == pytest.approx(np.array(shares) / sum(weights.values()))


def test_long_texts_with_large_scores_neither_overflow_nor_vanish() -> None:
    values = np.zeros((5_000, 5), np.float32)
    values[:, 0] = 400.0
    values[2_000, 1] = values[2_001, 2] = 900.0
    entities = decode("x" * 5_000, [Unit(at, at, at + 1) for at in range(5_000)], values)
    assert [(e.start, e.end, e.label) for e in entities] == [(2_000, 2_002, "a")]
    assert entities[0].confidence == pytest.approx(1.0)


def test_an_inside_tag_never_stands_without_its_beginning() -> None:
    values = np.full((2, 5), -5.0, np.float32)
    values[0, 0], values[1, 2] = 5.0, 5.0  # O, then the I of a; its B is next
    values[1, 1] = 4.0
    assert best_spans([values]) == [[TaggedSpan(1, 1, 0)]]


UNITS = [Unit(0, 0, 3), Unit(1, 4, 8), Unit(3, 8, 9), Unit(4, 10, 14)]
TEXT = "the Bern, fair"


def test_entities_have_exact_offsets_and_their_text() -> None:
    values = np.zeros((4, 5), np.float32)
    values[0, 0] = values[1, 3] = values[2, 4] = values[3, 1] = 3.0
    entities = decode(TEXT, UNITS, values)
    assert [(e.start, e.end, e.label, e.text) for e in entities] == [(4, 9, "b", "Bern,"), (10, 14, "a", "fair")]
    assert all(0 < e.confidence < 1 for e in entities)


def test_a_text_without_units_has_no_entities() -> None:
    assert decode("  ", [], np.zeros((0, 5), np.float32)) == ()
    assert DECODER.decode([], []) == []


def test_gold_tags_cover_the_units_that_a_span_touches() -> None:
    assert DECODER.gold(UNITS, [Span(4, 9, "b"), Span(10, 14, "a")]).tolist() == [0, 3, 4, 1]
    assert DECODER.gold(UNITS, [Span(5, 7, "a")]).tolist() == [0, 1, 0, 0]
    assert DECODER.gold(UNITS, [Span(0, 3, "unheard of")]).tolist() == [0, 0, 0, 0]


@given(scores(longest=8))
def test_gold_tags_of_what_was_decoded_decode_to_the_same(values: Scores) -> None:
    units = [Unit(at, 2 * at, 2 * at + 2) for at in range(len(values))]
    spans = [entity.span for entity in decode("x" * 2 * len(values), units, values)]
    tags = DECODER.gold(units, spans)
    again = decode("x" * 2 * len(values), units, np.eye(5, dtype=np.float32)[tags])
    assert [entity.span for entity in again] == spans


def drawn(chance: np.random.Generator, texts: int, heat: float) -> tuple[list[Scores], list[list[bool]]]:
    """Texts whose tags are drawn from the scores themselves, which are then made `heat` times as sure as they are."""
    every, outcomes = [], []
    for _ in range(texts):
        values = chance.normal(0, 2, (3, 5))
        paths = list(legal_sequences(3, 5))
        weights = np.exp([weight(values.astype(np.float32), path) for path in paths])
        truth = tagged_spans(np.array(paths[chance.choice(len(paths), p=weights / weights.sum())]))
        every.append((values * heat).astype(np.float32))
        outcomes.append([span in truth for span in best_spans([values])[0]])
    return every, outcomes


@pytest.mark.parametrize("heat", [1.0, 3.0])
def test_the_temperature_finds_out_how_much_too_sure_a_model_is(heat: float) -> None:
    values, outcomes = drawn(np.random.default_rng(0), 300, heat)
    fitted = DECODER.calibrated(values, outcomes)
    assert fitted.temperature == pytest.approx(heat, rel=0.2)
    chances = span_probabilities([v / fitted.temperature for v in values], best_spans(values))
    right = np.array([outcome for row in outcomes for outcome in row])
    assert np.concatenate(chances).mean() == pytest.approx(right.mean(), abs=0.04)


def test_nothing_decoded_leaves_the_temperature() -> None:
    assert DECODER.calibrated([np.eye(5, dtype=np.float32)[[0, 0]]], [[]]) == DECODER


def test_few_outcomes_that_are_all_right_make_no_certainty() -> None:
    assert log_loss(np.array([1.0]), np.array([True])) > log_loss(np.array([0.67]), np.array([True]))


def test_what_is_written_is_read_back() -> None:
    decoder = EntityDecoder(("city", "creative-work"), 1.7)
    assert EntityDecoder.from_json(decoder.to_json()) == decoder
    assert decoder.tags == 5
