"""What of a wish was understood, and what was not, in words for whoever wished."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from autogen.knowledge.catalogue import Catalogue
from autogen.runtime.text_encoder import TextVectors
from autogen.skills.wish import Wish
from autogen.skills.wish_vocabulary import telling, vocabulary_of

MOST_NAMED = 10  # words that are not understood


def unknown_words(query: str, catalogue: Catalogue, encoder: TextVectors | None) -> list[str]:
    """Words that no item says and that the base model knows at most in pieces."""
    titles = vocabulary_of(catalogue).title_words
    return [
        word
        for word in telling(query)
        if word not in titles and not (encoder and encoder.has_word(word)) and not catalogue.says(word)
    ]


def is_guessed(query: str, catalogue: Catalogue, encoder: TextVectors | None) -> bool:
    """Whether no word of it is known: what is nearest in meaning is a guess then."""
    words = telling(query)
    return bool(words) and len(unknown_words(query, catalogue, encoder)) == len(words)


def notes_on(wish: Wish, catalogue: Catalogue, encoder: TextVectors | None) -> Iterator[str]:
    unknown = unknown_words(wish.query, catalogue, encoder)
    known = " ".join(word for word in telling(wish.query) if word not in unknown)
    understood = replace(wish, query=known).describe()
    if understood:
        yield f"understood: {understood}"
    if missed := not_understood(wish, catalogue, encoder):
        yield missed


def not_understood(wish: Wish, catalogue: Catalogue, encoder: TextVectors | None) -> str:
    """Empty where nothing was missed."""
    words = [*wish.unmet, *unknown_words(wish.query, catalogue, encoder)][:MOST_NAMED]
    guess = "; what is shown is a guess" if is_guessed(wish.query, catalogue, encoder) else ""
    return f"not understood: {', '.join(words)}{guess}" if words else ""
