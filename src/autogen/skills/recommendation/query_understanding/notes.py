"""What of a query was understood, and what was not, in words for whoever asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from autogen.knowledge.catalogue import Catalogue
from autogen.runtime.text_encoder import TextVectors
from autogen.skills.recommendation.query_understanding.parsed_query import ParsedQuery
from autogen.skills.recommendation.query_understanding.vocabulary import content_words, vocabulary_of

MOST_NAMED = 10  # words that are not understood


def unknown_words(query: str, catalogue: Catalogue, encoder: TextVectors | None) -> list[str]:
    """Words that no item says and that the base model knows at most in pieces."""
    titles = vocabulary_of(catalogue).title_words
    return [
        word
        for word in content_words(query)
        if word not in titles and not (encoder and encoder.has_word(word)) and not catalogue.says(word)
    ]


def is_guessed(query: str, unknown: Sequence[str]) -> bool:
    """Whether no word of it is known: what is nearest in meaning is a guess then."""
    return bool(unknown) and len(unknown) == len(content_words(query))


def share_understood(text: str, parsed_query: ParsedQuery) -> float:
    """Of the words of a text that carry meaning, the share (0–1) that became filters, an order or items: what remains
    is matched by its meaning, which finds something for any words."""
    left = len(content_words(parsed_query.free_text))
    return 1 - left / max(len(content_words(text)), left, 1)


def notes_on(parsed_query: ParsedQuery, unknown: Sequence[str]) -> Iterator[str]:
    known = " ".join(word for word in content_words(parsed_query.free_text) if word not in unknown)
    description = replace(parsed_query, free_text=known).describe()
    if description:
        yield f"understood: {description}"
    if note := not_understood(parsed_query, unknown):
        yield note


def not_understood(parsed_query: ParsedQuery, unknown: Sequence[str]) -> str:
    """Empty where nothing was missed."""
    words = [*parsed_query.unmet, *unknown][:MOST_NAMED]
    guess = "; what is shown is a guess" if is_guessed(parsed_query.free_text, unknown) else ""
    return f"not understood: {', '.join(words)}{guess}" if words else ""
