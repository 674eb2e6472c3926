"""What a recommender is asked, by whom: kept with an answer, so that another version can be asked the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from autogen.knowledge.catalogue import Filter


@dataclass(frozen=True)
class Order:
    """By which number items are shown: the least of it first, or the most."""

    attribute: str
    least: bool

    def describe(self) -> str:
        """In words, such as "least price first"."""
        return f"{'least' if self.least else 'most'} {self.attribute.replace('_', ' ')} first"


@dataclass(frozen=True)
class ItemRequest:
    """What is asked for: by whom (`user`, or an anonymous `history` of ids, the oldest first), in which conversation,
    and what."""

    user: str | None = None
    history: tuple[str, ...] = ()
    query: str = ""
    filters: tuple[Filter, ...] = ()
    count: int | None = None
    exclude: tuple[str, ...] = ()
    like: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    diversity: float | None = None
    order: Order | None = None
    conversation: str | None = None

    def to_json(self) -> dict[str, Any]:
        values: dict[str, Any] = _ITEM_REQUEST.dump_python(self, mode="json")
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ItemRequest:
        """What `to_json` gave. Raises ValueError."""
        return _ITEM_REQUEST.validate_python(dict(values))


_ITEM_REQUEST = TypeAdapter(ItemRequest)
