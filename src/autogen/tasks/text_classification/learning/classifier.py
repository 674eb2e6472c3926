"""Classifiers: networks that answer with a logit for each label and a text embedding.

Two kinds share one interface. `CosineClassifier` puts our head on any encoder: the mean of the token vectors, scaled to
length one, compared by cosine with one vector per label (Gidaris & Komodakis 2018). `SequenceClassifier` takes a
transformers `...ForSequenceClassification` as its owner built it.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from autogen.errors import VersionDamaged
from autogen.models.network import (
    Batch,
    GraphOutput,
    Network,
    NetworkOutput,
    SavedNetwork,
    load_network,
    mean_of_tokens,
    quiet_transformers,
)
from autogen.tasks.text_classification.learning.neighbours import NeighbourScorer

START_SCALE = 20.0


class Classifier(Network):
    """What both kinds share. Subclasses say how one padded batch is answered and how the head grows."""

    record_file = "classifier.json"
    outputs = (GraphOutput("logits"), GraphOutput("text_embedding"))
    embedding = "text_embedding"

    @abstractmethod
    def answer(self, batch: Batch) -> NetworkOutput:
        """Logits of shape (rows, labels) and embeddings of shape (rows, hidden), of length one."""

    @abstractmethod
    def grow(self, labels: int) -> None:
        """Give the head `labels` outputs; those it has stay as they are."""


class CosineClassifier(Classifier):
    """logits = exp(log_scale) · cosine(mean token vector, label vector), plus what the neighbours say once there are
    some: they are remembered when training is over."""

    kind = "cosine"
    head_prefixes = ("vectors", "log_scale", "neighbours.")

    def __init__(self, encoder: Any, labels: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.vectors = nn.Parameter(functional.normalize(torch.randn(labels, encoder.config.hidden_size), dim=-1))
        self.log_scale = nn.Parameter(torch.tensor(math.log(START_SCALE)))
        self.neighbours: NeighbourScorer | None = None

    def answer(self, batch: Batch) -> NetworkOutput:
        embedding = functional.normalize(mean_of_tokens(self.token_states(batch), batch["attention_mask"]), dim=-1)
        # the head is small and sensitive: it stays in fp32 when the encoder runs in bf16
        with torch.autocast(embedding.device.type, enabled=False):
            logits = embedding @ functional.normalize(self.vectors, dim=-1).T * self.log_scale.exp()
            return NetworkOutput(logits if self.neighbours is None else logits + self.neighbours(embedding), embedding)

    def set_vectors(self, vectors: Tensor) -> None:
        with torch.no_grad():
            self.vectors.copy_(functional.normalize(vectors, dim=-1))

    def grow(self, labels: int) -> None:
        new_vectors = functional.normalize(torch.randn(labels - len(self.vectors), self.vectors.shape[1]), dim=-1)
        self.vectors = nn.Parameter(torch.cat([self.vectors.data, new_vectors]))
        self.neighbours = None


class SequenceClassifier(Classifier):
    """A transformers `...ForSequenceClassification`; its last hidden states give the embedding."""

    kind = "sequence-classification"
    pools_tokens = False

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder
        name = _last_linear(encoder)
        if name is None:
            raise VersionDamaged(f"{type(encoder).__name__} has no linear layer with one output per label.")
        self.output = name
        head_names = [child for child, _ in encoder.named_children() if child != encoder.base_model_prefix]
        self.head_prefixes = tuple(f"encoder.{child}." for child in head_names)

    @property
    def backbone(self) -> nn.Module:
        return getattr(self.encoder, self.encoder.base_model_prefix)  # type: ignore[no-any-return]

    def put_backbone(self, backbone: nn.Module) -> None:
        setattr(self.encoder, self.encoder.base_model_prefix, backbone)

    def answer(self, batch: Batch) -> NetworkOutput:
        output = self.encoder(**self.inputs(batch), output_hidden_states=True)
        embedding = mean_of_tokens(output.hidden_states[-1], batch["attention_mask"])
        return NetworkOutput(output.logits.float(), functional.normalize(embedding, dim=-1))

    def grow(self, labels: int) -> None:
        """A head with `labels` outputs; the first ones stay as they are, the new ones are drawn as BERT draws them."""
        old: nn.Linear = self.encoder.get_submodule(self.output)
        new = nn.Linear(old.in_features, labels, bias=old.bias is not None)
        common = min(labels, old.out_features)
        with torch.no_grad():
            new.weight.normal_(0.0, 0.02)
            new.weight[:common] = old.weight[:common]
            if old.bias is not None:
                new.bias.zero_()
                new.bias[:common] = old.bias[:common]
        self.encoder.set_submodule(self.output, new)
        self.encoder.num_labels = self.encoder.config.num_labels = labels


def _last_linear(encoder: nn.Module) -> str | None:
    outputs = getattr(encoder, "num_labels", None)
    linear = [n for n, m in encoder.named_modules() if isinstance(m, nn.Linear) and m.out_features == outputs]
    return linear[-1] if linear else None


def load_classifier(folder: Path, base_encoder: Callable[[str], Any] | None = None) -> Classifier:
    """What `Classifier.save` wrote. `base_encoder` loads the base model of that name, for weights that are an adapter.

    Raises VersionDamaged; BaseModelError when the base model is not the one that the adapter was trained on.
    """
    return load_network(folder, Classifier.record_file, _with_head, base_encoder)


def _with_head(saved: SavedNetwork) -> Classifier:
    if saved.kind == SequenceClassifier.kind:
        owners = SequenceClassifier(saved.encoder(_owners_encoder))
        labels = next((len(v) for name, v in saved.head.items() if name == f"encoder.{owners.output}.weight"), None)
        if labels is not None and labels != owners.encoder.num_labels:
            owners.grow(labels)
        owners.load_head(saved.head)
        return owners
    model = CosineClassifier(saved.encoder(), len(saved.head["vectors"]))
    if "neighbours.vectors" in saved.head:
        model.neighbours = NeighbourScorer(saved.head["neighbours.vectors"], saved.head["neighbours.members"])
    model.load_head(saved.head)
    return model


def _owners_encoder(folder: Path) -> Any:
    from transformers import AutoModelForSequenceClassification

    with quiet_transformers():
        return AutoModelForSequenceClassification.from_pretrained(folder, local_files_only=True)
