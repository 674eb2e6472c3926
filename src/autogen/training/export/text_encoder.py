"""The trained model to the form that answers: ONNX, proven to agree, and int8 where that loses nothing."""

from __future__ import annotations

import json
from pathlib import Path

from autogen.models.base_models import BaseModel
from autogen.models.sources import FromBaseModel
from autogen.runtime.encoding import TOKENIZER_FILE
from autogen.runtime.session import MODEL_FILE
from autogen.runtime.text_encoder import ENCODER_FILE
from autogen.training.export.graph import export_graph
from autogen.training.export.quantise import quantise


def export_text_encoder(base: BaseModel, folder: Path, max_length: int) -> None:
    """The base model as it is, in int8, with its tokenizer: texts to mean token vectors (`runtime.text_encoder`)."""
    source = FromBaseModel(base)
    tokenizer, pad_id, limit = source.tokenizer()
    folder.mkdir(parents=True, exist_ok=True)
    whole = folder / "fp32.onnx"
    export_graph(source.build(("a", "b"), seed=0), whole)
    quantise(whole, folder / MODEL_FILE)
    whole.unlink()
    tokenizer.save(str(folder / TOKENIZER_FILE))
    card = {"max_length": min(limit, max_length), "pad_id": pad_id, "base_model": source.name}
    (folder / ENCODER_FILE).write_text(json.dumps(card), "utf-8")
