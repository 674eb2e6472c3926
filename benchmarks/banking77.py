"""Accuracy on BANKING77 (Casanueva et al. 2020) through the exported model, and what it costs to get there.

Every run is a project of its own in a process of its own: written, trained, and measured with `Project.evaluate` on
rows that it never saw. One half of dev (divided by seed, label by label) chooses the epoch and
calibrates, and the other half is the test; the next run takes them the other way round, so that two runs together
test all of dev. With --held-out that file is the test, and the product holds rows out of train itself.
Costs are of the whole process, from its start to the test's end.

    python benchmarks/banking77.py --data DIR --baseline

--baseline adds the frozen encoder with logistic regression, on the same rows and the same encoder.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean

from autogen.models.base_models import find_base_model
from measuring import AS_THE_COMMAND_LINE, HERE, Child, options, report, run, run_peer, say, spread
from rows import Row, divided, file_of, limited, read_rows, write_rows

OURS, BASELINE = "AutoGen", "frozen + logistic regression"
C = 30  # what served the baseline best


def parse() -> argparse.Namespace:
    parser = options(__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="with train and dev (text, label)")
    parser.add_argument("--seeds", type=int, default=2, metavar="N", help="runs")
    parser.add_argument(
        "--held-out", type=Path, metavar="PATH", help="test rows (a file, or a folder with test or dev)"
    )
    parser.add_argument("--with-dev", action="store_true", help="learn from dev too (only with --held-out)")
    parser.add_argument("--baseline", action="store_true", help="logistic regression on the frozen encoder too")
    parser.add_argument("--base-model", default="minilm")
    parser.add_argument("--training", type=json.loads, default={}, metavar="JSON", help="settings other than our own")
    given = parser.parse_args()
    if given.with_dev and not given.held_out:
        parser.error("--with-dev needs --held-out: dev rows are the test rows without it.")
    return given


def rows(given: argparse.Namespace) -> tuple[list[Row], list[Row]]:
    """What may be learnt from, and what is only measured on."""
    train, dev = read_rows(file_of(given.data, "train")), read_rows(file_of(given.data, "dev"))
    if given.held_out:
        test = read_rows(file_of(given.held_out, "test", "dev"))
        return limited(train + dev if given.with_dev else train, test, given.limit)
    return limited(train, dev, given.limit)


def parts(given: argparse.Namespace, train: Sequence[Row], test: Sequence[Row], seed: int) -> Sequence[Sequence[Row]]:
    """Rows to learn from, to choose and calibrate with (none: the product sees to that itself), and to test on."""
    if given.held_out:
        return train, [], test
    halves = divided(test, 0.5, seed // 2)
    return train, halves[1 - seed % 2], halves[seed % 2]


def one_seed(given: argparse.Namespace, train: Sequence[Row], test: Sequence[Row], seed: int) -> dict[str, Child]:
    chosen, held_out, test = parts(given, train, test, seed)
    with tempfile.TemporaryDirectory() as folder:
        files = ["--train", write_rows(Path(folder) / "train.csv", chosen)]
        files += ["--test", write_rows(Path(folder) / "test.csv", test)]
        say(f"seed {seed}: {OURS} on {len(chosen)} rows")
        settings = json.dumps({**given.training, "seed": seed})
        held = ["--eval", write_rows(Path(folder) / "eval.csv", held_out)] if held_out else []
        ours = [*files, *held, "--base-model", given.base_model, "--training", settings]
        found = {OURS: run(HERE / "learn.py", ours, AS_THE_COMMAND_LINE)}
        if given.baseline:
            say(f"seed {seed}: {BASELINE}")
            encoder = find_base_model(given.base_model).source
            found[BASELINE] = run_peer("logistic_regression", [*files, "--base-model", encoder, "--C", C])
    for name, child in found.items():
        say(f"seed {seed}: {name}: {child.result['metrics']['accuracy']:.2%}, {child.cpu:.0f} CPU-s")
    return found


def line(name: str, children: Sequence[Child], tested: int) -> list[object]:
    accuracies = [child.result["metrics"]["accuracy"] for child in children]
    cpu, wall = [child.cpu for child in children], [child.wall for child in children]
    return [name, spread(accuracies, 100, 2), len(children), tested, spread(cpu), spread(wall)]


def comparison(ours: Sequence[Child], theirs: Sequence[Child]) -> list[object]:
    """Points of accuracy gained, and how many times the cost."""
    points = 100 * (fmean(c.result["metrics"]["accuracy"] for c in ours))
    points -= 100 * (fmean(c.result["metrics"]["accuracy"] for c in theirs))
    cpu = fmean(child.cpu for child in ours) / fmean(child.cpu for child in theirs)
    wall = fmean(child.wall for child in ours) / fmean(child.wall for child in theirs)
    return ["AutoGen against it", f"{points:+.2f}", "", "", f"{cpu:.1f}×", f"{wall:.1f}×"]


def main() -> None:
    given = parse()
    train, test = rows(given)
    runs = [one_seed(given, train, test, seed) for seed in range(given.seeds)]
    tested = len(parts(given, train, test, 0)[2])
    by_system = {name: [found[name] for found in runs] for name in runs[0]}
    lines = [line(name, children, tested) for name, children in by_system.items()]
    if given.baseline:
        lines.append(comparison(by_system[OURS], by_system[BASELINE]))
    header = ("", "accuracy %", "seeds", "test rows each", "CPU-s", "wall s")
    kept = {name: [asdict(child) for child in children] for name, children in by_system.items()}
    report("BANKING77, all rows", given, header, lines, runs=kept)


if __name__ == "__main__":
    main()
