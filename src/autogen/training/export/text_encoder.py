"""A base model as it is, exported: what turns texts into vectors where nothing has to be learnt."""

from __future__ import annotations

import json
from pathlib import Path

from autogen.models.base_models import BaseModel
from autogen.models.network import TextEmbedder
from autogen.models.sources import PretrainedEncoder
from autogen.runtime.encoding import TOKENIZER_FILE
from autogen.runtime.session import MODEL_FILE
from autogen.runtime.text_encoder import ENCODER_FILE
from autogen.training.export.graph import export_graph
from autogen.training.export.quantise import quantise


def export_text_encoder(base: BaseModel, folder: Path, max_length: int) -> None:
    """The base model as it is, in int8, with its tokenizer: texts to mean token vectors (`runtime.text_encoder`)."""
    source = PretrainedEncoder(base)
    tokenizer, pad_id, limit = source.tokenizer()
    folder.mkdir(parents=True, exist_ok=True)
    fp32_graph = folder / "fp32.onnx"
    export_graph(TextEmbedder(source.encoder(seed=0)), fp32_graph)
    quantise(fp32_graph, folder / MODEL_FILE, TextEmbedder.embedding)
    fp32_graph.unlink()
    tokenizer.save(str(folder / TOKENIZER_FILE))
    card = {"max_length": min(limit, max_length), "pad_id": pad_id, "base_model": source.name}
    (folder / ENCODER_FILE).write_text(json.dumps(card), "utf-8")
