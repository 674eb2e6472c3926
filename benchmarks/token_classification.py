"""Entities: AutoGen beside the recipe of transformers' token-classification example, on the same rows and the same base
model, in one run.

The example's recipe: AutoModelForTokenClassification, a learning rate of 5e-5 that falls to 0, three epochs (or as many
as `--example-epochs` says), batches of 8, the first sub-token of each word has the label, the most likely tag of each
word is the answer. AutoGen has its own defaults; its rows to choose the epoch by are held out of the train rows. Both
are measured on the data's test rows (or dev rows, where it has no others), by exact span and label; `cpu_seconds` go
from rows to an exported model, and for the example to a trained one.

    python benchmarks/token_classification.py --data DIR/atis DIR/conll04 --base-model minilm
    python benchmarks/token_classification.py --data DIR/wnut17 --limit 500 --seed 1
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from autogen.config.training import TrainingSettings
from autogen.data.rows import Row
from autogen.models.base_models import find_base_model
from autogen.plugins import learner_of, tasks
from autogen.progress import TrainingProgress
from autogen.tasks.task import Job, Need, Start
from autogen.tasks.token_classification.metrics import entity_scores
from autogen.tasks.token_classification.rows import AnnotatedText, Span, spans_of_tags
from autogen.tasks.token_classification.settings import TokenClassificationOptions
from measuring import LOAD_BEFORE

TASK = tasks()["token-classification"]
BATCH, RATE, EPOCHS, LONGEST = 8, 5e-5, 3, 256  # of transformers' example; of few rows, three epochs teach it nothing


def read(folder: Path, part: str, limit: int | None) -> list[dict[str, Any]]:
    """Rows with `tokens` and `tags`, or `tokens` and spans of tokens, or a text and a slot for each word."""
    with gzip.open(folder / f"{part}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [annotated(json.loads(line)) for line, _ in zip(file, range(limit or 10**9), strict=False)]


def annotated(values: Mapping[str, Any]) -> dict[str, Any]:
    """A row with `text` and `entities`; tokens have one space between them. Of overlapping entities the first stays."""
    tokens = values["tokens"] if "tokens" in values else values["text"].split()
    if "entities" in values:
        spans = sorted(map(of_tokens, values["entities"]))
    else:
        spans = spans_of_tags(values["tags"] if "tags" in values else values["slots"])
    starts = [0]
    for token in tokens:
        starts.append(starts[-1] + len(token) + 1)
    entities: list[dict[str, Any]] = []
    for span in spans:
        start, end = starts[span.start], starts[span.end] - 1
        if not entities or start >= entities[-1]["end"]:
            entities.append({"start": start, "end": end, "label": span.label})
    return {"text": " ".join(tokens), "entities": entities}


def of_tokens(entity: Any) -> Span:
    if isinstance(entity, Mapping):
        return Span(entity["start"], entity["end"], entity["type"])
    label, start, end = entity
    return Span(start, end, label)


def examples_of(rows: Sequence[Mapping[str, Any]]) -> list[AnnotatedText]:
    return [
        AnnotatedText(
            row["text"], tuple(Span(entity["start"], entity["end"], entity["label"]) for entity in row["entities"])
        )
        for row in rows
    ]


def ours(train: Sequence[Any], test: Sequence[Any], base_model: str, seed: int) -> dict[str, float]:
    need = Need(
        name="benchmark",
        task=TASK.name,
        base_model=base_model,
        sources={},
        columns={},
        training=TrainingSettings(seed=seed, report_to=["none"]),
        options=TokenClassificationOptions(),
    )
    rows = [Row(row, "train", at) for at, row in enumerate(train, start=1)]
    data = TASK.from_rows({"train": rows}, need)
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        job = Job(data, need, Start(base_model), home / "model", home / "state", home / "cache")
        with TrainingProgress(quiet=True) as progress:
            fitted = learner_of(TASK).fit(job, progress)
        seconds = time.process_time() - began
        model = TASK.load(job.folder)
        gold = examples_of(test)
        began = time.perf_counter()
        predicted = [[entity.span for entity in row] for row in model.predict([example.text for example in gold])]
        answering = time.perf_counter() - began
    scores = entity_scores(predicted, [example.spans for example in gold])
    figures = {**scores.metrics, "cpu_seconds": seconds, "answering_seconds": answering, "parity": fitted.parity}
    return figures | interval(scores) | {"form": fitted.record["exported"]}


def theirs(train: Sequence[Any], test: Sequence[Any], base_model: str, seed: int, epochs: int) -> dict[str, float]:
    """The example's recipe, over so many epochs, on its own model, with words as its tokenizer is given them."""
    import torch
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    torch.manual_seed(seed)
    source = find_base_model(base_model).source
    tokenizer = AutoTokenizer.from_pretrained(source)
    learnt = [tagged(example) for example in examples_of(train)]
    names = ["O", *sorted({tag for _, tags in learnt for tag in tags} - {"O"})]
    model = AutoModelForTokenClassification.from_pretrained(source, num_labels=len(names), dtype=torch.float32)
    began = time.process_time()
    steps = epochs * -(-len(learnt) // BATCH)
    optimiser = torch.optim.AdamW(model.parameters(), RATE, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: max(0.0, 1 - step / steps))
    model.train()
    for _ in range(epochs):
        order = torch.randperm(len(learnt)).tolist()
        for start in range(0, len(order), BATCH):
            some = [learnt[at] for at in order[start : start + BATCH]]
            batch, firsts = encoded(tokenizer, [words for words, _ in some])
            gold = torch.full_like(batch["input_ids"], -100)
            for row, (places, (_, tags)) in enumerate(zip(firsts, some, strict=True)):
                for word, place in places.items():
                    gold[row, place] = names.index(tags[word])
            loss = model(**batch, labels=gold).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            optimiser.zero_grad()
    seconds = time.process_time() - began
    model.eval()
    predicted = []
    with torch.inference_mode():
        for example in examples_of(test):
            words = example.text.split(" ")
            batch, (places,) = encoded(tokenizer, [words])
            best = model(**batch).logits[0].argmax(-1).tolist()
            tags = [names[best[places[at]]] if at in places else "O" for at in range(len(words))]
            predicted.append(spans_in(words, tags))
    scores = entity_scores(predicted, [example.spans for example in examples_of(test)])
    return {**scores.metrics, "cpu_seconds": seconds} | interval(scores)


def encoded(tokenizer: Any, words: Sequence[Sequence[str]]) -> tuple[Any, list[dict[int, int]]]:
    """A batch, and by row the place of each word's first token."""
    batch = tokenizer(
        list(map(list, words)),
        is_split_into_words=True,
        truncation=True,
        max_length=LONGEST,
        padding=True,
        return_tensors="pt",
    )
    firsts: list[dict[int, int]] = []
    for row in range(len(words)):
        places: dict[int, int] = {}
        for place, word in enumerate(batch.word_ids(row)):
            if word is not None:
                places.setdefault(word, place)
        firsts.append(places)
    return batch, firsts


def tagged(example: AnnotatedText) -> tuple[list[str], list[str]]:
    """Words and their BIO tags."""
    words, tags, start = example.text.split(" "), [], 0
    for word in words:
        inside = next((span for span in example.spans if span.start <= start < span.end), None)
        tags.append("O" if inside is None else f"{'B' if inside.start == start else 'I'}-{inside.label}")
        start += len(word) + 1
    return words, tags


def spans_in(words: Sequence[str], tags: Sequence[str]) -> list[Span]:
    starts = [0]
    for word in words:
        starts.append(starts[-1] + len(word) + 1)
    spans = spans_of_tags(tags)
    assert not isinstance(spans, int)
    return [Span(starts[span.start], starts[span.end] - 1, span.label) for span in spans]


def interval(scores: Any) -> dict[str, Any]:
    return {"interval": [round(bound, 4) for bound in scores.intervals.get("entity_f1", (0.0, 0.0))]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", required=True, metavar="DIR", help="with train and test or dev")
    parser.add_argument("--limit", type=int, metavar="N", help="train and test rows, for a try")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--base-model", default="minilm")
    parser.add_argument(
        "--example-epochs",
        type=int,
        nargs="*",
        default=[EPOCHS],
        metavar="N",
        help="of the example; none leaves it out",
    )
    given = parser.parse_args()
    for folder in given.data:
        part = "test" if (folder / "test.jsonl.gz").is_file() else "dev"
        train, test = read(folder, "train", given.limit), read(folder, part, given.limit)
        facts = {"data": folder.name, "measured": part, "train_rows": len(train), "test_rows": len(test)}
        facts |= {"seed": given.seed, "load_before": LOAD_BEFORE, "date": date.today().isoformat()}
        show(facts, "AutoGen", ours(train, test, given.base_model, given.seed))
        for epochs in given.example_epochs:
            scores = theirs(train, test, given.base_model, given.seed, epochs)
            show(facts, f"transformers example, {epochs} epochs", scores)


def show(facts: Mapping[str, Any], system: str, scores: Mapping[str, Any]) -> None:
    print(json.dumps({**facts, "system": system, **scores}), flush=True)


if __name__ == "__main__":
    main()
