"""Accuracy on Chinese intents (SMP2017-ECDT, task 1: 31 classes) with a multilingual and an English base model.

Every run is a project of its own in a process of its own, with the product's own settings: it learns from train, of
which the product holds a tenth out for itself, and is measured through the exported model on all of dev, which it never
saw. Costs are of the whole process, from its start to the test's end; sizes of the exported model.

    autogen models install multilingual-e5-small
    python benchmarks/smp2017.py --data DIR
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from measuring import AS_THE_COMMAND_LINE, HERE, Child, options, report, run, say, spread
from rows import Row, file_of, limited, read_rows, write_rows


def parse() -> argparse.Namespace:
    parser = options(__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="with train and dev (text, label)")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="runs of each base model")
    parser.add_argument("--base-models", nargs="+", default=["multilingual-e5-small", "minilm"], metavar="NAME")
    parser.add_argument(
        "--training", type=json.loads, default={}, metavar="JSON", help="settings other than the product's"
    )
    return parser.parse_args()


def one_run(base_model: str, training: dict[str, object], train: Sequence[Row], test: Sequence[Row]) -> Child:
    with tempfile.TemporaryDirectory() as folder:
        files = ["--train", write_rows(Path(folder) / "train.csv", train)]
        files += ["--test", write_rows(Path(folder) / "test.csv", test)]
        settings = ["--base-model", base_model, "--training", json.dumps(training)]
        found = run(HERE / "learn.py", [*files, *settings], AS_THE_COMMAND_LINE)
    say(f"{base_model}: {found.result['metrics']['accuracy']:.2%}, {found.cpu:.0f} CPU-s")
    return found


def line(name: str, runs: Sequence[Child]) -> list[object]:
    accuracy = spread([run.result["metrics"]["accuracy"] for run in runs], 100, 2)
    cost = [spread([run.cpu for run in runs], digits=0), spread([run.wall for run in runs], digits=0)]
    first = runs[0].result
    return [name, accuracy, len(runs), first["epochs"], *cost, first["exported"], f"{first['model_mb']:.0f}"]


def main() -> None:
    given = parse()
    train, test = read_rows(file_of(given.data, "train")), read_rows(file_of(given.data, "dev"))
    train, test = limited(train, test, given.limit)
    runs = {
        name: [one_run(name, {**given.training, "seed": seed}, train, test) for seed in range(given.seeds)]
        for name in given.base_models
    }
    title = f"SMP2017-ECDT, {len(train)} rows to learn from, {len(test)} to test on"
    header = ("base model", "accuracy %", "seeds", "epochs", "CPU-s", "wall s", "exported as", "MB")
    kept = {name: [asdict(child) for child in children] for name, children in runs.items()}
    report(title, given, header, [line(name, children) for name, children in runs.items()], runs=kept)


if __name__ == "__main__":
    main()
