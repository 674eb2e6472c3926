"""GET /v1/lexicon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from autogen.runtime.batcher import run_together
from autogen.skills.hosts import ServerHost
from autogen_sentiment.explaining import heaviest_words


class Word(BaseModel):
    """`weight`: how much the word speaks for the sentiment more than for the others."""

    word: str
    weight: float


class LexiconWords(BaseModel):
    """The heaviest words by sentiment, the heaviest first."""

    version: str
    skill: str
    sentiments: dict[str, list[Word]]


def add(router: APIRouter, host: ServerHost) -> None:
    """Add the route. What reads a model runs in a thread of its own, off the event loop."""

    def words_of_all(counts: Sequence[int]) -> list[LexiconWords | Exception]:
        champion = host.champion
        return run_together(lambda some: [_words(heaviest_words(champion, None, count)) for count in some], counts)

    batcher = host.batcher(words_of_all)

    @router.get("/lexicon")
    async def lexicon(n: Annotated[int, Query(ge=1, le=1000)] = 10) -> LexiconWords:
        return await batcher.submit(n)


def _words(found: dict[str, Any]) -> LexiconWords:
    return LexiconWords.model_validate(found)
