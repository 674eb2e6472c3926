"""A tuned model in its folder: exported graph, tokenizer, and the task that reads its outputs. No torch.

model.onnx       the graph that answers (fp32, or int8 where that lost nothing)
tokenizer.json   the Rust tokenizer
task.json        task name, labels, temperature, threshold, limits, precision
weights/         what training starts from next time; never read here
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autogen.data.rows import Row
from autogen.errors import VersionDamaged
from autogen.runtime.encoding import TOKENIZER_FILE, Encoded, TextEncoder
from autogen.runtime.session import MODEL_FILE, ExportedModel, Outputs
from autogen.storage.files import sha256_of
from autogen.tasks.text_classification.decoding import LabelPrediction, TextClassification

TASK_FILE = "task.json"


@dataclass(frozen=True)
class ClassifierCard:
    """What `task.json` says besides the task itself."""

    task: str
    base_model: str
    method: str
    precision: str  # of the exported graph: fp32, int8 or int8-blocks
    max_length: int
    pad_id: int


class TunedModel:
    """Texts in, predictions out, through the exported graph."""

    def __init__(
        self,
        card: ClassifierCard,
        task: TextClassification,
        encoder: TextEncoder,
        graph: ExportedModel,
        folder: Path | None = None,
    ) -> None:
        self.card = card
        self.task = task
        self.encoder = encoder
        self.graph = graph
        self.folder = folder

    @classmethod
    def load(cls, folder: Path, threads: int | None = None) -> TunedModel:
        """Raises VersionDamaged when a file is missing or cannot be read."""
        try:
            values = json.loads((folder / TASK_FILE).read_text("utf-8"))
            card = ClassifierCard(**values["model"])
            task = TextClassification.from_json(values["task"])
            encoder = TextEncoder.load(folder, card.max_length, card.pad_id)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise VersionDamaged(f"{folder} does not hold a whole tuned model: {error}") from error
        except Exception as error:  # the tokenizers library raises bare Exception for a file it cannot read
            raise VersionDamaged(f"{folder}: the tokenizer cannot be read: {error}") from error
        return cls(card, task, encoder, ExportedModel(folder / MODEL_FILE, threads), folder)

    def predict(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> list[LabelPrediction]:
        return self.task.decode(self.logits(texts, pairs)) if texts else []

    def logits(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> Any:
        """float32 of shape (rows, labels)."""
        return self.outputs(self.encoder.encode(texts, pairs))["logits"]

    def outputs(self, rows: Sequence[Encoded], batch_size: int = 32) -> Outputs:
        """Every output of the graph, rows in the order given."""
        if len(rows) == 1:
            return self.graph.run(self.encoder.pad(rows))
        outputs: Outputs = {}
        for places, arrays in self.encoder.sorted_batches(rows, batch_size):
            for name, values in self.graph.run(arrays).items():
                outputs.setdefault(name, np.empty((len(rows), *values.shape[1:]), values.dtype))[places] = values
        return outputs

    def with_task(self, task: TextClassification) -> TunedModel:
        return TunedModel(self.card, task, self.encoder, self.graph, self.folder)

    @property
    def base_model(self) -> str:
        return self.card.base_model

    @property
    def answers(self) -> tuple[str, ...]:
        return self.task.labels

    @property
    def digest(self) -> str:
        """Of the weights, the tokenizer, the form of the export, and the task with a skill's settings applied. Not of
        the graph: an exporter numbers nodes as it goes."""
        hasher = hashlib.sha256(json.dumps(self.task.to_json(), sort_keys=True).encode())
        if self.folder is not None:
            files = (self.folder / TASK_FILE, self.folder / TOKENIZER_FILE, *(self.folder / "weights").rglob("*"))
            for path in sorted(path for path in files if path.is_file()):
                hasher.update(f"{path.relative_to(self.folder)} {sha256_of(path)}\n".encode())
        return hasher.hexdigest()

    answer_column = "prediction"

    def predict_rows(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """`prediction` (after rejection) and `confidence` of rows with `text` and, perhaps, `text_pair`."""
        predictions = self.predict(*_texts(rows))
        return [
            {"prediction": prediction.decided, "confidence": round(prediction.confidence, 6)}
            for prediction in predictions
        ]

    def probabilities(self, rows: Sequence[Row]) -> list[dict[str, float]]:
        probabilities = self.task.probabilities(self.logits(*_texts(rows))) if rows else ()
        return [dict(zip(self.task.labels, map(float, row), strict=True)) for row in probabilities]


def _texts(rows: Sequence[Row]) -> tuple[list[str], list[str] | None]:
    pairs = [str(row.values.get("text_pair") or "") for row in rows]
    return [str(row.values["text"]) for row in rows], pairs if any(pairs) else None


def write_task(folder: Path, card: ClassifierCard, task: TextClassification) -> None:
    values = {"model": asdict(card), "task": task.to_json()}
    (folder / TASK_FILE).write_text(json.dumps(values, indent=1, ensure_ascii=False), "utf-8")
