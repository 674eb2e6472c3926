"""Names of users and items in events: those that differ in case or width alone, asked about or joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from autogen.data.names import name_key
from autogen.data.problems import Problem, shown
from autogen.tasks.recommendation.interactions import Interactions, Places

EXAMPLES = 3  # groups of names that a finding lists


def check_names(events: Interactions, source: str) -> list[Problem]:
    """A warning each for users and items that differ in case or width alone."""
    problems = []
    for kind, names, places in (("user", events.users, events.user), ("item", events.items, events.item)):
        groups = _similar(names)
        if groups:
            rows = np.bincount(places, minlength=len(names))
            examples = "; ".join(
                ", ".join(f"{shown(names[at])} ({rows[at]:,} events)" for at in group) for group in groups[:EXAMPLES]
            )
            message = f"expected each {kind} written in one way, found {len(groups):,} in several: {examples}"
            fix = "write each in one way, or let them be one: `join_names = true` for the skill in agent.toml"
            problems.append(Problem("warning", "similar-names", source, None, message, fix))
    return problems


def _similar(names: Sequence[str]) -> list[list[int]]:
    """Places of names that have the same key, in groups of two and more."""
    by_key: dict[str, list[int]] = {}
    for at, name in enumerate(names):
        by_key.setdefault(name_key(name), []).append(at)
    return [group for group in by_key.values() if len(group) > 1]


def join_names(events: Interactions, users: Sequence[str], items: Sequence[str]) -> Interactions:
    """With users and items that differ in case or width alone as one: as `users` and `items` write them, else as most
    events do. `items` are the first of the events' items and keep their places."""
    user_names, user_places = _joined(events.users, events.user, users, keep=0)
    item_names, item_places = _joined(events.items, events.item, items, keep=len(items))
    return Interactions(
        user_names, item_names, user_places[events.user], item_places[events.item], events.time, events.rating
    )


def _joined(names: Sequence[str], places: Places, known: Sequence[str], keep: int) -> tuple[tuple[str, ...], Places]:
    """The names that are left, and the new place of each of the old ones; the first `keep` are never joined."""
    rows = np.bincount(places, minlength=len(names))
    usual: dict[str, str] = {}
    for at in sorted(range(len(names)), key=lambda at: (rows[at], names[at])):
        usual[name_key(names[at])] = names[at]
    usual |= {name_key(name): name for name in known}
    left = {name: at for at, name in enumerate(names[:keep])}
    new = [at if at < keep else left.setdefault(usual[name_key(name)], len(left)) for at, name in enumerate(names)]
    return tuple(left), np.array(new, np.int32)


def note_names(kind: str, written: Mapping[str, str]) -> tuple[str, ...]:
    """A note on names that are read without what cannot be seen; `written`: plain name to how it stands there."""
    if not written:
        return ()
    name, otherwise = next(iter(written.items()))
    return (f"Names read as plain: {len(written):,} of {kind}s, such as {shown(otherwise)} as {shown(name)}.",)
