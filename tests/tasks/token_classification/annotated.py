"""Sentences whose entities a tiny model learns in seconds: each word of a topic is an entity of its name."""

from __future__ import annotations

from typing import Any

from tests.tiny import TOPICS, rows

LABEL_OF = {word: label for label, words in TOPICS.items() for word in words}


def entities_of(text: str) -> list[dict[str, Any]]:
    found, start = [], 0
    for word in text.split(" "):
        if word in LABEL_OF:
            found.append({"start": start, "end": start + len(word), "label": LABEL_OF[word]})
        start += len(word) + 1
    return found


def annotated(per_label: int, seed: int) -> list[dict[str, Any]]:
    """Rows with `text` and `entities`; entities side by side are apart all the same."""
    return [{"text": text, "entities": entities_of(text)} for text, _ in rows(per_label, seed=seed)]
