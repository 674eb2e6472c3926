"""Clicks on one item under invented names, on the template `recommendation`: how many users it is brought to.

Each name asks once and clicks on a film that one person ever chose, as the server would keep it: with or without
somebody who vouches for the names, on an answer that showed the film or not. Counted is in whose ten best it then
stands: of users with a history, and of a new one; first before, then at once, then after `improve`, whose batch has
honest clicks too. Beside it what happened if everybody were believed ("everybody"), as the owner is.

Honest clicks are the held-out choices of users with a history, the earlier half of them, in answers that showed them:
what they do is measured by the later half (hit rate among the ten best), by the clickers' own lists, and by how much of
what trends moved as it would if everybody were believed.

`rule` replays data of several kinds instead: of the last quarter of its events, how many would count as clicks, and
what the most popular of the week are worth for the events that follow, by how many newcomers count for each known
user.

    python benchmarks/click_poisoning.py attack
    python benchmarks/click_poisoning.py honest --project DIR    (a template that was trained before)
    python benchmarks/click_poisoning.py improve --project DIR
    python benchmarks/click_poisoning.py rule
"""

from __future__ import annotations

import argparse
import math
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autogen import Agent, Project
from autogen.cli.main import main as autogen
from autogen.errors import Refused
from autogen.knowledge.catalogue import Catalogue
from autogen.progress import TrainingProgress
from autogen.skills.recommendation.answering import RecommendationSkill
from autogen.skills.recommendation.item_request import ItemRequest
from autogen.skills.recommendation.recommend import recommend, recommender_of
from autogen.tasks.recommendation.admission import Admission
from autogen.tasks.recommendation.clicks import Click, Standing
from autogen.tasks.recommendation.event_files import read_interactions
from autogen.tasks.recommendation.interactions import Interactions
from autogen.tasks.recommendation.trend import WEEK, Trend, top
from measuring import HERE, options, report, say

SIZES = (20, 100, 300)
NEW = "nobody has seen me"
EVERYBODY = {"trusted": True}  # believed as the owner is
VOUCHED = {"trusted": False, "vouched": True}
STRANGER = {"trusted": False, "vouched": False}
DATA = {
    "recommendation": ["interactions.csv"],
    "shop": ["interactions.csv.gz"],
    "finance-products": ["interactions.csv.gz"],
}  # of people, and of simulated customers
SEEN_IN = 100  # items of an answer in which something is found to be clicked


def parse() -> argparse.Namespace:
    parser = options(__doc__)
    parser.add_argument("part", choices=("attack", "honest", "improve", "rule"))
    parser.add_argument("--project", type=Path, metavar="DIR", help="trained from the template; else it is trained")
    parser.add_argument("--users", type=int, default=200, metavar="N", help="with a history, that are looked at")
    parser.add_argument("--targets", type=int, default=3, metavar="N", help="films, drawn one by one")
    return parser.parse_args()


@contextmanager
def copy_of(project: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(shutil.copytree(project, Path(folder) / "films"))


def train_template(folder: Path) -> Path:
    project = folder / "films"
    autogen(["init", str(project), "--template", "recommendation"], standalone_mode=False)
    Project.open(project).train(progress=TrainingProgress(quiet=True))
    return project


@dataclass(frozen=True)
class Reach:
    """In whose ten best an item stands, as shares."""

    known: float
    first: float
    new: float

    def cells(self) -> list[str]:
        return [f"{share:.1%}" for share in (self.known, self.first, self.new)]


def reach(skill: RecommendationSkill, item: str, users: Sequence[str]) -> Reach:
    lists = [skill.best(ItemRequest(user=user, count=10)) for user in users]
    known, first = (np.mean([item in names[:count] for names in lists]) for count in (10, 1))
    return Reach(float(known), float(first), float(item in skill.best(ItemRequest(user=NEW, count=10))))


def attack(agent: Agent, item: str, names: int, shown: bool, standing: dict[str, bool]) -> int:
    """One click of each name: how many answers were as the attacker would have them."""
    title = title_of(recommender_of(agent)[1].catalogue, item)
    done = 0
    for number in range(names):
        name = f"invented {number}"
        request = ItemRequest(user=name, count=SEEN_IN, query=title) if shown else ItemRequest(user=name)
        answer = recommend(agent, request)
        done += (item in {scored.item.id for scored in answer.items}) == shown
        agent.feedback(answer.id, label=item, user=name, source="http", **standing)
    return done


def title_of(catalogue: Catalogue, item: str) -> str:
    return catalogue.items[catalogue.position[item]].title


def honest_halves(project: Path) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(user, item) of the held-out choices in order of time, the earlier half and the later one."""
    events: Interactions = read_interactions(project, ["data/eval.csv"], {})[0]
    pairs = [(events.users[u], events.items[i]) for u, i in zip(events.user, events.item, strict=True)]
    return pairs[: len(pairs) // 2], pairs[len(pairs) // 2 :]


def click_honestly(agent: Agent, pairs: Sequence[tuple[str, str]], standing: dict[str, bool]) -> list[tuple[str, str]]:
    """Those of them that an answer to the title showed, and so were clicked."""
    catalogue, clicked = recommender_of(agent)[1].catalogue, []
    for user, item in pairs:
        if item not in catalogue.position:
            continue
        answer = recommend(agent, ItemRequest(user=user, count=20, query=title_of(catalogue, item)))
        if item in {scored.item.id for scored in answer.items}:
            agent.feedback(answer.id, label=item, user=user, source="http", **standing)
            clicked.append((user, item))
    return clicked


def hit_rate(skill: RecommendationSkill, pairs: Sequence[tuple[str, str]]) -> float:
    return float(np.mean([item in skill.best(ItemRequest(user=user, count=10)) for user, item in pairs]))


def week_counts(skill: RecommendationSkill) -> np.ndarray[Any, np.dtype[np.float32]]:
    return skill.live.counts(skill.live.clock())[WEEK]


def targets_of(skill: RecommendationSkill, count: int) -> list[str]:
    """Films of the catalogue that one person ever chose."""
    chosen = np.bincount(skill.live.model.events.item, minlength=len(skill.live.model.items))
    rare = np.flatnonzero(chosen[: len(skill.catalogue)] == 1)
    return [skill.live.model.items[at] for at in np.random.default_rng(0).choice(rare, count, replace=False)]


def attack_lines(given: argparse.Namespace, project: Path, users: Sequence[str]) -> list[list[object]]:
    targets = targets_of(recommender_of(Agent.load(project))[1], given.targets)
    lines: list[list[object]] = []
    kinds = [("everybody", EVERYBODY), ("vouched for", VOUCHED), ("nobody vouches", STRANGER)]
    for words, standing in kinds:
        for shown in (False, True):
            for names in SIZES if standing is not EVERYBODY or not shown else ():
                results = []
                for target in targets:
                    with copy_of(project) as folder:
                        agent = Agent.load(folder)
                        before = reach(recommender_of(agent)[1], target, users)
                        done = attack(agent, target, names, shown, standing)
                        results.append((before, reach(recommender_of(agent)[1], target, users), done))
                before, after = (mean_reach([result[at] for result in results]) for at in (0, 1))
                as_wanted = sum(result[2] for result in results) / (names * len(targets))
                lines.append([words, "yes" if shown else "no", names, f"{as_wanted:.0%}", *before, *after])
                say(str(lines[-1]))
    return lines


def mean_reach(reaches: Sequence[Reach]) -> list[str]:
    names = ("known", "first", "new")
    return Reach(*(float(np.mean([getattr(entry, name) for entry in reaches])) for name in names)).cells()


def honest_lines(project: Path) -> list[list[object]]:
    earlier, later = honest_halves(project)
    lines: list[list[object]] = []
    moved: dict[str, Any] = {}
    for words, standing in (
        ("none", None),
        ("everybody", EVERYBODY),
        ("vouched for", VOUCHED),
        ("strangers", STRANGER),
    ):
        with copy_of(project) as folder:
            agent = Agent.load(folder)
            start = week_counts(recommender_of(agent)[1])
            clicked = click_honestly(agent, earlier, standing) if standing is not None else []
            skill = recommender_of(agent)[1]
            moved[words] = week_counts(skill) - start
            own = np.mean([item not in skill.best(ItemRequest(user=user, count=100)) for user, item in clicked] or [0])
            everything = max(float(np.maximum(moved.get("everybody", moved[words]), 0).sum()), 1e-9)
            share = float(np.maximum(moved[words], 0).sum()) / everything
            lines.append([words, len(clicked), f"{hit_rate(skill, later):.2%}", f"{own:.0%}", f"{share:.0%}"])
            say(str(lines[-1]))
    return lines


def improve_lines(project: Path, users: Sequence[str]) -> list[list[object]]:
    """Honest clicks alone and with 300 invented names, learnt."""
    earlier, later = honest_halves(project)
    target = targets_of(recommender_of(Agent.load(project))[1], 1)[0]
    lines: list[list[object]] = []
    for words, standing in (
        ("vouched for", VOUCHED),
        ("none", None),
        ("everybody", EVERYBODY),
        ("nobody vouches", STRANGER),
    ):
        with copy_of(project) as folder:
            agent = Agent.load(folder)
            click_honestly(agent, earlier, VOUCHED)
            if standing is not None:
                attack(agent, target, max(SIZES), True, standing)
            try:
                candidate = Project.open(folder).improve(TrainingProgress(quiet=True))
            except Refused as error:
                lines.append([words, 0, 0, str(error), "", "", "", ""])
                continue
            learnt = {entry.id: entry for entry in agent.memory.feedback.all()}
            of_attack = sum((learnt[name].user or "").startswith("invented") for name in candidate.feedback)
            skill = recommender_of(Agent.load(folder, candidate.version))[1]
            passed = "accepted" if candidate.passed else "rejected"
            after = reach(skill, target, users)
            lines.append(
                [words, len(candidate.feedback), of_attack, passed, *after.cells(), f"{hit_rate(skill, later):.2%}"]
            )
            say(str(lines[-1]))
    return lines


def rule_lines() -> list[list[object]]:
    lines: list[list[object]] = []
    for name, files in DATA.items():
        folder = HERE.parent / "src/autogen/templates" / name / "data"
        events = read_interactions(folder, files, {})[0]
        start, late = (int(share * len(events)) for share in (0.75, 0.875))
        data = events.where(np.arange(len(events)) < start)
        known = {events.users[user] for user in np.unique(data.user)}
        for newcomers in (0.0, 0.25, 0.5, 1.0, 2.0, math.inf):
            admission = Admission(data, known, newcomers)
            trend = Trend(len(events.items))
            trend.add(data.item, data.time)
            counted, hits, of_newcomers, newcomer_events = 0, [], 0, 0
            for at in range(start, len(events)):
                user, item, when = events.users[events.user[at]], int(events.item[at]), float(events.time[at])
                if at >= late:
                    hits.append(item in top(trend.at(when)[WEEK], 10))
                click = Click(user, events.items[item], when, True, str(at), None, Standing.VOUCHED)
                admitted = admission.admit(click)
                newcomer_events += user not in known
                of_newcomers += sum(entry.user not in known for entry in admitted)
                counted += len(admitted)
                times = np.array([entry.time for entry in admitted])
                trend.add(np.full(len(admitted), item, np.int32), times)
            shares = [counted / (len(events) - start), of_newcomers / max(newcomer_events, 1)]
            cells = [f"{share:.1%}" for share in (newcomer_events / (len(events) - start), *shares)]
            lines.append([name, f"{newcomers:g}", *cells, f"{np.mean(hits):.2%}"])
            say(str(lines[-1]))
    return lines


ATTACK = (
    *("believed", "shown", "names", "as the attacker would have it"),
    *("before: top 10", "first", "new user", "at once: top 10", "first", "new user"),
)
HONEST = ("honest clicks", "clicks", "hit rate of later choices", "not shown to its clicker again", "of the trend")
IMPROVE = (
    *("300 names", "learnt", "of these the attacker's", "gate"),
    *("top 10", "first", "new user", "hit rate of later choices"),
)
RULE = (
    "data",
    "newcomers per known user",
    "clicks by newcomers",
    "of all that count",
    "of newcomers' that count",
    "hit rate",
)


def main() -> None:
    given = parse()
    if given.part == "rule":
        report("Which clicks count, on data as it came", given, RULE, lines := rule_lines(), lines=lines)
        return
    with tempfile.TemporaryDirectory() as folder:
        project = given.project or train_template(Path(folder))
        events = recommender_of(Agent.load(project))[1].live.model.events
        users = [str(name) for name in np.random.default_rng(1).choice(events.users, given.users, replace=False)]
        if given.part == "attack":
            title = f"One film, clicked under invented names ({given.users} users, {given.targets} films)"
            report(title, given, ATTACK, lines := attack_lines(given, project, users), lines=lines)
        elif given.part == "honest":
            report("Honest clicks", given, HONEST, lines := honest_lines(project), lines=lines)
        else:
            report("After improve", given, IMPROVE, lines := improve_lines(project, users), lines=lines)


if __name__ == "__main__":
    main()
