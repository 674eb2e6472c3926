"""In-scope accuracy together with out-of-scope recall on CLINC150 (Larson et al. 2019), through the exported model.

The project learns from the training rows, those labelled `oos` included, and calibrates its threshold by the default
policy on one half of the dev rows (divided by seed, label by label); the other half is the test, which nothing else
sees. With --held-out all dev rows calibrate and that file is the test.

    python benchmarks/clinc150.py --data DIR

in-scope accuracy: a rejected row counts as wrong. AUROC: how well the score tells in scope from out, without threshold.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from measuring import AS_THE_COMMAND_LINE, HERE, Child, options, report, run, say, spread
from rows import OUT_OF_SCOPE, Row, divided, file_of, limited, read_rows, write_rows

METRICS = {
    "accuracy": "accuracy before rejection %",
    "in_scope_accuracy": "in-scope accuracy after it %",
    "oos_recall": "OOS recall %",
    "oos_precision": "OOS precision %",
    "oos_auroc": "AUROC %",
}


def parse() -> argparse.Namespace:
    parser = options(__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="with train and dev (text, label)")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="runs, each with other halves of dev")
    parser.add_argument("--held-out", type=Path, metavar="PATH", help="test rows (a file, or a folder with test)")
    parser.add_argument("--base-model", default="minilm")
    return parser.parse_args()


def halves(given: argparse.Namespace, seed: int) -> tuple[list[Row], list[Row]]:
    """Rows to calibrate with, rows to test on."""
    dev = read_rows(file_of(given.data, "dev"))
    if given.held_out:
        return dev, read_rows(file_of(given.held_out, "test"))
    return divided(dev, 0.5, seed)


def one_seed(given: argparse.Namespace, train: Sequence[Row], seed: int) -> tuple[Child, list[Row]]:
    held_out, test = halves(given, seed)
    learnt, held_out = limited(train, held_out, given.limit)
    _, test = limited(train, test, given.limit)
    say(f"seed {seed}: {len(learnt)} rows to learn from, {len(held_out)} to calibrate with, {len(test)} to test on")
    with tempfile.TemporaryDirectory() as folder:
        files = {"--train": learnt, "--eval": held_out, "--test": test}
        named = [
            word for name, rows in files.items() for word in (name, write_rows(Path(folder) / f"{name}.csv", rows))
        ]
        more = ["--base-model", given.base_model, "--training", json.dumps({"seed": seed})]
        child = run(HERE / "learn.py", [*named, *more], AS_THE_COMMAND_LINE)
    say(f"seed {seed}: " + ", ".join(f"{name} {child.result['metrics'][name]:.2%}" for name in METRICS))
    return child, test


def main() -> None:
    given = parse()
    train = read_rows(file_of(given.data, "train"))
    runs = [one_seed(given, train, seed) for seed in range(given.seeds)]
    children = [child for child, _ in runs]
    outside = sum(row.label == OUT_OF_SCOPE for row in runs[0][1])
    lines = [[said, spread([c.result["metrics"][name] for c in children], 100, 2)] for name, said in METRICS.items()]
    lines += [
        ["seeds", str(len(runs))],
        ["test rows, in scope / out", f"{len(runs[0][1]) - outside} / {outside}"],
        ["CPU-s", spread([child.cpu for child in children])],
        ["wall s", spread([child.wall for child in children])],
    ]
    report("CLINC150, out of scope included", given, ("", "AutoGen"), lines, runs=[asdict(c) for c in children])


if __name__ == "__main__":
    main()
