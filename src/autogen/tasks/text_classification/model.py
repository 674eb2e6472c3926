"""A tuned model in its folder: exported graph, tokenizer, and the task that reads its outputs. No torch.

model.onnx       the graph that answers (fp32, or int8 where that lost nothing)
tokenizer.json   the Rust tokenizer
task.json        task name, labels, temperature, threshold, limits, precision
weights/         what training starts from next time; never read here
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autogen.data.rows import Row
from autogen.runtime.encoding import Encoded, TextEncoder
from autogen.runtime.model_folder import ModelCard, as_version_damage, digest_of, read_task_file, write_task_file
from autogen.runtime.session import MODEL_FILE, ExportedModel, Outputs
from autogen.tasks.text_classification.decoding import LabelPrediction, TextClassification


class TunedModel:
    """Texts in, predictions out, through the exported graph."""

    def __init__(
        self,
        card: ModelCard,
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
        with as_version_damage(folder):
            values = read_task_file(folder)
            card = ModelCard(**values["model"])
            task = TextClassification.from_json(values["task"])
            encoder = TextEncoder.load(folder, card.max_length, card.pad_id)
        return cls(card, task, encoder, ExportedModel(folder / MODEL_FILE, threads), folder)

    def predict(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> list[LabelPrediction]:
        if not texts:
            return []
        outputs = self.outputs(self.encoder.encode(texts, pairs))
        return self.task.decode(outputs["logits"], embeddings=outputs.get("text_embedding"))

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
        """As `digest_of`, with the task as a skill's settings have it."""
        return digest_of(self.folder, self.task.to_json())

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


def write_task(folder: Path, card: ModelCard, task: TextClassification) -> None:
    write_task_file(folder, card, "task", task.to_json())
