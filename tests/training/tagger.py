"""A network with outputs per token, small enough for a test: it says which topic each word of a sentence is from.

Beside the encoder's own inputs it reads the place of each token, so that a batch has more than text has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from autogen.models.network import Batch, GraphOutput, Network, NetworkOutput, SavedNetwork, load_network
from autogen.runtime.encoding import Encoded, TextEncoder
from autogen.training.loop.answers import Outputs
from autogen.training.loop.batching import IGNORED, TrainingRow, token_tags
from autogen.training.loop.recipe import Objective
from tests.tiny import SPECIAL, TOPICS, tiny_tokenizer

PLACES = 64


class Tagger(Network):
    kind = "tagger"
    record_file = "tagger.json"
    outputs = (GraphOutput("logits", per_token=True), GraphOutput("token_embedding", per_token=True))
    embedding = "token_embedding"
    more_inputs = ("places",)
    head_prefixes = ("places.", "output.")

    def __init__(self, encoder: Any, tags: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.places = nn.Embedding(PLACES, encoder.config.hidden_size)
        self.output = nn.Linear(encoder.config.hidden_size, tags)

    def answer(self, batch: Batch) -> NetworkOutput:
        embedding = self.token_states(batch).float() + self.places(batch["places"])
        return NetworkOutput(self.output(embedding), embedding)


def load_tagger(folder: Path) -> Tagger:
    def build(saved: SavedNetwork) -> Tagger:
        tagger = Tagger(saved.encoder(), len(saved.head["output.weight"]))
        tagger.load_head(saved.head)
        return tagger

    return load_network(folder, Tagger.record_file, build)


class PlaceEncoder(TextEncoder):
    def pad(self, rows: Sequence[Encoded]) -> dict[str, NDArray[np.int64]]:
        arrays = super().pad(rows)
        return {**arrays, "places": np.cumsum(np.ones_like(arrays["input_ids"]), axis=1) - 1}


def tagging_loss(answer: NetworkOutput, targets: Tensor) -> Tensor:
    return functional.cross_entropy(answer.logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED)


def tagged(encoder: TextEncoder, texts: Sequence[str]) -> list[TrainingRow]:
    """Each token with its topic, 0 for a word of none; special tokens have no tag."""
    tags = _tags()
    return [TrainingRow(row, [tags[at] for at in row.ids]) for row in encoder.encode(texts)]


def _tags() -> Mapping[int, int]:
    topics = {word: number for number, words in enumerate(TOPICS.values(), start=1) for word in words}
    vocabulary = tiny_tokenizer().get_vocab()
    return {at: IGNORED if word in SPECIAL else topics.get(word, 0) for word, at in vocabulary.items()}


class TagAccuracy:
    """The share of the tokens that are given their tag."""

    def __init__(self, rows: Sequence[TrainingRow]) -> None:
        self.tags = token_tags([row.target for row in rows]).numpy()

    def __call__(self, outputs: Outputs) -> float:
        counts = self.tags != IGNORED
        return float((outputs[0].argmax(axis=-1) == self.tags)[counts].mean())

    def score_loss(self, before: Outputs, after: Outputs) -> float:
        return self(before) - self(after)


def objective(eval_rows: Sequence[TrainingRow] = ()) -> Objective:
    return Objective(tagging_loss, token_tags, TagAccuracy(eval_rows) if eval_rows else None)


def seeded(encoder: Any, seed: int = 0) -> Tagger:
    torch.manual_seed(seed)
    return Tagger(encoder, 1 + len(TOPICS))
