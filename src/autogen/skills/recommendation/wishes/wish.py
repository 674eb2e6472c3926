"""One wish as it was understood, and how a later one goes on from it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from autogen.knowledge.catalogue import Filter
from autogen.skills.recommendation.request import Order
from autogen.skills.recommendation.wishes import words as words_


@dataclass(frozen=True)
class Wish:
    """`query`: what remains to be sought by meaning. `like`, `unlike`: ids of items named. `follows`: it goes on from
    what was shown. `refines`: what an earlier wish said holds, too. `unmet`: words for a number that no item has.
    `problem`: a question to ask back; empty where there is none."""

    query: str = ""
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
        return not (self.query or self.filters or self.like or self.unlike or self.order or self.follows)

    @property
    def only_orders(self) -> bool:
        return self.order is not None and replace(self, order=None).empty

    def describe(self) -> str:
        """In one line: "like Alien; genres Comedy; year 1990–1999"."""
        named = [f"like {', '.join(self.like)}"] if self.like else []
        named += [f"not like {', '.join(self.unlike)}"] if self.unlike else []
        ordered = [self.order.describe()] if self.order else []
        said = [self.query] if self.query else []
        return "; ".join([*named, *(one.describe() for one in self.filters), *ordered, *said])

    def refining(self, before: Wish) -> Wish:
        """The newer word on an attribute wins."""
        said = {one.attribute for one in self.filters}
        kept = tuple(one for one in before.filters if one.attribute not in said)
        return replace(
            self,
            query=self.query or before.query,
            filters=(*kept, *self.filters),
            like=(*before.like, *self.like) if not self.like else self.like,
            unlike=(*before.unlike, *self.unlike),
            order=self.order or before.order,
            refines=True,
        )

    def question(self) -> str:
        """What to ask back where the wish is empty or contradicts itself."""
        for one in self.filters:
            if one.at_least is not None and one.at_most is not None and one.at_least > one.at_most:
                first, second = Filter(one.attribute, at_least=one.at_least), Filter(one.attribute, at_most=one.at_most)
                return words_.CONTRADICTION.format(first=first.describe(), second=second.describe())
            if both := {*one.any_of} & {*one.none_of}:
                name = str(next(iter(both)))
                return words_.CONTRADICTION.format(first=name, second=f"not {name}")
        return words_.EMPTY if self.empty else ""
