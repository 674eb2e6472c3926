"""What of a wish was understood, and what was not, in words for whoever wished."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from autogen.knowledge.catalogue import Catalogue
from autogen.runtime.text_encoder import TextVectors
from autogen.skills.recommendation.wishes.vocabulary import telling, vocabulary_of
from autogen.skills.recommendation.wishes.wish import Wish

MOST_NAMED = 10  # words that are not understood


def unknown_words(query: str, catalogue: Catalogue, encoder: TextVectors | None) -> list[str]:
    """Words that no item says and that the base model knows at most in pieces."""
    titles = vocabulary_of(catalogue).title_words
    return [
        word
        for word in telling(query)
        if word not in titles and not (encoder and encoder.has_word(word)) and not catalogue.says(word)
    ]


def is_guessed(query: str, unknown: Sequence[str]) -> bool:
    """Whether no word of it is known: what is nearest in meaning is a guess then."""
    return bool(unknown) and len(unknown) == len(telling(query))


def share_understood(text: str, wish: Wish) -> float:
    """Of the words of a text that say what is wished for, the share (0–1) that became filters, an order or items: what
    remains is sought by its meaning, which finds something for any words."""
    left = len(telling(wish.query))
    return 1 - left / max(len(telling(text)), left, 1)


def notes_on(wish: Wish, unknown: Sequence[str]) -> Iterator[str]:
    known = " ".join(word for word in telling(wish.query) if word not in unknown)
    understood = replace(wish, query=known).describe()
    if understood:
        yield f"understood: {understood}"
    if missed := not_understood(wish, unknown):
        yield missed


def not_understood(wish: Wish, unknown: Sequence[str]) -> str:
    """Empty where nothing was missed."""
    words = [*wish.unmet, *unknown][:MOST_NAMED]
    guess = "; what is shown is a guess" if is_guessed(wish.query, unknown) else ""
    return f"not understood: {', '.join(words)}{guess}" if words else ""
