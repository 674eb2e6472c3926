"""One training run through `Project`, in a process of its own: the other benchmarks start it, once for each figure.

The last line of stdout is a JSON object: the metrics of the exported model on the test rows, what training was like,
and the time it took, in seconds and CPU-seconds:

    loop    fine-tuning alone
    learn   from rows in a file to trained weights: reading, checking, loading the base model, fine-tuning
    train   all of `Project.train`: with the export, its proof, and calibration

    python benchmarks/learn.py --train train.csv --test test.csv
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from autogen.progress import TrainingProgress
from autogen.project import Project
from autogen.runtime.session import MODEL_FILE
from rows import write_project

Moment = tuple[float, float]  # seconds, CPU-seconds of this process


def now() -> Moment:
    return time.perf_counter(), time.process_time()


def between(start: Moment, end: Moment) -> dict[str, float]:
    return {"seconds": end[0] - start[0], "cpu": end[1] - start[1]}


class StageClock(TrainingProgress):
    """Remembers when training began its stages and when it had something to say, which is when one ends."""

    def __init__(self) -> None:
        super().__init__()
        self._events: list[tuple[str, Moment]] = []

    def start(self, stage: str, total: int, completed: int = 0) -> None:
        self._events.append((stage, now()))
        super().start(stage, total, completed)

    def say(self, text: str) -> None:
        self._events.append(("", now()))
        super().say(text)

    def of(self, stage: str) -> tuple[Moment, Moment]:
        """When it began and when it ended."""
        at = [name for name, _ in self._events].index(stage)
        return self._events[at][1], self._events[at + 1][1]


def learn(project: Project, test: str) -> dict[str, Any]:
    """Train, then measure the exported model on the test rows."""
    import autogen.project.learning  # noqa: F401 importing torch is not learning

    start, clock = now(), StageClock()
    manifest = project.train(progress=clock)
    trained = now()
    loop, learnt = clock.of("train")
    record = manifest.skills["support"].models["intent"]
    return {
        "metrics": project.evaluate(data=test).skills["support"].metrics,
        "loop": between(loop, learnt),
        "learn": between(start, learnt),
        "train": between(start, trained),
        "epochs": record.training["recipe"]["epochs"],
        "rows": record.train_rows,
        "held_out_rows": record.held_out_rows,
        "cross_validated": record.cross_validated,
        "trainable": record.training["trainable"],
        "parameters": record.training["parameters"],
        "weights_mb": _size_mb(project.versions.folder / manifest.version / record.folder / "weights"),
        "precision": record.training["precision"],
        "exported": record.training["exported"],
        "model_mb": (project.versions.folder / manifest.version / record.folder / MODEL_FILE).stat().st_size / 1e6,
        "unlabelled": (record.training.get("unlabelled") or {}).get("said"),
    }


def _size_mb(folder: Path) -> float:
    """Of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True, metavar="FILE")
    parser.add_argument("--eval", type=Path, metavar="FILE", help="held-out rows; else the product holds some out")
    parser.add_argument("--test", type=Path, required=True, metavar="FILE", help="rows that training never sees")
    parser.add_argument("--unlabelled", type=Path, metavar="FILE", help="texts to learn from without labels")
    parser.add_argument("--base-model", default="minilm")
    parser.add_argument("--training", type=json.loads, default={}, metavar="JSON", help="training settings")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_project(Path(folder), given.base_model, given.train, given.eval, None, given.training, given.unlabelled)
        print(json.dumps(learn(Project.open(folder), str(given.test.resolve()))))


if __name__ == "__main__":
    main()
