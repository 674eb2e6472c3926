"""A few rows of each label: AutoGen beside SetFit and a frozen encoder with logistic regression, on the same rows and
the same encoder, in one run.

The first K rows of each label after a seeded shuffle are learnt from; the product cross-validates. Rows labelled `oos`
are left out. The test is the data's dev rows (or --held-out), which nothing else sees. Each system runs in a process of
its own; costs are of the whole process, from its start to the test's end.

    python benchmarks/few_shot.py --data DIR --shots 5 10
    python benchmarks/few_shot.py --data DIR --shots 10 --peers logistic_regression --seeds 3
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
from rows import OUT_OF_SCOPE, Row, file_of, first_of_each, limited, read_rows, write_rows

OURS = "AutoGen"
PEERS: dict[str, list[object]] = {
    "logistic_regression": ["--C", 100],  # what served it best on few rows
    "setfit": ["--num-iterations", 5],  # its cheapest sensible setting
}


def parse() -> argparse.Namespace:
    parser = options(__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="with train and dev")
    parser.add_argument("--label-column", default="label", help="the column of the label")
    parser.add_argument("--held-out", type=Path, metavar="PATH", help="test rows; else dev")
    parser.add_argument("--shots", type=int, nargs="+", default=[10], metavar="K", help="rows of each label")
    parser.add_argument("--seeds", type=int, default=5, metavar="N")
    parser.add_argument("--peers", nargs="*", choices=[*PEERS], default=[*PEERS])
    parser.add_argument("--peer-seeds", type=int, metavar="N", help="fewer seeds of SetFit, which takes long")
    parser.add_argument("--base-model", default="minilm")
    return parser.parse_args()


def rows(given: argparse.Namespace) -> tuple[list[Row], list[Row]]:
    """What may be learnt from, and what is only measured on; in scope."""
    train = read_rows(file_of(given.data, "train"), given.label_column)
    test = read_rows(
        file_of(given.held_out or given.data, *(["test"] if given.held_out else []), "dev"), given.label_column
    )
    train, test = limited(train, test, given.limit)
    known = {row.label for row in train} - {OUT_OF_SCOPE}
    return [row for row in train if row.label in known], [row for row in test if row.label in known]


def one_seed(
    given: argparse.Namespace, train: Sequence[Row], test: Sequence[Row], shots: int, seed: int
) -> dict[str, Child]:
    chosen = first_of_each(train, shots, seed)
    peers = [p for p in given.peers if p != "setfit" or seed < (given.peer_seeds or given.seeds)]
    with tempfile.TemporaryDirectory() as folder:
        files: list[object] = ["--train", write_rows(Path(folder) / "train.csv", chosen)]
        files += ["--test", write_rows(Path(folder) / "test.csv", test)]
        ours = [*files, "--base-model", given.base_model, "--training", json.dumps({"seed": seed})]
        found = {OURS: run(HERE / "learn.py", ours, AS_THE_COMMAND_LINE)}
        encoder = find_base_model(given.base_model).source
        for peer in peers:
            found[peer] = run_peer(peer, [*files, "--base-model", encoder, *PEERS[peer]])
    for name, child in found.items():
        say(f"{shots}-shot, seed {seed}: {name}: {child.result['metrics']['accuracy']:.2%}, {child.cpu:.0f} CPU-s")
    return found


def line(shots: int, name: str, runs: Sequence[dict[str, Child]]) -> list[object]:
    """`against`: points above, and how much of the CPU time, on the seeds that both have."""
    children = [found[name] for found in runs if name in found]
    both = [(found[OURS], found[name]) for found in runs if name in found]
    points = 100 * fmean(a.result["metrics"]["accuracy"] - b.result["metrics"]["accuracy"] for a, b in both)
    cheaper = fmean(b.cpu for _, b in both) / fmean(a.cpu for a, _ in both)
    return [
        f"{shots}-shot {name}",
        spread([child.result["metrics"]["accuracy"] for child in children], 100, 1),
        len(children),
        spread([child.cpu for child in children], digits=0),
        spread([child.wall for child in children], digits=0),
        spread([child.peak_mb for child in children], digits=0),
        "" if name == OURS else f"{points:+.1f}",
        "" if name == OURS else f"{cheaper:.1f}×",
    ]


def main() -> None:
    given = parse()
    train, test = rows(given)
    lines, kept = [], {}
    for shots in given.shots:
        runs = [one_seed(given, train, test, shots, seed) for seed in range(given.seeds)]
        lines += [line(shots, name, runs) for name in runs[0]]
        kept[shots] = [{name: asdict(child) for name, child in found.items()} for found in runs]
    title = f"{given.data.resolve().name}, few rows of each label; {len(test)} test rows"
    header = ("", "accuracy %", "seeds", "CPU-s", "wall s", "peak MB", "AutoGen above it", "its CPU-s to AutoGen's")
    report(title, given, header, lines, runs=kept)


if __name__ == "__main__":
    main()
