"""A tuned model in its folder: exported graph, tokenizer, and what reads its outputs. No torch.

model.onnx       the graph that answers (fp32, or int8 where that lost nothing)
tokenizer.json   the Rust tokenizer
task.json        labels, temperature, length of a window, what a unit is, precision
weights/         what training starts from next time; never read here
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autogen.data.rows import Row
from autogen.runtime.model_folder import ModelCard, as_version_damage, digest_of, read_task_file, write_task_file
from autogen.runtime.session import MODEL_FILE, ExportedModel
from autogen.tasks.token_classification.decoding import EntityDecoder, PredictedEntity
from autogen.tasks.token_classification.sequences import Floats
from autogen.tasks.token_classification.windows import EncodedText, WindowEncoder, unit_scores

BATCH = 32  # windows that go through the graph together
SHOWN_TEXT = 200  # characters of an entity in a readable answer


@dataclass(frozen=True)
class TaggerCard(ModelCard):
    """`max_length` is that of a window; longer texts have several."""

    whole_words: bool  # whether a unit is a word


class EntityModel:
    """Texts in, entities out, through the exported graph."""

    answer_column = "entities"

    def __init__(
        self,
        card: TaggerCard,
        decoder: EntityDecoder,
        encoder: WindowEncoder,
        graph: ExportedModel,
        folder: Path | None = None,
    ) -> None:
        self.card, self.decoder, self.encoder, self.graph, self.folder = card, decoder, encoder, graph, folder

    @classmethod
    def load(cls, folder: Path, threads: int | None = None) -> EntityModel:
        """Raises VersionDamaged when a file is missing or cannot be read."""
        with as_version_damage(folder):
            values = read_task_file(folder)
            card = TaggerCard(**values["model"])
            decoder = EntityDecoder.from_json(values["decoder"])
            encoder = WindowEncoder.load(folder, card.max_length, card.pad_id, card.whole_words)
        return cls(card, decoder, encoder, ExportedModel(folder / MODEL_FILE, threads), folder)

    def predict(self, texts: Sequence[str]) -> list[tuple[PredictedEntity, ...]]:
        """The entities of each text, in order and without overlap; of a long text, those at its end too."""
        if not texts:
            return []
        encoded = self.encoder.encode(texts)
        return self.decoder.decode(encoded, self.scores(encoded))

    def scores(self, texts: Sequence[EncodedText]) -> list[Floats]:
        """The logits of each text's units, each of shape (units, tags)."""
        windows = [window for text in texts for window in text.windows]
        order = sorted(range(len(windows)), key=lambda at: len(windows[at]))
        outputs: dict[int, Floats] = {}
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            logits = self.graph.run(dict(self.encoder.pad([windows[at] for at in places])))["logits"]
            outputs |= zip(places, logits, strict=True)
        return unit_scores(texts, [outputs[at] for at in range(len(windows))])

    @property
    def base_model(self) -> str:
        return self.card.base_model

    @property
    def answers(self) -> tuple[str, ...]:
        return self.decoder.labels

    @property
    def digest(self) -> str:
        return digest_of(self.folder, self.decoder.to_json())

    def predict_rows(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """`prediction` (such as "person: Ann; city: Rome", empty for no entity), `confidence` (that of the least sure
        entity; 0 for none) and `entities` of rows with `text`."""
        return [_columns(entities) for entities in self.predict([str(row.values["text"]) for row in rows])]


def _columns(entities: Sequence[PredictedEntity]) -> dict[str, Any]:
    named = [f"{entity.label}: {' '.join(entity.text.split())[:SHOWN_TEXT]}" for entity in entities]
    return {
        "prediction": "; ".join(named),
        "confidence": round(min((entity.confidence for entity in entities), default=0.0), 6),
        "entities": [{**asdict(entity), "confidence": round(entity.confidence, 6)} for entity in entities],
    }


def write_task(folder: Path, card: TaggerCard, decoder: EntityDecoder) -> None:
    write_task_file(folder, card, "decoder", decoder.to_json())
