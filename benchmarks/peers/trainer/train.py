"""The peer of `training_throughput.py`: transformers' `Trainer` with its defaults on a sequence classifier.

fp32, AdamW at 5e-5, batches of 32 rows at random, each padded to its longest row, dropout as the model has it. Stands
alone, so that it can run in an environment of its own. The last line of stdout is a JSON object: `loop` is
`Trainer.train`, `learn` goes from rows in a file to trained weights; seconds and CPU-seconds.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    set_seed,
)

MAX_LENGTH = 256  # tokens, as in the product's settings


def read(path: Path) -> tuple[list[str], list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["label"] for row in rows]


def encoded(tokenizer: Any, texts: list[str], gold: list[int]) -> list[dict[str, Any]]:
    columns = tokenizer(texts, truncation=True, max_length=MAX_LENGTH)
    names = list(columns)
    return [
        {**dict(zip(names, row, strict=True)), "label": label}
        for *row, label in zip(*(columns[name] for name in names), gold, strict=True)
    ]


def spent(start: tuple[float, float]) -> dict[str, float]:
    return {"seconds": time.perf_counter() - start[0], "cpu": time.process_time() - start[1]}


def measured(given: argparse.Namespace, folder: str) -> dict[str, Any]:
    began = time.perf_counter(), time.process_time()
    texts, labels = read(given.train)
    names = sorted(set(labels))
    tokenizer = AutoTokenizer.from_pretrained(given.base_model)
    set_seed(given.seed)
    model = AutoModelForSequenceClassification.from_pretrained(
        given.base_model, num_labels=len(names), dtype=torch.float32
    )
    arguments = TrainingArguments(
        output_dir=folder,
        num_train_epochs=given.epochs,
        per_device_train_batch_size=given.batch_size,
        seed=given.seed,
        report_to="none",
        disable_tqdm=True,
    )
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=encoded(tokenizer, texts, [names.index(label) for label in labels]),
        data_collator=DataCollatorWithPadding(tokenizer),
    )
    looped = time.perf_counter(), time.process_time()
    trainer.train()
    loop, learn = spent(looped), spent(began)
    test_texts, truth = read(given.test)
    logits = trainer.predict(encoded(tokenizer, test_texts, [0] * len(truth))).predictions
    right = [names[at] == label for at, label in zip(logits.argmax(axis=1), truth, strict=True)]
    return {
        "metrics": {"accuracy": sum(right) / len(right)},
        "loop": loop,
        "learn": learn,
        "rows": len(texts),
        "epochs": given.epochs,
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True, metavar="FILE", help="CSV with text and label")
    parser.add_argument("--test", type=Path, required=True, metavar="FILE")
    parser.add_argument("--base-model", required=True, help="a transformers folder or a hub id")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measured(given, folder)))


if __name__ == "__main__":
    main()
