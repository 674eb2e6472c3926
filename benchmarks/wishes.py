"""Wishes in words: of the film that a seeker accepted in a real conversation, how often it is among the ten that the
agent shows for what the seeker had said before it was named.

The conversations are INSPIRED's (Hayati et al. 2020), the catalogue a trained project's: conversations that ended with
the seeker accepting a film which the catalogue has. What the seeker named as seen is part of what is asked. Beside it:
what trends, whatever was said; the text's meaning alone; and the constraints alone.

    autogen train -p films
    python benchmarks/wishes.py --data inspired --project films
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autogen import Agent
from autogen.knowledge.catalogue import Catalogue
from autogen.knowledge.titles import Titles
from autogen.knowledge.words import plain_words
from autogen.skills.recommendation.answering import ItemRequest, RecommendationSkill
from autogen.skills.recommendation.recommend import recommender_of
from autogen.skills.recommendation.request_parsing import parse_request
from measuring import options, report, spread

ACCEPTED = ("accept_rating_good", "accept_rating_mod")
TOP = 10


@dataclass(frozen=True)
class Conversation:
    """What the seeker said before the film was named, and the film."""

    said: str
    film: str


def parse() -> argparse.Namespace:
    parser = options(__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="with train and dev")
    parser.add_argument("--project", type=Path, required=True, metavar="DIR", help="trained, on films")
    parser.add_argument("--part", choices=["train", "dev", "both"], default="both")
    return parser.parse_args()


def conversations(given: argparse.Namespace, catalogue: Catalogue) -> list[Conversation]:
    parts = ["train", "dev"] if given.part == "both" else [given.part]
    rows: list[dict[str, Any]] = []
    for part in parts:
        with gzip.open(given.data / f"{part}.jsonl.gz", "rt", encoding="utf-8") as file:
            rows += [json.loads(line) for line in file]
    titles = Titles(catalogue)
    return [found for row in rows if row["case"] in ACCEPTED and (found := _conversation(row, titles, catalogue))]


def _conversation(row: dict[str, Any], titles: Titles, catalogue: Catalogue) -> Conversation | None:
    """The film is the last that the recommender named; it counts if the catalogue has it of that year."""
    turns = row["turns"]
    named = [(at, film) for at, turn in enumerate(turns) if turn["speaker"] == "recommender" for film in turn["movies"]]
    if not named:
        return None
    film = named[-1][1]
    first = next(at for at, turn in enumerate(turns) if film in turn["movies"])
    year = re.search(r"\((\d{4})\)$", film)
    places = titles.find(plain_words(re.sub(r"\s*\(\d{4}\)$", "", film)))
    same = [at for at in places if year is None or catalogue.items[at].values.get("year") == float(year[1])]
    said = " ".join(turn["text"] for turn in turns[:first] if turn["speaker"] == "seeker")
    return Conversation(said, catalogue.items[same[0]].id) if same and said.strip() else None


def main() -> None:
    given = parse()
    agent = Agent.load(given.project)
    skill = recommender_of(agent)[1]
    catalogue = skill.catalogue
    asked = conversations(given, catalogue)
    ways: dict[str, list[ItemRequest]] = {
        "all of what was said": [],
        "its meaning alone": [],
        "its constraints alone": [],
    }
    for one in asked:
        whole = replace(parse_request(skill, None, (), one.said[:2000], {}, TOP, ()).request, count=TOP)
        ways["all of what was said"].append(whole)
        ways["its meaning alone"].append(ItemRequest(query=one.said[:2000], count=TOP))
        ways["its constraints alone"].append(replace(whole, query="", like=(), unlike=()))
    ways["nothing: what trends"] = [ItemRequest(count=TOP) for _ in asked]
    lines = [_line(name, skill, requests, asked) for name, requests in ways.items()]
    title = f"{len(asked)} conversations that ended with a film of the catalogue's {len(catalogue)}"
    report(title, given, ("", "recall@10 %", "films"), lines, recall=lines)


def _line(
    name: str, skill: RecommendationSkill, requests: Sequence[ItemRequest], asked: Sequence[Conversation]
) -> list[object]:
    hits = [
        one.film in [found.item.id for found in skill.recommend(request)]
        for request, one in zip(requests, asked, strict=True)
    ]
    return [name, spread([sum(hits) / len(hits)], 100, 1), sum(hits)]


if __name__ == "__main__":
    main()
