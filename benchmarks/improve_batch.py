"""One project that learns batches of corrections, in a process of its own: `gate.py` starts it, once for each seed.

Some intents of a data set with a few rows each are learnt; then each kind of batch is learnt by a copy of the project,
from the same champion. The last line of stdout is a JSON object: of each kind the verdict, and the accuracy of champion
and candidate on rows that nobody saw, as a person is answered.

    right     corrections as the data set has them
    flipN     N % of them, at random, have one target label instead
    random    all of them have a label at random
    intent    all rows of one intent have another's label

    python benchmarks/improve_batch.py --data ../shared/data/banking77 --seed 0 --kinds right flip20
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autogen.progress import TrainingProgress
from autogen.project import Project
from rows import OUT_OF_SCOPE, Row, by_label, file_of, read_rows, write_project, write_rows

KINDS = ("right", "flip20", "flip40", "random", "intent")
TEST_ROWS = 40  # of an intent, at most: rows that nobody saw


def split_rows(given: argparse.Namespace) -> tuple[list[Row], ...]:
    """Rows to train on, rows of a batch, and rows to test on, of some intents drawn by the seed; of the new ones none
    to train on."""
    data, rows, seed, intents = given.data, given.rows, given.seed, given.intents + given.new_intents
    chance = random.Random(seed)
    every = by_label([*read_rows(file_of(data, "train")), *read_rows(file_of(data, "dev"))])
    names = chance.sample(sorted(name for name in every if name != OUT_OF_SCOPE), intents)
    parts: tuple[list[Row], ...] = ([], [], [])
    end = rows + given.corrections // intents
    for at, name in enumerate(names):
        shuffled = chance.sample(every[name], len(every[name]))
        train = shuffled[:rows] if at < given.intents else []
        for part, own in zip(parts, (train, shuffled[rows:end], shuffled[end:][:TEST_ROWS]), strict=True):
            part.extend(own)
    return parts


def spoil(batch: Sequence[Row], kind: str, seed: int) -> list[Row]:
    """The batch with labels that are wrong, as its kind says."""
    chance = random.Random(seed)
    labels = sorted({row.label for row in batch})
    if kind == "right":
        return list(batch)
    if kind == "random":
        return [Row(row.text, chance.choice(labels)) for row in batch]
    target, victim = chance.sample(labels, 2)
    if kind == "intent":
        return [Row(row.text, target) if row.label == victim else row for row in batch]
    wrong = {*chance.sample(range(len(batch)), round(len(batch) * int(kind.removeprefix("flip")) / 100))}
    return [Row(row.text, target) if at in wrong else row for at, row in enumerate(batch)]


def answered_rightly(project: Project, version: str, test: Path) -> float:
    """The share of rows, none of them out of scope, that are answered rightly; a declined one is not."""
    return float(project.evaluate(data=str(test), version=version).skills["support"].metrics["in_scope_accuracy"])


def improve(folder: Path, batch: Path, test: Path) -> dict[str, Any]:
    project, started, used = Project.open(folder), time.perf_counter(), time.process_time()
    project.import_feedback(batch)
    manifest = project.improve(TrainingProgress(quiet=True))
    taken = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - used}
    return {"verdict": manifest.verdict, "candidate": answered_rightly(project, manifest.version, test), **taken}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), metavar="KIND")
    parser.add_argument("--intents", type=int, default=18)
    parser.add_argument("--new-intents", type=int, default=2, help="that the batch alone has")
    parser.add_argument("--rows", type=int, default=20, help="of each intent, to train on")
    parser.add_argument("--corrections", type=int, default=600)
    parser.add_argument("--base-model", default="minilm")
    given = parser.parse_args()
    train, batch, test = split_rows(given)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        test_file = write_rows(folder / "test.csv", test)
        champion = write_project(folder / "champion", given.base_model, write_rows(folder / "train.csv", train))
        Project.open(champion).train(progress=TrainingProgress(quiet=True))
        results = {}
        for kind in given.kinds:
            copy = Path(shutil.copytree(champion, folder / kind))
            results[kind] = improve(copy, write_rows(folder / f"{kind}.csv", spoil(batch, kind, given.seed)), test_file)
        before = answered_rightly(Project.open(champion), "0001", test_file)
    print(json.dumps({"champion": before, "test_rows": len(test), "kinds": results}))


if __name__ == "__main__":
    main()
