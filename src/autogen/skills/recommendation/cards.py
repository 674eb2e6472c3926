"""What a person is shown of an item: one line, numbered, with what it costs and the evidence for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autogen.knowledge.catalogue import Catalogue, Item

LONGEST_LINE = 100  # characters of a card that says all of an item's texts


@dataclass(frozen=True, slots=True)
class ScoredItem:
    """One item: how likely it is that it is wanted (0–1, among all items), and the evidence for it."""

    item: Item
    score: float
    reason: str

    def to_json(self) -> dict[str, Any]:
        return {"item": self.item.id, "title": self.item.title, "score": self.score, "reason": self.reason}


def cards(items: Sequence[ScoredItem], catalogue: Catalogue) -> str:
    lines = []
    for number, scored in enumerate(items, start=1):
        about = catalogue.text_of(scored.item)
        line = about if len(about) < LONGEST_LINE else scored.item.title
        lines.append(f"{number}. {line}{_costs(scored.item, catalogue)} ({scored.reason})")
    return "\n".join(lines)


def _costs(item: Item, catalogue: Catalogue) -> str:
    """Its amount of money, by the attribute's name: whoever says "cheaper" wants to see than what."""
    money = catalogue.money()
    amount = item.values.get(money.name) if money else None
    return f" · {money.name.replace('_', ' ')} {amount:.2f}" if money and isinstance(amount, float) else ""
