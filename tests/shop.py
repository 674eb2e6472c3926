"""A tiny shop of films: a catalogue, and users of two tastes who each go from one film to the next of their taste."""

from __future__ import annotations

import json
import random
from pathlib import Path

DAY = 86_400
BEGAN = 1_700_000_000  # 14 November 2023
FILMS = 12  # of each taste
QUICK = 'precision = "fp32", epochs = 30, learning_rate = 1e-2'  # a shop so small is learnt in seconds
NEW = "c-new"  # in the catalogue, and chosen by nobody yet


def film(taste: str, number: int) -> dict[str, object]:
    genre = "Comedy" if taste == "c" else "Horror"
    word = ("card", "euro", "wallet", "balance")[number % 4]
    return {
        "item": f"{taste}{number}",
        "title": f"The {word} {number} of {genre.lower()}",
        "year": 1980 + 2 * number,
        "genres": [genre],
        "price": 5.0 + number,
        "stock": number % 5,
    }


def catalogue() -> list[dict[str, object]]:
    films = [film(taste, number) for taste in "ch" for number in range(FILMS)]
    return [*films, {**film("c", 3), "item": NEW, "title": "Another card of comedy"}]


def events(users: int = 80, seed: int = 0) -> list[tuple[str, str, int, int]]:
    """(user, item, timestamp, rating), six or so of each user, in order of time."""
    chance = random.Random(seed)
    found = []
    for user in range(users):
        taste, first = "ch"[user % 2], chance.randrange(FILMS)
        start = BEGAN + chance.randrange(60 * DAY)
        for step in range(chance.randint(4, 8)):
            number = (first + step) % FILMS
            found.append((f"u{user}", f"{taste}{number}", start + step * DAY // 4, chance.randint(1, 10)))
    return sorted(found, key=lambda event: event[2])


def write_events(path: Path, rows: list[tuple[str, str, int, int]]) -> Path:
    lines = [f"{user},{item},{time},{rating}\n" for user, item, time, rating in rows]
    path.write_text("user,item,timestamp,rating\n" + "".join(lines), "utf-8")
    return path


def write_shop(
    folder: Path, base_model: Path, users: int = 80, more: str = "", items: bool = True, training: str = QUICK
) -> Path:
    """A project that nothing has been trained in; `more`: lines for its skill; `training`: its settings of training, or
    none where `more` has them."""
    (folder / "data").mkdir(parents=True)
    write_events(folder / "data/interactions.csv", events(users))
    lines = [json.dumps(item) for item in catalogue()]
    (folder / "data/items.jsonl").write_text("\n".join(lines), "utf-8")
    named = 'items = "data/items.jsonl"' if items else ""
    trained = f"training = {{ {training} }}" if training else ""
    text = f"""
[agent]
name = "films"
base_model = "{base_model}"

[skills.films]
type = "recommendation"
interactions = "data/interactions.csv"
{named}
{trained}
{more}

[gate]
min_rows = 5
latency_ratio = 100.0  # a test may share the processor
"""
    (folder / "agent.toml").write_text(text, "utf-8")
    return folder
