"""The network: an encoder that also sees how each word is written, and a linear layer from tokens to tags."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from autogen.models.network import Batch, GraphOutput, Network, SavedNetwork, load_network
from autogen.tasks.token_classification.shapes import SHAPES

SHAPE_SIZE = 16  # of the shape's vector beside the hidden states


class Tagging(NamedTuple):
    """Scores of shape (rows, length, tags), and what they are computed from: (rows, length, features). In fp32."""

    logits: Tensor
    features: Tensor


class EntityTagger(Network):
    """Scores tags for each token.

    The word shape comes in twice: as a vector added to the token's embedding, so that every layer knows which words
    have capitals (it is zero at first, and changes nothing of the pretrained encoder then), and beside the last hidden
    state. Both belong to the head, which learns whatever the tuning method.
    """

    kind = "entity-tagger"
    record_file = "tagger.json"
    outputs = (GraphOutput("logits", per_token=True), GraphOutput("features", per_token=True))
    embedding = "features"
    more_inputs = ("word_shapes",)
    head_prefixes = ("shape_inputs.", "shape_outputs.", "output.")
    alters_inputs = True

    def __init__(self, encoder: Any, tags: int, dropout: float = 0.1) -> None:
        super().__init__()
        hidden = encoder.config.hidden_size
        self.encoder = encoder
        self.shape_inputs = nn.Embedding(len(SHAPES), hidden)
        self.shape_outputs = nn.Embedding(len(SHAPES), SHAPE_SIZE)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden + SHAPE_SIZE, tags)
        nn.init.zeros_(self.shape_inputs.weight)
        nn.init.normal_(self.output.weight, std=0.02)
        nn.init.zeros_(self.output.bias)

    def inputs(self, batch: Batch) -> dict[str, Tensor]:
        """The tokens' embeddings with those of the shapes, in place of the tokens."""
        inputs = super().inputs(batch)
        tokens = self.encoder.get_input_embeddings()(inputs.pop("input_ids"))
        return {"inputs_embeds": tokens + self.shape_inputs(batch["word_shapes"]), **inputs}

    def answer(self, batch: Batch) -> Tagging:
        hidden = self.token_states(batch)
        # the head is small and sensitive: it stays in fp32 when the encoder runs in bf16
        with torch.autocast(hidden.device.type, enabled=False):
            features = torch.cat([hidden.float(), self.shape_outputs(batch["word_shapes"])], dim=-1)
            return Tagging(self.output(self.dropout(features)), features)

    def grow(self, tags: int) -> None:
        """Give the head `tags` outputs; those it has stay as they are."""
        old = self.output
        self.output = nn.Linear(old.in_features, tags)
        with torch.no_grad():
            self.output.weight.normal_(std=0.02)
            self.output.bias.zero_()
            self.output.weight[: old.out_features], self.output.bias[: old.out_features] = old.weight, old.bias


def load_tagger(folder: Path, base_encoder: Callable[[str], Any] | None = None) -> EntityTagger:
    """What `EntityTagger.save` wrote. `base_encoder` loads the base model of that name, for weights that are an
    adapter. Raises VersionDamaged, BaseModelError."""
    return load_network(folder, EntityTagger.record_file, _with_head, base_encoder)


def _with_head(saved: SavedNetwork) -> EntityTagger:
    tagger = EntityTagger(saved.encoder(), len(saved.head["output.bias"]))
    tagger.load_head(saved.head)
    return tagger
