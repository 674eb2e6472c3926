"""What training a recommender costs against the number of events: seconds and the most memory that the process took.

The events are generated: users with 20 events each on average, one of 50 tastes each; items of one taste each, chosen
with a share of 1 / rank in four events of five, else by chance; seven events of ten are with items of the user's own
taste; times are over a year, a user's events within a month. Items have no texts. The last event of 1,000 users is held
out.

    python benchmarks/recommender_scale.py --events 100000 1000000 10000000 --picture scale.png
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from measuring import AS_THE_COMMAND_LINE, HERE, Child, options, report, run, say

EACH, TASTES, OWN, POPULAR = 20, 50, 0.7, 0.8
BEGAN, MONTH, YEAR = 1_700_000_000, 30 * 86_400, 365 * 86_400
HELD_OUT = 1_000
BLOCK = 1_000_000


def parse() -> argparse.Namespace:
    parser = options(__doc__)
    parser.add_argument("--events", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000], metavar="N")
    parser.add_argument("--items", type=int, default=100_000, metavar="N", help="at the largest size; fewer in smaller")
    parser.add_argument("--epochs", type=int, metavar="N", help="else as many as the product chooses")
    parser.add_argument("--picture", type=Path, metavar="FILE")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def chosen(chance: np.random.Generator, taste: NDArray[np.int64], items: int) -> NDArray[np.int64]:
    """An item for each event: ranks by popularity within a taste, or among all."""
    ranks = items ** chance.random(len(taste)) - 1  # density about 1 / rank
    ranks = np.where(chance.random(len(taste)) < POPULAR, ranks, chance.integers(0, items, len(taste))).astype(np.int64)
    own = (ranks // TASTES * TASTES + taste) % items
    return np.where(chance.random(len(taste)) < OWN, own, ranks)


def write_events(folder: Path, events: int, items: int, seed: int) -> dict[str, Path]:
    chance = np.random.default_rng(seed)
    users = max(HELD_OUT, events // EACH)
    tastes, begins = chance.integers(0, TASTES, users), chance.integers(0, YEAR - MONTH, users)
    files = {name: folder / f"{name}.csv" for name in ("train", "eval")}
    with files["train"].open("w", encoding="ascii") as train:
        train.write("user,item,timestamp\n")
        for start in range(0, events, BLOCK):
            user = chance.integers(0, users, min(BLOCK, events - start))
            item = chosen(chance, tastes[user], items)
            time = BEGAN + begins[user] + chance.integers(0, MONTH, len(user))
            train.writelines(f"u{u},i{i},{t}\n" for u, i, t in zip(user, item, time, strict=True))
    user = chance.choice(users, HELD_OUT, replace=False)
    item = chosen(chance, tastes[user], items)
    lines = (f"u{u},i{i},{BEGAN + begins[u] + MONTH}\n" for u, i in zip(user, item, strict=True))
    files["eval"].write_text("user,item,timestamp\n" + "".join(lines), "ascii")
    return files


def picture(path: Path, sizes: Sequence[int], children: Sequence[Child]) -> None:
    from matplotlib import pyplot as plt
    from matplotlib.ticker import NullFormatter

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    left.plot(sizes, [child.cpu / 60 for child in children], marker="o")
    left.set(xscale="log", yscale="log", ylabel="CPU-minutes, from files to a proven version")
    right.plot(sizes, [child.peak_mb / 1024 for child in children], marker="o")
    right.set(xscale="log", ylim=(0, None), ylabel="most memory, GB")
    left.yaxis.set_major_formatter("{x:g}")
    left.yaxis.set_minor_formatter(NullFormatter())
    for axes in (left, right):
        axes.set(xlabel="events", xticks=sizes, xticklabels=[f"{size:,}" for size in sizes])
        axes.minorticks_off()
        axes.margins(0.12)
        axes.grid(alpha=0.3)
    for size, child in zip(sizes, children, strict=True):
        left.annotate(f"{child.cpu / 60:.0f}", (size, child.cpu / 60), (4, -12), textcoords="offset points")
        right.annotate(
            f"{child.peak_mb / 1024:.1f}", (size, child.peak_mb / 1024), (4, -12), textcoords="offset points"
        )
    figure.savefig(path, dpi=120)


def main() -> None:
    given = parse()
    children, lines = [], []
    for events in given.events:
        items = max(1_000, given.items * events // max(given.events))
        with tempfile.TemporaryDirectory() as folder:
            files = write_events(Path(folder), events, items, given.seed)
            say(f"{events:,} events, {items:,} items")
            arguments: list[object] = [part for name, path in files.items() for part in (f"--{name}", path)]
            epochs = ["--epochs", given.epochs] if given.epochs else []
            children.append(run(HERE / "learn_recommender.py", [*arguments, *epochs], AS_THE_COMMAND_LINE))
        child = children[-1]
        gain = f"{child.result['metrics']['ndcg_at_10']:.4f}"
        plain = f"{child.result['baselines']['most popular this week']['ndcg_at_10']:.4f}"
        lines.append([f"{events:,}", f"{items:,}", f"{child.wall:.0f}", f"{child.cpu:.0f}", f"{child.peak_mb:.0f}"])
        lines[-1] += [gain, plain]
        say(" ".join(map(str, lines[-1])))
    if given.picture:
        picture(given.picture, given.events, children)
    header = ("events", "items", "wall s", "CPU-s", "peak MB", "NDCG@10", "popularity")
    report("Training a recommender, by size", given, header, lines, runs=[asdict(child) for child in children])


if __name__ == "__main__":
    main()
