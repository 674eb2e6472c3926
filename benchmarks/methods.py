"""Every tuning method on one data set, with the product's own settings: accuracy of the exported model on rows that
were never learnt from, parameters that learn, time, memory, and what a version keeps besides the base model.

Each method is a project of its own in a process of its own. Half of the dev rows (divided by seed, label by label)
choose the epoch and calibrate; the other half is the test.

    python benchmarks/methods.py --data DIR
    python benchmarks/methods.py --data DIR --shots 30 --methods full lora adapter
    python benchmarks/methods.py --data DIR --label-column intent
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import get_args

from autogen.config.training import TuningMethod
from measuring import AS_THE_COMMAND_LINE, HERE, Child, options, report, run, say
from rows import OUT_OF_SCOPE, divided, file_of, first_of_each, limited, read_rows, write_rows


def parse() -> argparse.Namespace:
    known = [*get_args(TuningMethod)]
    parser = options(__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="with train and dev")
    parser.add_argument("--label-column", default="label", help="the column of the label")
    parser.add_argument("--shots", type=int, default=0, metavar="K", help="rows of each label; 0: all")
    parser.add_argument("--methods", nargs="+", choices=known, default=known)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--base-model", default="minilm")
    parser.add_argument("--training", type=json.loads, default={}, metavar="JSON", help="settings of every run")
    return parser.parse_args()


def one_method(given: argparse.Namespace, method: str, files: dict[str, Path]) -> Child:
    arguments: list[object] = ["--base-model", given.base_model]
    for name, path in files.items():
        arguments += [f"--{name}", path]
    settings = {**given.training, "method": method, "seed": given.seed}
    child = run(HERE / "learn.py", [*arguments, "--training", json.dumps(settings)], AS_THE_COMMAND_LINE)
    result = child.result
    share = result["trainable"] / result["parameters"]
    say(f"{method}: {result['metrics']['accuracy']:.2%}, {share:.2%} learns, {child.cpu:.0f} CPU-s")
    return child


def line(method: str, child: Child, full: Child | None) -> list[object]:
    result = child.result
    accuracy = result["metrics"]["accuracy"]
    against = "" if full is None else f"{100 * (accuracy - full.result['metrics']['accuracy']):+.1f}"
    return [
        method,
        f"{accuracy:.1%}",
        against,
        f"{result['trainable']:,}",
        f"{result['trainable'] / result['parameters']:.2%}",
        f"{result['weights_mb']:.1f}",
        f"{result['loop']['seconds']:.0f}",
        f"{child.wall:.0f}",
        f"{child.cpu:.0f}",
        f"{child.peak_mb:.0f}",
    ]


def main() -> None:
    given = parse()
    train, dev = limited(
        read_rows(file_of(given.data, "train"), given.label_column),
        read_rows(file_of(given.data, "dev"), given.label_column),
        given.limit,
    )
    if given.shots:
        train = first_of_each([row for row in train if row.label != OUT_OF_SCOPE], given.shots, given.seed)
    known = {row.label for row in train}
    held_out, test = divided([row for row in dev if row.label in known], 0.5, given.seed)
    with tempfile.TemporaryDirectory() as folder:
        parts = {"train": train, "eval": held_out, "test": test}
        files = {name: write_rows(Path(folder) / f"{name}.csv", rows) for name, rows in parts.items()}
        found = {method: one_method(given, method, files) for method in given.methods}
    full = found.get("full")
    lines = [line(method, child, full) for method, child in found.items()]
    title = f"{given.data.resolve().name}: {len(train)} rows, {len(known)} labels; {len(test)} test rows"
    header = ("", "accuracy", "to full", "learn", "share", "kept MB", "training s", "all s", "CPU-s", "peak MB")
    report(title, given, header, lines, methods={name: asdict(child) for name, child in found.items()})


if __name__ == "__main__":
    main()
