"""What texts without labels add: few labelled rows, the rest of train without its labels, tested on all of dev.

Each seed labels the first --shots rows of each label after a seeded shuffle, and trains twice, without the other texts
and with them, each in a process of its own, through the exported model. dev is kept out of everything. With rows
labelled `oos` in the data (CLINC150), they are among the unlabelled texts as they are in real logs, and what comes of
in-scope accuracy and out-of-scope recall is shown too.

    python benchmarks/unlabelled.py --data DIR
    python benchmarks/unlabelled.py --data DIR --strangers OTHER_DIR    # texts of another domain instead: no harm done?
    python benchmarks/unlabelled.py --data DIR --skewed                 # a few labels are nearly all of the texts
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean

from measuring import AS_THE_COMMAND_LINE, HERE, Child, options, report, run, say, spread
from rows import Row, by_label, file_of, first_of_each, limited, read_rows, write_rows

WITHOUT, WITH = "without", "with unlabelled texts"
METRICS = {
    "accuracy": "accuracy %",
    "in_scope_accuracy": "in-scope accuracy after rejection %",
    "oos_recall": "OOS recall %",
    "oos_auroc": "OOS AUROC %",
}


def parse() -> argparse.Namespace:
    parser = options(__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="with train and dev (text, label)")
    parser.add_argument("--shots", type=int, default=5, metavar="K", help="labelled rows of each label")
    parser.add_argument("--seeds", type=int, default=2, metavar="N")
    parser.add_argument("--strangers", type=Path, metavar="DIR", help="unlabelled texts from this train file instead")
    parser.add_argument("--skewed", action="store_true", help="of the k-th label, 1/k of the texts")
    parser.add_argument("--base-model", default="minilm")
    return parser.parse_args()


def logs(given: argparse.Namespace, train: Sequence[Row], few: Sequence[Row], seed: int) -> list[Row]:
    """The rows whose texts are given without their labels, in random order."""
    labelled = {row.text for row in few}
    rows = read_rows(file_of(given.strangers, "train")) if given.strangers else train
    rest = [row for row in rows if row.text not in labelled]
    if given.skewed:
        labels = random.Random(seed).sample(sorted(by_label(rest)), len(by_label(rest)))
        rest = [row for k, label in enumerate(labels, 1) for row in by_label(rest)[label][: -(-len(rest) // k)]]
    return random.Random(seed).sample(rest, len(rest))


def one_seed(given: argparse.Namespace, train: Sequence[Row], test: Sequence[Row], seed: int) -> dict[str, Child]:
    few = first_of_each(train, given.shots, seed)
    texts = logs(given, train, few, seed)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        files = ["--train", write_rows(Path(folder) / "train.csv", few)]
        files += ["--test", write_rows(Path(folder) / "test.csv", test)]
        files += ["--base-model", given.base_model, "--training", json.dumps({"seed": seed})]
        more = ["--unlabelled", write_rows(Path(folder) / "log.csv", [row._replace(label="") for row in texts])]
        for name, extra in {WITHOUT: [], WITH: more}.items():
            say(f"seed {seed}: {name}: {len(few)} rows{f', {len(texts)} texts' if extra else ''}")
            found[name] = run(HERE / "learn.py", [*files, *extra], AS_THE_COMMAND_LINE)
            metrics = found[name].result["metrics"]
            say(f"seed {seed}: {name}: {metrics['accuracy']:.2%}, {found[name].cpu:.0f} CPU-s")
    say(f"seed {seed}: {found[WITH].result['unlabelled']}")
    return found


def line(name: str, children: Sequence[Child], metrics: Sequence[str]) -> list[object]:
    figures = [spread([child.result["metrics"][one] for child in children], 100, 2) for one in metrics]
    return [name, *figures, spread([child.cpu for child in children])]


def difference(runs: Sequence[dict[str, Child]], metrics: Sequence[str]) -> list[object]:
    """Points gained, and how many times the cost."""
    gains = [[run[WITH].result["metrics"][m] - run[WITHOUT].result["metrics"][m] for run in runs] for m in metrics]
    cpu = fmean(run[WITH].cpu for run in runs) / fmean(run[WITHOUT].cpu for run in runs)
    return ["difference", *(spread(gain, 100, 2) for gain in gains), f"{cpu:.1f}×"]


def main() -> None:
    given = parse()
    train, dev = read_rows(file_of(given.data, "train")), read_rows(file_of(given.data, "dev"))
    train, test = limited(train, dev, given.limit)
    runs = [one_seed(given, train, test, seed) for seed in range(given.seeds)]
    metrics = [name for name in METRICS if name in runs[0][WITHOUT].result["metrics"]]
    lines = [line(name, [found[name] for found in runs], metrics) for name in (WITHOUT, WITH)]
    lines.append(difference(runs, metrics))
    for seed, found in enumerate(runs):
        say(f"seed {seed}: {found[WITH].result['unlabelled']}")
    header = ("", *(METRICS[name] for name in metrics), "CPU-s")
    kept = [{name: asdict(child) for name, child in found.items()} for found in runs]
    title = f"{given.shots} labelled rows of each label, {len(test)} test rows, {len(runs)} seeds"
    report(title, given, header, lines, runs=kept)


if __name__ == "__main__":
    main()
