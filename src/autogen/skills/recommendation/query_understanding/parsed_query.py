"""A query in words as it was understood, and how a later one refines it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from autogen.knowledge.catalogue import Filter
from autogen.skills.recommendation.item_request import Order
from autogen.skills.recommendation.query_understanding import words as words_


@dataclass(frozen=True)
class ParsedQuery:
    """`free_text`: the words that remain, to be matched by their meaning. `like`, `unlike`: ids of items named.
    `follows`: it goes on from what was shown. `refines`: what an earlier query said holds, too. `unmet`: words for a
    number that no item has. `problem`: a question to ask back; empty where there is none."""

    free_text: str = ""
    filters: tuple[Filter, ...] = ()
    like: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    problem: str = ""
    follows: bool = False
    order: Order | None = None
    refines: bool = False
    unmet: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        return not (self.free_text or self.filters or self.like or self.unlike or self.order or self.follows)

    @property
    def only_orders(self) -> bool:
        return self.order is not None and replace(self, order=None).empty

    def describe(self) -> str:
        """In one line: "like Alien; genres Comedy; year 1990–1999"."""
        named = [f"like {', '.join(self.like)}"] if self.like else []
        named += [f"not like {', '.join(self.unlike)}"] if self.unlike else []
        ordered = [self.order.describe()] if self.order else []
        texts = [self.free_text] if self.free_text else []
        return "; ".join([*named, *(filter_.describe() for filter_ in self.filters), *ordered, *texts])

    def refine(self, earlier: ParsedQuery) -> ParsedQuery:
        """This query with what an earlier one said; on one attribute the newer constraint wins."""
        attributes = {filter_.attribute for filter_ in self.filters}
        earlier_filters = tuple(filter_ for filter_ in earlier.filters if filter_.attribute not in attributes)
        return replace(
            self,
            free_text=self.free_text or earlier.free_text,
            filters=(*earlier_filters, *self.filters),
            like=(*earlier.like, *self.like) if not self.like else self.like,
            unlike=(*earlier.unlike, *self.unlike),
            order=self.order or earlier.order,
            refines=True,
        )

    def question(self) -> str:
        """What to ask back where the query is empty or contradicts itself."""
        for filter_ in self.filters:
            if filter_.at_least is not None and filter_.at_most is not None and filter_.at_least > filter_.at_most:
                first, second = (
                    Filter(filter_.attribute, at_least=filter_.at_least),
                    Filter(filter_.attribute, at_most=filter_.at_most),
                )
                return words_.CONTRADICTION.format(first=first.describe(), second=second.describe())
            if both := {*filter_.any_of} & {*filter_.none_of}:
                name = str(next(iter(both)))
                return words_.CONTRADICTION.format(first=name, second=f"not {name}")
        return words_.EMPTY if self.empty else ""
