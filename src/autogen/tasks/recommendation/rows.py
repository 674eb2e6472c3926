"""A recommendation need as events to learn from, events to measure on, and the catalogue."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autogen.data.columns import ITEM_COLUMNS
from autogen.data.fingerprints import row_fingerprint
from autogen.data.problems import Problem
from autogen.data.readers.files import locate, read_rows
from autogen.data.rows import Row
from autogen.feedback.memory import Memory
from autogen.knowledge.catalogue import Catalogue
from autogen.tasks.recommendation.clicks import Click, clicks, standing
from autogen.tasks.recommendation.interactions import (
    DAY,
    Interactions,
    interactions_of,
    joined,
    read_interactions,
)
from autogen.tasks.recommendation.metrics import Relevant, relevant
from autogen.tasks.recommendation.model import RecommenderCard
from autogen.tasks.recommendation.settings import RecommendationOptions
from autogen.tasks.task import Identity, Need, Summary

HELD_OUT_SHARE = 0.1  # of the users: their last event is measured on
MOST_HELD_OUT = 2_000
LAST_SHARE = 0.1  # of the events, where the split is by time
FEWEST_EVENTS = 3  # of a user whose last event may be held out
SET_ASIDE = 5  # of so many clicks, one is for the gate and never learnt from


@dataclass(frozen=True)
class Behaviour:
    """`events` and `held_out` have the same items: those of the catalogue in its order, then those of events alone.

    `ended`: Unix seconds of the last event in the files; `lag`: seconds by which the data lags behind the clock;
    `set_aside`: clicks that are measured on too. They are queries of their own, also of users with held-out events:
    joined to these, a batch of clicks would decide what is to be found there.
    """

    events: Interactions
    held_out: Interactions
    catalogue: Catalogue
    split: str
    problems: tuple[Problem, ...]
    has_items: bool = True  # whether items say something of themselves
    min_rating: float | None = None  # events rated below are not what is to be found
    ended: float = 0.0
    lag: float = 0.0
    feedback: tuple[str, ...] = ()
    set_aside: Interactions = field(default_factory=lambda: interactions_of(()))
    corrections_of_eval: int = 0
    source: str = ""  # the file that is measured on, where it is not the need's own eval events

    @property
    def words(self) -> str:
        events, size = self.events, len(self.catalogue)
        chosen = np.unique(events.item)
        others = np.count_nonzero(chosen >= size)
        of_others = f" and {others:,} that it does not have" if others else ""
        return (
            f"{len(events):,} events of {len(np.unique(events.user)):,} users with {len(chosen) - others:,} of the "
            f"catalogue's {size:,} items{of_others}"
        )

    @property
    def texts(self) -> list[str]:
        return [self.catalogue.text_of(item) for item in self.catalogue.items] if self.has_items else []

    @property
    def measured(self) -> Interactions:
        """All that is measured on, in order of time."""
        part = self.set_aside
        names = ((part.users[user], part.items[item]) for user, item in zip(part.user, part.item, strict=True))
        times = zip(names, part.time, part.rating, strict=True)
        return joined(self.held_out, ((*name, float(time), float(rating)) for name, time, rating in times))

    def queries(self) -> tuple[list[Relevant], list[Relevant]]:
        """What is measured: a user's events to be found again, by places in their part's items; of the held-out events
        and of the clicks set aside."""
        held_out, set_aside = (
            relevant(part, {name: at for at, name in enumerate(part.items)}, self.min_rating)
            for part in (self.held_out, self.set_aside)
        )
        return held_out, set_aside

    def fingerprints(self) -> tuple[str, ...]:
        """One of each query: who, when, and what is to be found."""
        return tuple(
            row_fingerprint("\t".join((part.users[query.user], repr(query.now), *_names(part, query))))
            for part, queries in zip((self.held_out, self.set_aside), self.queries(), strict=True)
            for query in queries
        )

    def identity(self) -> Identity:
        train, measured = digest(self.events), digest(self.measured)
        return Identity(
            train=train,
            eval=measured,
            train_rows=len(self.events),
            eval_rows=len(self.held_out) + len(self.set_aside),
            learnt=frozenset(),
            measured=frozenset(self.fingerprints()),
            order=(train, measured),
        )

    def summary(self) -> Summary:
        return Summary(
            lines=(f"{self.words}.", f"Held out: {self.split}."),
            json={"labels": {}, "held_out": self.split, "unlabelled": "", "learns_from": self.words},
        )


def _names(part: Interactions, query: Relevant) -> list[str]:
    return sorted(part.items[item] for item in query.items)


def read_behaviour(project: Path, need: Need) -> Behaviour:
    """Raises nothing for bad rows: each kind is a problem, and the report is for the caller to act on."""
    catalogue, problems = read_catalogue(project, need.source("items"), need.columns)
    known = [item.id for item in catalogue.items]
    events, found = read_interactions(project, need.source("train"), need.columns, known)
    problems += found
    if not need.source("items"):
        catalogue, _ = Catalogue.from_rows(
            Row({"item": name, "title": name}, "events", at) for at, name in enumerate(events.items)
        )
    elif len(events.items) > len(known):
        problems.append(_unknown(events, len(known), need))
    options = need.options
    assert isinstance(options, RecommendationOptions)
    if need.source("eval"):
        held_out, found = read_interactions(project, need.source("eval"), need.columns, events.items)
        problems += found
        words = f"{len(held_out):,} events of the eval data"
    elif options.split == "time":
        events, held_out = since(events, LAST_SHARE)
        words = f"the last {len(held_out):,} events, {LAST_SHARE:.0%} of all"
    else:
        events, held_out = hold_out(events, need.training.seed)
        words = f"the last event of {len(held_out):,} users, a tenth of those with {FEWEST_EVENTS} events or more"
    ended = float(events.time[-1]) if len(events) else 0.0
    return Behaviour(
        events,
        held_out,
        catalogue,
        words,
        tuple(problems),
        has_items=bool(need.source("items")),
        min_rating=options.min_rating,
        ended=ended,
        lag=lag_of(ended, None),
    )


def read_catalogue(
    project: Path, sources: Sequence[str], columns: Mapping[str, str]
) -> tuple[Catalogue, list[Problem]]:
    """Items of several files together. The columns of id and title are found by what people call them."""
    rows: list[Row] = []
    problems: list[Problem] = []
    for source in sources:
        read, found = read_rows(locate(source, project))
        problems += found
        rows += [_named(row, columns) for row in read]
    catalogue, found = Catalogue.from_rows(rows)
    return catalogue, [*problems, *found]


def _named(row: Row, columns: Mapping[str, str]) -> Row:
    values = dict(row.values)
    for column, names in ITEM_COLUMNS.items():
        name = next((one for one in (columns.get(column, column), *names) if one in values), None)
        if name is not None and column not in values:
            values[column] = values.pop(name)
    return replace(row, values=values)


def _unknown(events: Interactions, known: int, need: Need) -> Problem:
    count = int((events.item >= known).sum())
    message = (
        f"expected events with items of the catalogue, found {count:,} with {len(events.items) - known:,} others, such "
        f"as {events.items[known]!r}"
    )
    fix = "they teach what users like, but are not recommended; add them to `items` if they should be"
    return Problem("warning", "unknown-item", need.source("train")[0], None, message, fix)


def hold_out(events: Interactions, seed: int) -> tuple[Interactions, Interactions]:
    """Without the last event of some users, and those alone."""
    counts = np.bincount(events.user, minlength=len(events.users))
    last = np.full(len(events.users), -1)
    last[events.user] = np.arange(len(events))
    users = np.flatnonzero(counts >= FEWEST_EVENTS)
    count = min(MOST_HELD_OUT, round(HELD_OUT_SHARE * len(users)))
    chosen = np.random.default_rng(seed).choice(users, count, replace=False) if count else users[:0]
    held: NDArray[np.bool_] = np.zeros(len(events), bool)
    held[last[chosen]] = True
    return events.where(~held), events.where(held)


def since(events: Interactions, share: float) -> tuple[Interactions, Interactions]:
    """The events before the moment after which this share of them lies, and the others, without those of users who had
    done nothing before: of them nothing is known. What happened at that very moment is held out."""
    if not len(events):
        return events, events
    moment = events.time[min(len(events) - 1, round((1 - share) * len(events)))]
    late = events.time >= moment
    known = np.zeros(len(events.users), bool)
    known[events.user[~late]] = True
    return events.where(~late), events.where(late & known[events.user])


LONG_AGO = 30 * DAY


def lag_of(ended: float, card: RecommenderCard | None) -> float:
    """By how many seconds data that ended long ago lags behind the clock: what is clicked today follows right after its
    end, or all that trended then would have faded. The champion's, while its files are the same."""
    if card is not None and card.ended >= ended:
        return card.lag
    behind = time.time() - ended
    return behind if behind > LONG_AGO else 0.0


def with_clicks(data: Behaviour, found: Sequence[Click], lag: float) -> Behaviour:
    """Clicks join the events, `lag` seconds earlier than they were; some are set aside and are measured on."""
    liked = [replace(one, time=one.time - lag) for one in found if one.item in data.catalogue.position]
    learnt = [one for one in liked if not set_aside(one.answer or one.feedback)]
    aside = [one for one in liked if set_aside(one.answer or one.feedback)]
    return replace(
        data,
        events=joined(data.events, _events(learnt)),
        set_aside=interactions_of(_events(aside)),
        lag=lag,
    )


def _events(liked: Sequence[Click]) -> list[tuple[str, str, float, float]]:
    return [(one.user, one.item, one.time, float("nan")) for one in liked]


def set_aside(key: str) -> bool:
    """Whether what has this id, feedback or an answer that chance had a hand in, is for the gate."""
    return int(hashlib.sha256(key.encode()).hexdigest(), 16) % SET_ASIDE == 0


def clicks_of(memory: Memory, skill: str, only: frozenset[str] | None = None) -> tuple[list[Click], tuple[str, ...]]:
    """What people clicked in answers of this skill and did not turn down since, and the ids of that feedback; `only`:
    of these.

    `answer` is kept where chance had a hand in it: such an answer is set aside as a whole, or those without a click
    would outweigh the others when clicks per answer are estimated.
    """
    explored = {one.id for one in memory.responses.with_log(skill)}
    wanted = [one for one in said_of(memory, skill) if only is None or one.feedback in only]
    found = [one if one.answer in explored else replace(one, answer=None) for one in standing(wanted)]
    return found, tuple(sorted({one.feedback for one in found}))


def said_of(memory: Memory, skill: str) -> list[Click]:
    """What people liked and turned down in answers of this skill, in order of arrival."""
    feedback, who, _ = memory.feedback.since(0)
    return clicks([one for one in feedback if one.skill in (None, skill)], who)


def digest(events: Interactions) -> str:
    """Of events whatever the places of their users and items."""
    found = hashlib.sha256()
    for names, places in ((events.users, events.user), (events.items, events.item)):
        found.update(_hashes(names)[places].tobytes())
    found.update(events.time.tobytes())
    return found.hexdigest()[:16]


def _hashes(names: Sequence[str]) -> NDArray[np.uint64]:
    """64 bits for each name: a million names and ten million events are one lookup."""
    each = (hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest() for name in names)
    return np.frombuffer(b"".join(each), np.uint64)
