"""The gate: how often it accepts a candidate, by how much better or worse that truly is.

Simulated by the gate's own rule (and beside it the rule of before: within half a point at 95 %, more rows gained
than lost): rows of which a tenth is answered otherwise by the candidate; champion and candidate differ truly by so many
points. And many verdicts on the same rows: how often a candidate that is truly worse passes any of them.

With --data, real trainings: some intents of each data set, and batches of corrections that are right or not, each
learnt from the same champion (`improve_batch.py` says which); accuracy is on rows that nobody saw.

    python benchmarks/gate.py --picture docs/pictures/gate.png
    python benchmarks/gate.py --data ../shared/data/banking77 ../shared/data/clinc150 --seeds 3
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from autogen.config.project import GateSettings
from autogen.versions.comparison import PairedScores, paired_bounds
from autogen.versions.gate import Batch, CandidateFigures, judge
from autogen.versions.scores import Scores
from autogen.versions.standard import resolved_margin, spent_confidence
from improve_batch import KINDS
from measuring import AS_THE_COMMAND_LINE, HERE, options, report, run, say, table

ROWS = (50, 100, 200, 500, 1000, 2000)
POINTS = (-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5)
LOOKS = (1, 2, 5, 10, 20)
CHANGED = 0.1  # of the rows, at least, are answered otherwise
HALF_A_POINT = 0.005
ALIKE = CandidateFigures(latency_ratio=1.0, size_ratio=1.0, parity=0.0)

Accepts = Callable[[int, int, int], bool]  # rows, gained, lost


def scores_of(rows: int, right: int) -> Scores:
    flags, nothing = np.arange(rows) < right, np.zeros(rows, bool)
    counts = np.stack([flags, np.ones(rows)], axis=1).astype(np.float64)
    return Scores("accuracy", "share", ("",) * rows, counts, flags, ("",) * rows, nothing, nothing)


def pair(rows: int, gained: int, lost: int) -> PairedScores:
    """Champion and candidate: all rows right but those that one of them loses."""
    champion, at = scores_of(rows, rows - gained), np.arange(rows)
    right = at >= lost
    counts = np.stack([right, np.ones(rows)], axis=1).astype(np.float64)
    return PairedScores(champion, replace(champion, counts=counts, right=right), np.ones(rows, bool))


@cache
def now_accepts(rows: int, gained: int, lost: int, look: int = 1) -> bool:
    """What `judge` says, without rows: those that won more than they lost are never shown to be worse."""
    lower = paired_bounds(gained, lost, rows, spent_confidence(0.95, look))[0]
    return gained > lost and lower >= -resolved_margin(rows, look)


def check_rule() -> None:
    """That the gate itself says so."""
    for rows, difference in product(ROWS, (-0.03, 0.0, 0.03)):
        for look, (gained, lost) in enumerate(draw(rows, difference, 4, np.random.default_rng(1)).tolist(), 1):
            verdict = judge([pair(rows, gained, lost)], (), ALIKE, GateSettings(), Batch(look=look))
            assert verdict.passed is now_accepts(rows, gained, lost, look), verdict.summary


@cache
def before_accepted(rows: int, gained: int, lost: int) -> bool:
    return gained > lost and paired_bounds(gained, lost, rows, 0.95)[0] >= -HALF_A_POINT


def draw(rows: int, difference: float, shape: int | tuple[int, ...], chance: np.random.Generator) -> Any:
    """Rows gained and lost, (…, 2), by a candidate that is truly better by this share."""
    changed = max(CHANGED, abs(difference))
    gain, loss = (changed + difference) / 2, (changed - difference) / 2
    return chance.multinomial(rows, [1 - gain - loss, gain, loss], shape)[..., 1:]


def accepted_share(accepts: Accepts, rows: int, points: float, draws: int) -> float:
    chance = np.random.default_rng(rows)
    return float(np.mean([accepts(rows, *pair) for pair in draw(rows, points / 100, draws, chance).tolist()]))


def simulate_looks(rows: int, points: float, draws: int) -> list[list[object]]:
    """Of candidates that differ truly by these points, the share of which any passes so many verdicts on the same
    rows: with level and margin spent over them, as if each were the first, and by the rule of before."""
    chance = np.random.default_rng(rows)
    draws_of_looks = draw(rows, points / 100, (draws, max(LOOKS)), chance).tolist()
    rules: dict[str, Callable[[int, int, int, int], bool]] = {
        "level and margin spent": now_accepts,
        "as if each were the first": lambda rows, gained, lost, _: now_accepts(rows, gained, lost),
        "before": lambda rows, gained, lost, _: before_accepted(rows, gained, lost),
    }
    lines: list[list[object]] = []
    for name, accepts in rules.items():
        passed = np.array(
            [[accepts(rows, *pair, look) for look, pair in enumerate(pairs, 1)] for pairs in draws_of_looks]
        )
        shares = [f"{100 * passed[:, :looks].any(axis=1).mean():.1f}" for looks in LOOKS]
        lines.append([f"{rows:,} rows, {points:+.1f} points: {name}", *shares])
    return lines


def picture(path: Path, shares: dict[str, dict[int, list[float]]]) -> None:
    from matplotlib import pyplot as plt

    from autogen.reports.drawing import style

    with style():
        figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained", sharey=True)
        for side, (name, by_rows) in zip(axes, shares.items(), strict=True):
            for rows, values in by_rows.items():
                side.plot(POINTS, [100 * value for value in values], marker="o", markersize=3, label=f"{rows:,} rows")
            side.axhline(5, linewidth=0.8, linestyle=":", color="grey")
            side.set(title=name, xlabel="true difference, points", xticks=POINTS, ylim=(-2, 102))
            side.grid(alpha=0.3)
        axes[0].set(ylabel="accepted, %")
        axes[1].legend(fontsize=8, loc="upper left")
        figure.savefig(path, dpi=120)
        plt.close(figure)


def simulate(given: argparse.Namespace) -> None:
    check_rule()
    shares = {
        name: {rows: [accepted_share(rule, rows, points, given.draws) for points in POINTS] for rows in ROWS}
        for name, rule in {"the rule of before": before_accepted, "now": now_accepts}.items()
    }
    header = ("accepted, %", "margin", *(f"{points:+d}" for points in POINTS))
    rows_of_table = [
        [f"{name}, {rows:,} rows", f"{100 * (resolved_margin(rows) if name == 'now' else HALF_A_POINT):.1f}"]
        + [f"{100 * value:.0f}" for value in values]
        for name, by_rows in shares.items()
        for rows, values in by_rows.items()
    ]
    looks = [
        line
        for rows in (200, 1000)
        for points in (-100 * resolved_margin(rows), -1.0, 3.0)
        for line in simulate_looks(rows, points, given.draws // 4)
    ]
    if given.picture:
        picture(given.picture, shares)
    report("The gate, simulated", given, header, rows_of_table, shares=shares, looks=looks)
    print(f"\n{table(('accepted at least once, %, of verdicts', *map(str, LOOKS)), looks)}")


def outcome(result: dict[str, Any], kind: str) -> list[object]:
    found = result["kinds"][kind]
    verdict = found["verdict"]
    failed = [check["name"] for check in verdict["checks"] if not check["passed"]]
    change = f"{100 * result['champion']:.1f} → {100 * found['candidate']:.1f}"
    return ["accepted" if verdict["passed"] else "rejected", change, f"{found['cpu']:.0f}", "; ".join(failed)]


def train(given: argparse.Namespace) -> None:
    results, lines = [], list[list[object]]()
    for data in given.data:
        for seed in range(given.first_seed, given.first_seed + given.seeds):
            say(f"{data.name}, seed {seed}")
            arguments = ["--data", data, "--seed", seed, "--base-model", given.base_model]
            arguments += ["--intents", given.intents, "--new-intents", given.new_intents, "--rows", given.rows]
            arguments += ["--corrections", given.corrections]
            child = run(HERE / "improve_batch.py", [*arguments, "--kinds", *given.kinds], AS_THE_COMMAND_LINE)
            results.append({"data": data.name, "seed": seed, **child.result})
            lines += [[f"{data.name}, {seed}, {kind}", *outcome(child.result, kind)] for kind in given.kinds]
            print(table(("data, seed, batch", "verdict", "unseen rows, %", "CPU-s", "not passed"), lines), flush=True)
    header = ("data, seed, batch", "verdict", "unseen rows, %", "CPU-s", "not passed")
    report("The gate, with real trainings", given, header, lines, results=results)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = options(__doc__)
    parser.add_argument("--data", type=Path, nargs="+", default=[], metavar="DIR", help="train for real on these")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), metavar="KIND")
    parser.add_argument("--intents", type=int, default=18)
    parser.add_argument("--new-intents", type=int, default=2, help="that the batch alone has")
    parser.add_argument("--rows", type=int, default=20, help="of each intent, to train on")
    parser.add_argument("--corrections", type=int, default=600)
    parser.add_argument("--base-model", default="minilm")
    parser.add_argument("--draws", type=int, default=4000, help="candidates simulated for each figure")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw what was simulated")
    return parser.parse_args(arguments)


def main() -> None:
    given = parse()
    if given.data:
        train(given)
    else:
        simulate(given)


if __name__ == "__main__":
    main()
