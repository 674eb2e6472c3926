"""What users did with items: events side by side, in the order of their time."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autogen.tasks.recommendation.times import DAY, Times

__all__ = ["DAY", "EventLog", "Interactions", "Places", "Times", "interactions_of", "join_events", "sort_events"]

Places = NDArray[np.int32]


@dataclass(frozen=True)
class Interactions:
    """Events side by side, in order of time (ties as they stood in the files): who, what, when.

    `user` and `item`: int32 of shape (events,), places in `users` and `items`. `time`: Unix seconds. `rating`: float32,
    NaN where none was given.
    """

    users: tuple[str, ...]
    items: tuple[str, ...]
    user: Places
    item: Places
    time: Times
    rating: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.user)

    def where(self, mask: NDArray[np.bool_]) -> Interactions:
        """The events for which `mask` is true, with the same users and items."""
        return Interactions(
            self.users, self.items, self.user[mask], self.item[mask], self.time[mask], self.rating[mask]
        )


def interactions_of(
    events: Iterable[tuple[str, str, float, float]], users: Sequence[str] = (), items: Sequence[str] = ()
) -> Interactions:
    """Events (user, item, Unix seconds, rating or NaN) in any order. Known `users` and `items` keep their places."""
    log = EventLog(users, items)
    for user, item, time, rating in events:
        log.add(user, item, time, rating)
    return sort_events(log.events())


def join_events(events: Interactions, others: Iterable[tuple[str, str, float, float]]) -> Interactions:
    """The events and others, which may be of new users and items."""
    log = EventLog(events.users, events.items)
    for user, item, time, rating in others:
        log.add(user, item, time, rating)
    added = log.events()
    return sort_events(
        Interactions(
            added.users,
            added.items,
            np.concatenate([events.user, added.user]),
            np.concatenate([events.item, added.item]),
            np.concatenate([events.time, added.time]),
            np.concatenate([events.rating, added.rating]),
        )
    )


def sort_events(events: Interactions) -> Interactions:
    """In order of time, ties as they stood."""
    order = np.argsort(events.time, kind="stable")
    return Interactions(
        events.users, events.items, events.user[order], events.item[order], events.time[order], events.rating[order]
    )


class EventLog:
    """Events as they come, side by side."""

    def __init__(self, users: Sequence[str], items: Sequence[str]) -> None:
        self._users = {name: at for at, name in enumerate(users)}
        self._items = {name: at for at, name in enumerate(items)}
        self._user, self._item, self._time, self._rating = array("i"), array("i"), array("d"), array("f")

    def __len__(self) -> int:
        return len(self._user)

    def add(self, user: str, item: str, time: float, rating: float) -> None:
        self._user.append(self._users.setdefault(user, len(self._users)))
        self._item.append(self._items.setdefault(item, len(self._items)))
        self._time.append(time)
        self._rating.append(rating)

    def events(self) -> Interactions:
        """As they came."""
        return Interactions(
            tuple(self._users),
            tuple(self._items),
            np.array(self._user, np.int32),
            np.array(self._item, np.int32),
            np.array(self._time, np.float64),
            np.array(self._rating, np.float32),
        )
