"""What a search for settings gains over the recipe, on test rows that neither ever saw.

The project is trained by the recipe, searched with `autogen tune`, and trained again with the winner's settings, within
noise or not. Both versions answer the test rows; the search itself sees only what the product holds out of the
training rows. The test is the folder's `test`, or a seeded share of all its rows, label by label.

    python benchmarks/tune.py --data DIR --text question --time 10m
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from autogen.data.problems import raise_for
from autogen.data.readers.files import read_rows as read_any
from autogen.versions.comparison import paired_bounds
from measuring import AUTOGEN, options, report, say
from rows import EXTENSIONS, Row, divided, limited, write_project, write_rows

FILES = ("train", "dev", "test")


def parse() -> argparse.Namespace:
    parser = options(__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="with train, and dev or test")
    parser.add_argument("--text", default="text", metavar="NAME", help="the column of texts")
    parser.add_argument("--label", default="label", metavar="NAME", help="the column of labels")
    parser.add_argument("--time", default="10m", help="how long to search")
    parser.add_argument("--trials", type=int, metavar="N", help="at most so many trials")
    parser.add_argument("--test-share", type=float, default=0.3, help="of all rows, where the folder has no test")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--base-model", default="minilm")
    return parser.parse_args()


def rows_of(given: argparse.Namespace, name: str) -> list[Row]:
    """The rows of one of the folder's files; none where it is not there."""
    path = next((p for end in EXTENSIONS if (p := given.data / f"{name}{end}").is_file()), None)
    if path is None:
        return []
    rows, problems = read_any(path)
    raise_for(problems)
    return [Row(str(row.values[given.text]), str(row.values[given.label])) for row in rows]


def parts(given: argparse.Namespace) -> tuple[list[Row], list[Row]]:
    """What may be learnt from, and the test; no text is in both."""
    train, dev, test = (rows_of(given, name) for name in FILES)
    if test:
        learnt = train + dev
    else:
        test, learnt = divided(train + dev, given.test_share, given.seed)
    texts = {row.text for row in test}
    return limited([row for row in learnt if row.text not in texts], test, given.limit)


def autogen(*words: object) -> dict[str, Any]:
    done = subprocess.run([AUTOGEN, *map(str, words), "--json"], check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measured(project: Path, version: str, test: Path) -> tuple[dict[str, float], list[bool]]:
    """A version's metrics on the test rows, and which rows it answered rightly, rejection included."""
    metrics = autogen("evaluate", "-p", project, "--version", version, "--data", test)["skills"]["support"]["metrics"]
    answered = project / f"answered-{version}.csv"
    autogen("predict", "-p", project, "--version", version, "--input", test, "--output", answered)
    with answered.open(encoding="utf-8", newline="") as file:
        return metrics, [row["prediction"] == row["label"] for row in csv.DictReader(file)]


def main() -> None:
    given = parse()
    learnt, tested = parts(given)
    with tempfile.TemporaryDirectory() as folder:
        train = write_rows(Path(folder) / "train.csv", learnt)
        test = write_rows(Path(folder) / "test.csv", tested)
        training = {"seed": given.seed}
        project = write_project(Path(folder) / "project", given.base_model, train, training=training)
        say(f"training by the recipe on {len(learnt)} rows")
        default = autogen("train", "-p", project)["version"]
        say(f"searching for {given.time}")
        started = time.perf_counter()
        limit = ["--trials", given.trials] if given.trials else []
        found = autogen("tune", "-p", project, "--time", given.time, *limit, "--write", "--force")
        seconds = time.perf_counter() - started
        say(found["verdict"])
        tuned = autogen("train", "-p", project)["version"] if found["written"] else default
        before, after = measured(project, default, test), measured(project, tuned, test)
    gained = sum(now and not was for was, now in zip(before[1], after[1], strict=True))
    lost = sum(was and not now for was, now in zip(before[1], after[1], strict=True))
    low, high = (100 * bound for bound in paired_bounds(gained, lost, len(tested), 0.975))
    names = ("accuracy", "macro_f1")
    lines = [
        [name, *(f"{100 * metrics[key]:.2f}" for key in names), f"{100 * sum(right) / len(right):.2f}"]
        for name, (metrics, right) in (("the recipe", before), ("tuned", after))
    ]
    lines.append(["difference", "", "", f"{100 * (gained - lost) / len(tested):+.2f} ({low:+.2f} to {high:+.2f})"])
    header = ("", "accuracy %", "macro F1 %", "right, rejection included %")
    title = f"A search of {given.time} on {given.data.name}: {len(learnt)} rows to learn from, {len(tested)} to test"
    report(title, given, header, lines, search=found, seconds=seconds, gained=gained, lost=lost)
    states = [trial["state"] for trial in found["trials"]]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    print(f"\n{len(states)} trials ({counts}), {seconds:.0f} s.")
    print(f"On the held-out rows: {found['verdict']}")


if __name__ == "__main__":
    main()
