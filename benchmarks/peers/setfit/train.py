"""The peer SetFit: contrastive pairs through sentence-transformers, then logistic regression on the embeddings.

Its own `Trainer` with its defaults but for `--num-iterations`: how many pairs of each kind a row is put into. Its own
default is every pair there is, which at ten rows of each of 77 labels would take half a day. Stands alone, so that it
can run in an environment of its own. The last line of stdout is a JSON object: `loop` is `Trainer.train`, `learn` goes
from rows in a file to trained weights; seconds and CPU-seconds.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from pathlib import Path
from typing import Any


def read(path: Path) -> tuple[list[str], list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["label"] for row in rows]


def spent(start: tuple[float, float]) -> dict[str, float]:
    return {"seconds": time.perf_counter() - start[0], "cpu": time.process_time() - start[1]}


def measured(given: argparse.Namespace, folder: str) -> dict[str, Any]:
    # here, so that --help works where it is not installed
    import sentence_transformers
    import setfit
    import torch
    import transformers
    from datasets import Dataset, disable_progress_bars

    disable_progress_bars()
    began = time.perf_counter(), time.process_time()
    texts, labels = read(given.train)
    model = setfit.SetFitModel.from_pretrained(given.base_model)
    arguments = setfit.TrainingArguments(
        output_dir=folder,
        num_iterations=given.num_iterations,
        num_epochs=given.epochs,
        batch_size=given.batch_size,
        seed=given.seed,
        report_to="none",
        save_strategy="no",
        show_progress_bar=False,
    )
    trainer = setfit.Trainer(
        model=model, args=arguments, train_dataset=Dataset.from_dict({"text": texts, "label": labels})
    )
    looped = time.perf_counter(), time.process_time()
    trainer.train()
    loop, learn = spent(looped), spent(began)
    test_texts, truth = read(given.test)
    right = [found == label for found, label in zip(model.predict(test_texts), truth, strict=True)]
    return {
        "metrics": {"accuracy": float(sum(right) / len(right))},
        "loop": loop,
        "learn": learn,
        "rows": len(texts),
        "epochs": given.epochs,
        "pairs": 2 * given.num_iterations * len(texts) * given.epochs,
        "versions": {
            "setfit": setfit.__version__,
            "sentence-transformers": sentence_transformers.__version__,
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True, metavar="FILE", help="CSV with text and label")
    parser.add_argument("--test", type=Path, required=True, metavar="FILE")
    parser.add_argument("--base-model", required=True, help="a sentence-transformers folder or a hub id")
    parser.add_argument("--num-iterations", type=int, default=5, help="pairs of each kind for every row")
    parser.add_argument("--epochs", type=int, default=1, help="over the pairs")
    parser.add_argument("--batch-size", type=int, default=16, help="pairs in a batch")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measured(given, folder)))


if __name__ == "__main__":
    main()
