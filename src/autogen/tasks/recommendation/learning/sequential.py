"""A Transformer over a user's history (SASRec, Kang & McAuley 2018, arXiv 1808.09781), and the mixer of readings.

Trained with softmax over the whole catalogue, or over many sampled items with their probability corrected (Petrov &
Macdonald 2023, arXiv 2308.07192; Klenitskiy & Vasilev 2023, arXiv 2309.07602: the loss made the difference). Beyond
the paper: the time that passed before the asked-for event is an input, and what trended then joins the logits, so that
the Transformer learns what sets a user apart from everybody's taste of the day.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from autogen.tasks.recommendation.trend import GAPS

SPARSE = 50_000  # items above which a step touches the vectors of its own items only


@dataclass(frozen=True)
class SequentialModelSizes:
    """Of the sequential model."""

    items: int
    width: int = 64
    layers: int = 2
    heads: int = 2
    length: int = 50  # events of a history that are read, the newest
    dropout: float = 0.3
    trends: int = 2


class _Layer(nn.Module):
    """Attention to what came before, then a feed-forward part; each normalised first."""

    def __init__(self, sizes: SequentialModelSizes) -> None:
        super().__init__()
        self.heads, self.dropout = sizes.heads, sizes.dropout
        self.attended, self.fed = nn.LayerNorm(sizes.width), nn.LayerNorm(sizes.width)
        # query, key and value; saved weights of versions have this name
        self.asked = nn.Linear(sizes.width, 3 * sizes.width)
        self.out = nn.Linear(sizes.width, sizes.width)
        self.feed = nn.Sequential(
            nn.Linear(sizes.width, 4 * sizes.width), nn.GELU(), nn.Linear(4 * sizes.width, sizes.width)
        )
        self.drop = nn.Dropout(sizes.dropout)

    def forward(self, rows: Tensor) -> Tensor:
        """(rows, length, width) → the same."""
        parts = self.asked(self.attended(rows)).chunk(3, dim=-1)
        query, key, value = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        share = self.dropout if self.training else 0.0
        heads = nn.functional.scaled_dot_product_attention(query, key, value, dropout_p=share, is_causal=True)
        rows = rows + self.drop(self.out(heads.transpose(1, 2).flatten(-2)))
        whole: Tensor = rows + self.drop(self.feed(self.fed(rows)))
        return whole


class SequentialModel(nn.Module):
    """Items are their own vector plus what their text says: an item that nobody chose yet is its text alone."""

    def __init__(self, sizes: SequentialModelSizes, texts: Tensor | None) -> None:
        """`texts`: float (items, hidden), embeddings of the items' texts; they stay as they are."""
        super().__init__()
        self.sizes = sizes
        # the last one opens histories
        self.own = nn.Embedding(sizes.items + 1, sizes.width, sparse=sizes.items > SPARSE)
        nn.init.normal_(self.own.weight, std=0.02)
        self.register_buffer("texts", texts, persistent=False)
        self.from_text = nn.Linear(texts.shape[1], sizes.width, bias=False) if texts is not None else None
        self.bias = nn.Parameter(torch.zeros(sizes.items))
        self.trend = nn.Parameter(torch.full((sizes.trends,), 1 / sizes.trends))
        self.place = nn.Embedding(sizes.length + 1, sizes.width)
        self.gap = nn.Embedding(GAPS, sizes.width)
        nn.init.normal_(self.place.weight, std=0.02)
        nn.init.normal_(self.gap.weight, std=0.02)
        self.layers = nn.Sequential(*(_Layer(sizes) for _ in range(sizes.layers)))
        self.norm = nn.LayerNorm(sizes.width)
        self.drop = nn.Dropout(sizes.dropout)

    def vectors(self, rows: Tensor | None = None, known: Tensor | None = None) -> Tensor:
        """(items + 1, width), the last one opening every history; or those at `rows`, int64 (rows,). `known`: float
        (rows, 1), 0 for an item that is to be its text alone."""
        own: Tensor = self.own.weight if rows is None else self.own(rows)
        if known is not None:
            own = own * known
        if self.from_text is None or not isinstance(self.texts, Tensor):
            return own
        if rows is None:
            text_vectors = self.from_text(self.texts)
            return own + torch.cat([text_vectors, text_vectors.new_zeros(1, text_vectors.shape[1])])
        last = (rows == self.sizes.items)[:, None]
        text_vectors = self.from_text(self.texts[rows.clamp(max=self.sizes.items - 1)])
        vectors: Tensor = own + text_vectors.masked_fill(last, 0.0)
        return vectors

    def forward(self, items: Tensor, gaps: Tensor, vectors: Tensor | None = None) -> Tensor:
        """Histories (rows, length) of items, each with the bucket of the time until the event that follows it: what is
        sought after each event, (rows, length, width). Items are places in `vectors`, where these are given."""
        known = self.vectors() if vectors is None else vectors
        steps = torch.arange(items.shape[1], device=items.device)
        hidden = nn.functional.embedding(items, known) * self.sizes.width**0.5 + self.place(steps) + self.gap(gaps)
        out: Tensor = self.norm(self.layers(self.drop(hidden)))
        return out


class Mixer(nn.Module):
    """What the readings say of an item, weighed by when and by whom it is asked: one score."""

    def __init__(self, readings: int, context: int, width: int = 32) -> None:
        super().__init__()
        self.of_item = nn.Linear(readings, width)
        self.of_context = nn.Linear(context, width, bias=False)
        self.out = nn.Linear(width, 1, bias=False)
        self.weigh = nn.Linear(context, readings)

    def forward(self, readings: Tensor, context: Tensor) -> Tensor:
        """(queries, items, readings), (queries, context) → (queries, items)."""
        hidden = torch.relu(self.of_item(readings) + self.of_context(context)[:, None])
        weighed = (readings * self.weigh(context)[:, None]).sum(-1)
        scores: Tensor = self.out(hidden).squeeze(-1) + weighed
        return scores
