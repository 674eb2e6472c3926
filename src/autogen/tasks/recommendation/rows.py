"""A recommendation need as events to learn from, events to measure on, and the catalogue."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autogen.config.project import LearnFrom
from autogen.data.columns import ITEM_COLUMNS
from autogen.data.fingerprints import row_fingerprint
from autogen.data.names import name_key
from autogen.data.problems import Problem, listed
from autogen.data.readers.files import locate, read_rows
from autogen.data.rows import Row
from autogen.feedback.memory import Memory
from autogen.knowledge.catalogue import Catalogue
from autogen.tasks.recommendation.clicks import Click, apply_reviews, clicks_from_feedback, current_likes, teaches
from autogen.tasks.recommendation.event_files import read_events
from autogen.tasks.recommendation.interactions import DAY, Interactions, interactions_of, join_events
from autogen.tasks.recommendation.item_names import guess_item_names
from autogen.tasks.recommendation.metrics import RelevantItems, relevant_items
from autogen.tasks.recommendation.model import RecommenderCard
from autogen.tasks.recommendation.opinions import check_low_ratings
from autogen.tasks.recommendation.settings import RecommendationOptions
from autogen.tasks.task import Identity, Need, Summary

HELD_OUT_SHARE = 0.1  # of the users: their last event is measured on
MOST_HELD_OUT = 2_000
LAST_SHARE = 0.1  # of the events, where the split is by time
FEWEST_EVENTS = 3  # of a user whose last event may be held out
SET_ASIDE = 5  # of so many clicks, one is for the gate and never learnt from


@dataclass(frozen=True)
class Behaviour:
    """`events` and `eval_events` have the same items: those of the catalogue in its order, then those of events alone.

    `ended`: Unix seconds of the last event in the files; `lag`: seconds by which the data lags behind the clock;
    `eval_clicks`: clicks that are measured on too. They are queries of their own, also of users with eval events:
    joined to these, a batch of clicks would decide what is to be found there.
    """

    events: Interactions
    eval_events: Interactions
    catalogue: Catalogue
    split: str
    problems: tuple[Problem, ...]
    has_items: bool = True  # whether items say something of themselves
    min_rating: float | None = None  # events rated below are not what is to be found
    ended: float = 0.0
    lag: float = 0.0
    feedback: tuple[str, ...] = ()
    eval_clicks: Interactions = field(default_factory=lambda: interactions_of(()))
    corrections_of_eval: int = 0
    source: str = ""  # the file that is measured on, where it is not the need's own eval events
    notes: tuple[str, ...] = ()  # what was done to events without a problem
    join_names: bool = False  # users and items that differ in case or width alone are one

    @property
    def words(self) -> str:
        events, size = self.events, len(self.catalogue)
        items = np.unique(events.item)
        unknown = np.count_nonzero(items >= size)
        and_unknown = f" and {unknown:,} that it does not have" if unknown else ""
        return (
            f"{len(events):,} events of {len(np.unique(events.user)):,} users with {len(items) - unknown:,} of the "
            f"catalogue's {size:,} items{and_unknown}"
        )

    @property
    def texts(self) -> list[str]:
        return [self.catalogue.text_of(item) for item in self.catalogue.items] if self.has_items else []

    @property
    def all_eval_events(self) -> Interactions:
        """All that is measured on, in order of time."""
        clicks = self.eval_clicks
        names = ((clicks.users[user], clicks.items[item]) for user, item in zip(clicks.user, clicks.item, strict=True))
        times = zip(names, clicks.time, clicks.rating, strict=True)
        return join_events(self.eval_events, ((*name, float(time), float(rating)) for name, time, rating in times))

    def named(self, clicks: Sequence[Click]) -> list[Click]:
        """The clicks with users as the events write them, where names that differ in case or width alone are one."""
        usual = {name_key(user): user for user in self.events.users} if self.join_names else {}
        return [replace(click, user=usual.get(name_key(click.user), click.user)) for click in clicks]

    def queries(self) -> tuple[list[RelevantItems], list[RelevantItems]]:
        """What is measured: a user's events to be found again, by places in these events' items; of the eval events
        and of the eval clicks."""
        of_events, of_clicks = (
            relevant_items(events, {name: at for at, name in enumerate(events.items)}, self.min_rating)
            for events in (self.eval_events, self.eval_clicks)
        )
        return of_events, of_clicks

    def fingerprints(self) -> tuple[str, ...]:
        """One of each query: who, when, and what is to be found."""
        return tuple(
            row_fingerprint("\t".join((events.users[query.user], repr(query.now), *_names(events, query))))
            for events, queries in zip((self.eval_events, self.eval_clicks), self.queries(), strict=True)
            for query in queries
        )

    def identity(self) -> Identity:
        train_digest, eval_digest = digest(self.events), digest(self.all_eval_events)
        return Identity(
            train=train_digest,
            eval=eval_digest,
            train_rows=len(self.events),
            eval_rows=len(self.eval_events) + len(self.eval_clicks),
            learnt=frozenset(),
            measured=frozenset(self.fingerprints()),
            order=(train_digest, eval_digest),
        )

    def summary(self) -> Summary:
        return Summary(
            lines=(f"{self.words}.", f"Held out: {self.split}.", *self.notes),
            json={
                "labels": {},
                "held_out": self.split,
                "unlabelled": "",
                "learns_from": self.words,
                **({"notes": list(self.notes)} if self.notes else {}),
            },
        )


def _names(events: Interactions, query: RelevantItems) -> list[str]:
    return sorted(events.items[item] for item in query.items)


def read_behaviour(project: Path, need: Need) -> Behaviour:
    """Raises nothing for bad rows: each kind is a problem, and the report is for the caller to act on."""
    catalogue, problems = read_catalogue(project, need.source("items"), need.columns)
    ids = [item.id for item in catalogue.items]
    train = read_events(project, need.source("train"), need.columns, ids, need.join_names)
    events = train.events
    problems += train.problems
    if not need.source("items"):
        catalogue, _ = Catalogue.from_rows(
            Row({"item": name, "title": name}, "events", at) for at, name in enumerate(events.items)
        )
    elif len(events.items) > len(ids):
        problems.append(_unknown(events, catalogue, need))
    options = need.options
    assert isinstance(options, RecommendationOptions)
    sources = need.source("train")
    problems += check_low_ratings(events.rating, events.item, events.items, options.min_rating, sources[0])
    if need.source("eval"):
        files = need.source("eval")
        evaluation = read_events(project, files, need.columns, events.items, need.join_names, events.users)
        eval_events = evaluation.events
        problems += evaluation.problems
        words = f"{len(eval_events):,} events of the eval data"
    elif options.split == "time":
        events, eval_events = split_by_time(events, LAST_SHARE)
        words = f"the last {len(eval_events):,} events, {LAST_SHARE:.0%} of all"
    else:
        events, eval_events = hold_out(events, need.training.seed)
        words = f"the last event of {len(eval_events):,} users, a tenth of those with {FEWEST_EVENTS} events or more"
    ended = float(events.time[-1]) if len(events) else 0.0
    return Behaviour(
        events,
        eval_events,
        catalogue,
        words,
        tuple(problems),
        has_items=bool(need.source("items")),
        min_rating=options.min_rating,
        ended=ended,
        lag=lag_of(ended, None),
        notes=train.notes,
        join_names=need.join_names,
    )


def read_catalogue(
    project: Path, sources: Sequence[str], columns: Mapping[str, str]
) -> tuple[Catalogue, list[Problem]]:
    """Items of several files together. The columns of id and title are found by what people call them."""
    rows: list[Row] = []
    problems: list[Problem] = []
    for source in sources:
        file_rows, bad_rows = read_rows(locate(source, project))
        problems += bad_rows
        rows += [_named(row, columns) for row in file_rows]
    catalogue, bad_rows = Catalogue.from_rows(rows)
    return catalogue, [*problems, *bad_rows]


def _named(row: Row, columns: Mapping[str, str]) -> Row:
    values = dict(row.values)
    for column, names in ITEM_COLUMNS.items():
        name = next((candidate for candidate in (columns.get(column, column), *names) if candidate in values), None)
        if name is not None and column not in values:
            values[column] = values.pop(name)
    return replace(row, values=values)


def _unknown(events: Interactions, catalogue: Catalogue, need: Need) -> Problem:
    """Where every event names an item that the catalogue does not have, nothing could be recommended."""
    known, source = len(catalogue), need.source("train")[0]
    ids, titles = [item.id for item in catalogue.items], [item.title for item in catalogue.items]
    guess = guess_item_names(events.items[known:], ids, titles)
    if len(events) and known and not (events.item < known).any():
        message = (
            f"expected events with items of the catalogue, found none of its {known:,} in {len(events):,} events: they "
            f"name {listed(events.items[known : known + 3])}, it has {listed(ids[:3])}"
        )
        fix = guess or "name the column that holds the item's id with `columns`, in the events or in the catalogue"
        return Problem("error", "no-known-item", source, None, message, fix)
    count = int((events.item >= known).sum())
    message = (
        f"expected events with items of the catalogue, found {count:,} with {len(events.items) - known:,} others, such "
        f"as {events.items[known]!r}"
    )
    fix = "they teach what users like, but are not recommended; add them to `items` if they should be"
    return Problem("warning", "unknown-item", source, None, message, f"{fix}. {guess}" if guess else fix)


def hold_out(events: Interactions, seed: int) -> tuple[Interactions, Interactions]:
    """Without the last event of some users, and those alone."""
    counts = np.bincount(events.user, minlength=len(events.users))
    last = np.full(len(events.users), -1)
    last[events.user] = np.arange(len(events))
    users = np.flatnonzero(counts >= FEWEST_EVENTS)
    count = min(MOST_HELD_OUT, round(HELD_OUT_SHARE * len(users)))
    eval_users = np.random.default_rng(seed).choice(users, count, replace=False) if count else users[:0]
    is_eval: NDArray[np.bool_] = np.zeros(len(events), bool)
    is_eval[last[eval_users]] = True
    return events.where(~is_eval), events.where(is_eval)


def split_by_time(events: Interactions, share: float) -> tuple[Interactions, Interactions]:
    """The events before the moment after which this share of them lies, and the others, without those of users who had
    done nothing before: of them nothing is known. What happened at that very moment is held out."""
    if not len(events):
        return events, events
    moment = events.time[min(len(events) - 1, round((1 - share) * len(events)))]
    is_eval = events.time >= moment
    known = np.zeros(len(events.users), bool)
    known[events.user[~is_eval]] = True
    return events.where(~is_eval), events.where(is_eval & known[events.user])


LONG_AGO = 30 * DAY


def lag_of(ended: float, card: RecommenderCard | None) -> float:
    """By how many seconds data that ended long ago lags behind the clock: what is clicked today follows right after its
    end, or all that trended then would have faded. The champion's, while its files are the same."""
    if card is not None and card.ended >= ended:
        return card.lag
    seconds = time.time() - ended
    return seconds if seconds > LONG_AGO else 0.0


def with_clicks(data: Behaviour, clicks: Sequence[Click], lag: float) -> Behaviour:
    """Clicks join the events, `lag` seconds earlier than they were; some are set aside and are measured on."""
    dated = [replace(click, time=click.time - lag) for click in clicks if click.item in data.catalogue.position]
    train_clicks = [click for click in dated if not set_aside(click.answer or click.feedback)]
    eval_clicks = [click for click in dated if set_aside(click.answer or click.feedback)]
    return replace(
        data,
        events=join_events(data.events, _events(train_clicks)),
        eval_clicks=interactions_of(_events(eval_clicks)),
        lag=lag,
    )


def _events(clicks: Sequence[Click]) -> list[tuple[str, str, float, float]]:
    return [(click.learner, click.item, click.time, float("nan")) for click in clicks]


def set_aside(key: str) -> bool:
    """Whether what has this id, feedback or an answer that chance had a hand in, is for the gate."""
    return int(hashlib.sha256(key.encode()).hexdigest(), 16) % SET_ASIDE == 0


def liked_clicks(
    memory: Memory, skill: str, only: frozenset[str] | None = None, learn_from: LearnFrom = "reviewed"
) -> list[Click]:
    """What people clicked in answers of this skill and did not turn down since, of those who may teach; `only`: of this
    feedback.

    `answer` is kept where chance had a hand in it: such an answer is set aside as a whole, or those without a click
    would outweigh the others when clicks per answer are estimated.
    """
    explored_ids = {response.id for response in memory.responses.with_log(skill)}
    clicks = [
        click
        for click in read_clicks(memory, skill)
        if teaches(click.standing, learn_from) and (only is None or click.feedback in only)
    ]
    return [click if click.answer in explored_ids else replace(click, answer=None) for click in current_likes(clicks)]


def read_clicks(memory: Memory, skill: str) -> list[Click]:
    """What people liked and turned down in answers of this skill, in order of arrival, as a person has reviewed it."""
    feedback, who, _ = memory.feedback.since(0)
    entries = [entry for entry in feedback if entry.skill in (None, skill)]
    offered = memory.responses.offered({entry.response_id for entry in entries if entry.response_id})
    return clicks_from_feedback(apply_reviews(entries, memory.feedback.decisions()), who, offered)


def digest(events: Interactions) -> str:
    """Of events whatever the places of their users and items."""
    hasher = hashlib.sha256()
    for names, places in ((events.users, events.user), (events.items, events.item)):
        hasher.update(_hashes(names)[places].tobytes())
    hasher.update(events.time.tobytes())
    return hasher.hexdigest()[:16]


def _hashes(names: Sequence[str]) -> NDArray[np.uint64]:
    """64 bits for each name: a million names and ten million events are one lookup."""
    digests = (hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest() for name in names)
    return np.frombuffer(b"".join(digests), np.uint64)
