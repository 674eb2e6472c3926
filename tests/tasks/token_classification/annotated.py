"""Sentences whose entities a tiny model learns in seconds: each word of a topic is an entity of its name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.tiny import TOPICS, rows

LABEL_OF = {word: label for label, words in TOPICS.items() for word in words}


def entities_of(text: str) -> list[dict[str, Any]]:
    entities, start = [], 0
    for word in text.split(" "):
        if word in LABEL_OF:
            entities.append({"start": start, "end": start + len(word), "label": LABEL_OF[word]})
        start += len(word) + 1
    return entities


def annotated(per_label: int, seed: int) -> list[dict[str, Any]]:
    """Rows with `text` and `entities`; entities side by side are apart all the same."""
    return [{"text": text, "entities": entities_of(text)} for text, _ in rows(per_label, seed=seed)]


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def write_finder(folder: Path, tiny_base_model: Path) -> Path:
    """A project whose first version will learn the words of four topics."""
    folder.mkdir()
    write_rows(folder / "train.jsonl", annotated(40, seed=1))
    write_rows(folder / "eval.jsonl", annotated(15, seed=2))
    (folder / "agent.toml").write_text(
        f"""[agent]
name = "entities"
base_model = "{tiny_base_model}"

[skills.finder]
type = "prediction"
task = "token-classification"
train = "train.jsonl"
eval = "eval.jsonl"

[skills.finder.training]
epochs = 4
learning_rate = 5e-3
freeze_embeddings = false
precision = "fp32"
report_to = "none"
""",
        "utf-8",
    )
    return folder
