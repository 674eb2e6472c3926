"""The network: an encoder that also sees how each word is written, and a linear layer from tokens to tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from autogen.tasks.token_classification.shapes import SHAPES

SHAPE_SIZE = 16  # of the shape's vector beside the hidden states


class EntityTagger(nn.Module):
    """Scores of shape (rows, length, tags), in fp32.

    The word shape comes in twice: as a vector added to the token's embedding, so that every layer knows which words
    have capitals (it is zero at first, and changes nothing of the pretrained encoder then), and beside the last hidden
    state.
    """

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

    @property
    def has_token_types(self) -> bool:
        return int(getattr(self.encoder.config, "type_vocab_size", 0) or 0) > 1

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        """`batch`: `input_ids`, `attention_mask`, `word_shapes`, and `token_type_ids` where the encoder has them."""
        names = ("attention_mask", *(("token_type_ids",) if self.has_token_types else ()))
        embeddings = self.encoder.get_input_embeddings()(batch["input_ids"]) + self.shape_inputs(batch["word_shapes"])
        hidden = self.encoder(inputs_embeds=embeddings, **{name: batch[name] for name in names}).last_hidden_state
        hidden = hidden[:, hidden.shape[1] - batch["attention_mask"].shape[1] :]  # without a prompt's own tokens
        # the head is small and sensitive: it stays in fp32 when the encoder runs in bf16
        with torch.autocast(hidden.device.type, enabled=False):
            tokens = torch.cat([hidden.float(), self.shape_outputs(batch["word_shapes"])], dim=-1)
            scores: Tensor = self.output(self.dropout(tokens))
            return scores

    def grow(self, tags: int) -> None:
        """Give the head `tags` outputs; those it has stay as they are."""
        old = self.output
        self.output = nn.Linear(old.in_features, tags)
        with torch.no_grad():
            self.output.weight.normal_(std=0.02)
            self.output.bias.zero_()
            self.output.weight[: old.out_features], self.output.bias[: old.out_features] = old.weight, old.bias
