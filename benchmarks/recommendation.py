"""Recommendation beside kept libraries, on the same events, split and queries: full ranking over the whole catalogue,
what a user had filtered, each query at its own time, counting only what had happened by then.

The product trains in a process of its own and answers through its exported model; popularity is counted as of each
query's time, with several half-lives; ItemKNN, ALS (implicit), EASE and SASRec (RecTools) run in their own environment
(benchmarks/peers).

    python benchmarks/recommendation.py --data DIR
    python benchmarks/recommendation.py --data DIR --held-out test.csv --peers ease
    python benchmarks/recommendation.py --data DIR --new 0.1 --peers    (items that nobody chose yet)
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from autogen.tasks.recommendation.event_files import read_interactions
from autogen.tasks.recommendation.interactions import Interactions, Places
from autogen.tasks.recommendation.metrics import TOP, relevant_items
from autogen.tasks.recommendation.ranking import RankingResult
from autogen.tasks.recommendation.rows import read_catalogue
from autogen.tasks.recommendation.trend import Histories, Replay, log_trend, top
from measuring import AS_THE_COMMAND_LINE, HERE, Child, options, report, run, run_peer, say
from rows import file_of

PEERS = ("itemknn", "als", "ease", "sasrec")
HALF_LIVES = (1.0, 3.0, 7.0, 14.0, 30.0)  # days


def parse() -> argparse.Namespace:
    parser = options(__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="with train, dev and items")
    parser.add_argument("--held-out", type=Path, metavar="FILE", help="instead of dev")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=[*PEERS])
    parser.add_argument("--epochs", type=int, metavar="N", help="of ours; else as many as the product chooses")
    parser.add_argument("--sasrec-epochs", type=int, default=20, metavar="N")
    parser.add_argument("--without-ours", action="store_true")
    parser.add_argument(
        "--new", type=float, default=0.0, metavar="SHARE", help="of the items, whose events nobody learns from"
    )
    return parser.parse_args()


class Bench:
    """The data, and what is found on it."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        items = file_of(given.data, "items")
        self.files = {"train": file_of(given.data, "train"), "items": items}
        self.files["eval"] = given.held_out or file_of(given.data, "dev")
        catalogue, _ = read_catalogue(Path(), [str(items)], {})
        known = [item.id for item in catalogue.items]
        self.events, problems = read_interactions(Path(), [str(self.files["train"])], {}, known)
        self.held_out, more = read_interactions(Path(), [str(self.files["eval"])], {}, self.events.items)
        for problem in (*problems, *more):
            say(str(problem))
        if given.new:
            new = np.random.default_rng(0).random(len(self.held_out.items)) < given.new
            self.events = self.events.where(~new[self.events.item])
        self.places = {name: at for at, name in enumerate(self.events.items)}
        self.queries = relevant_items(self.held_out, self.places)
        self.counts = np.bincount(self.events.item, minlength=len(self.events.items))

    def ranked(self, shown: Sequence[Places]) -> RankingResult:
        return RankingResult(tuple(self.queries), tuple(shown), self.counts)

    def popularity(self) -> dict[str, RankingResult]:
        """As of each query's time, by half-life."""
        histories = Histories(self.events)
        at = {name: place for place, name in enumerate(self.events.users)}
        found: dict[str, list[Places]] = {f"popularity, {life:g}-day half-life": [] for life in HALF_LIVES}
        replay = Replay(self.events, len(self.events.items), HALF_LIVES)
        for query in self.queries:
            had = histories.all_of(at.get(self.held_out.users[query.user], -1))[0]
            had = had[~np.isin(had, list(query.items))]
            for shown, counts in zip(found.values(), log_trend(replay.before(query.now)), strict=True):
                shown.append(top(counts, TOP, had))
        return {name: self.ranked(shown) for name, shown in found.items()}

    def peer(self, method: str, folder: Path) -> tuple[RankingResult, Child]:
        files = {name: _plain(events, folder / f"{name}.csv") for name, events in self._both().items()}
        arguments = ["--train", files["train"], "--test", files["eval"], "--epochs", self.given.sasrec_epochs]
        child = run_peer("recommenders", ["--method", method, *arguments], AS_THE_COMMAND_LINE)
        lists = child.result.pop("lists")
        shown = [
            np.array([self.places[item] for item in lists.get(self.held_out.users[one.user], [])], np.int32)
            for one in self.queries
        ]
        return self.ranked(shown), child

    def without_new(self, folder: Path) -> None:
        """The events that may be learnt from, for the product to read."""
        self.files["train"] = _plain(self.events, folder / "train.csv")

    def _both(self) -> dict[str, Interactions]:
        return {"train": self.events, "eval": self.held_out}

    def ours(self) -> Child:
        arguments = [part for name, path in self.files.items() for part in (f"--{name}", path)]
        epochs = ["--epochs", self.given.epochs] if self.given.epochs else []
        return run(HERE / "learn_recommender.py", [*arguments, *epochs], AS_THE_COMMAND_LINE)


def _plain(events: Interactions, path: Path) -> Path:
    rows = (
        f"{events.users[user]},{events.items[item]},{time:.0f}\n"
        for user, item, time in zip(events.user, events.item, events.time, strict=True)
    )
    path.write_text("user,item,timestamp\n" + "".join(rows), "utf-8")
    return path


def line(name: str, metrics: dict[str, float], interval: Sequence[float], child: Child | None) -> list[object]:
    cost = [f"{child.wall:.0f}", f"{child.cpu:.0f}", f"{child.peak_mb:.0f}"] if child else ["", "", ""]
    figures = [f"{metrics[one]:.4f}" for one in ("ndcg_at_10", "hit_rate_at_10")]
    cold = [
        f"{metrics[f'cold_{one}hit_rate_at_10']:.4f}" if f"cold_{one}hit_rate_at_10" in metrics else ""
        for one in ("", "only_")
    ]
    reach = f"± {(interval[1] - interval[0]) / 2:.4f}"
    return [name, figures[0], reach, figures[1], f"{metrics['coverage_at_10']:.3f}", *cold, *cost]


def main() -> None:
    given = parse()
    bench = Bench(given)
    lines, kept = [], {}
    for name, ranked in bench.popularity().items():
        lines.append(line(name, ranked.metrics, ranked.intervals["ndcg_at_10"], None))
        kept[name] = {"metrics": ranked.metrics}
    with tempfile.TemporaryDirectory() as folder:
        if given.new:
            bench.without_new(Path(folder))
        for method in given.peers:
            say(method)
            ranked, child = bench.peer(method, Path(folder))
            lines.append(line(method, ranked.metrics, ranked.intervals["ndcg_at_10"], child))
            kept[method] = {"metrics": ranked.metrics, **asdict(child)}
        if not given.without_ours:
            say("AutoGen")
            child = bench.ours()
            result = child.result
            plain = result["baselines"]["most popular this week"]
            lines.append(line("most popular this week, by the product", plain, (0, 0), None))
            lines.append(line("AutoGen", result["metrics"], result["intervals"]["ndcg_at_10"], child))
            kept["AutoGen"] = asdict(child)
    sizes = f"{len(bench.events)} events, {len(bench.places)} items, {len(bench.queries)} queries"
    title = f"{given.data.resolve().name}: {sizes}"
    header = ("", "NDCG@10", "95 %", "HR@10", "coverage", "HR@10, new", "among new", "wall s", "CPU-s", "peak MB")
    report(title, given, header, lines, systems=kept)


if __name__ == "__main__":
    main()
