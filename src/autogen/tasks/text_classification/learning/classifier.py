"""Classifiers: an encoder with a head, answering with logits and a text embedding.

Two kinds share one interface. `CosineClassifier` puts our head on any encoder: the mean of the token vectors, scaled to
length one, compared by cosine with one vector per label (Gidaris & Komodakis 2018). `SequenceClassifier` takes a
transformers `...ForSequenceClassification` as its owner built it.
"""

from __future__ import annotations

import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from autogen.errors import BaseModelError, ConfigError, VersionDamaged
from autogen.models import adapters
from autogen.models.network import BaseWeights, load_encoder, mean_of_tokens, quiet_transformers
from autogen.tasks.text_classification.learning.neighbours import Neighbours

KIND_FILE = "classifier.json"
ENCODER_FOLDER = "encoder"
HEAD_FILE = "head.safetensors"
START_SCALE = 20.0


class Answer(NamedTuple):
    """`logits` of shape (rows, labels) and `embedding` of shape (rows, hidden), of length one."""

    logits: Tensor
    embedding: Tensor


class Classifier(nn.Module, ABC):
    """What both kinds share. Subclasses say how one padded batch is answered and how the head grows."""

    kind: str
    encoder: Any
    head_prefixes: tuple[str, ...]
    pools_tokens = True  # whether all tokens count alike, wherever they stand
    _keys_to_ignore_on_save = None  # the Trainer asks, when a checkpoint holds only what learns
    base: BaseWeights | None = None  # what an adapter belongs to; None: nothing that could be found again
    recomputes = False  # each batch's activations are computed anew for its gradient, instead of being kept
    at_rest: tuple[nn.Module, ...] = ()  # what does not learn, and so has no dropout while the rest trains
    store: Callable[[Tensor], None] | None = None  # takes what frozen layers say of a batch, in place of asking them

    @abstractmethod
    def answer(self, batch: Mapping[str, Tensor]) -> Answer:
        """The answer to one padded batch."""

    @abstractmethod
    def grow(self, labels: int) -> None:
        """Give the head `labels` outputs; those it has stay as they are."""

    def forward(self, batches: Sequence[Mapping[str, Tensor]]) -> Answer:
        """Answers for several padded batches, one after the other: rows of like length share a batch, so that little is
        spent on padding, and the loss still sees them all."""
        if self.recomputes and self.training:
            answers = [checkpoint(self.answer, batch, use_reentrant=False) for batch in batches]
        else:
            answers = [self.answer(batch) for batch in batches]
        return Answer(torch.cat([a.logits for a in answers]), torch.cat([a.embedding for a in answers]))

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        for module in self.at_rest:
            module.eval()
        return self

    @property
    @abstractmethod
    def backbone(self) -> nn.Module:
        """The encoder without its head; tuning methods put what they add into it."""

    @abstractmethod
    def put_backbone(self, backbone: nn.Module) -> None:
        """Another in its place. (A setter would not do: a torch module registers modules before it asks for one.)"""

    def fold_in(self) -> None:
        """Make what a tuning method has added a part of the weights. Raises ConfigError where it cannot be."""
        found = adapters.adapted_by(self.backbone)
        self.put_backbone(adapters.merged(self.backbone))
        if adapters.is_adapted(self.backbone):
            raise ConfigError(
                f"This version was tuned by {found}, which is no part of the weights: go on with the same method, or "
                "start from the base model with `autogen train`."
            )

    def is_head(self, parameter_name: str) -> bool:
        return parameter_name.startswith(self.head_prefixes)

    def layer_of(self, parameter_name: str) -> int:
        """The depth of an encoder parameter: 0 for embeddings, then 1 to `layers`; what follows counts as the last."""
        found = re.search(r"\.(\d+)\.", parameter_name)
        if found:
            return int(found.group(1)) + 1
        return 0 if "embed" in parameter_name else self.layers

    @property
    def layers(self) -> int:
        return int(getattr(self.encoder.config, "num_hidden_layers", 1))

    @property
    def has_token_types(self) -> bool:
        return int(getattr(self.encoder.config, "type_vocab_size", 0) or 0) > 1

    def word_embeddings(self) -> nn.Module:
        embeddings: nn.Module = self.encoder.get_input_embeddings()
        return embeddings

    def inputs(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        if self.store is not None:
            self.store(batch["hidden"])
        names = ("input_ids", "attention_mask", *(("token_type_ids",) if self.has_token_types else ()))
        return {name: batch[name] for name in names}

    def save(self, folder: Path) -> None:
        """Weights as safetensors: the head, and the encoder in transformers' own layout, or of it only what a tuning
        method has added."""
        folder.mkdir(parents=True, exist_ok=True)
        record: dict[str, Any] = {"kind": self.kind}
        if adapters.is_adapted(self.backbone):
            adapters.save_added(self.backbone, folder, self.base.name if self.base else "")
            record["base"] = asdict(self.base) if self.base else None
        else:
            with quiet_transformers():
                self.encoder.save_pretrained(folder / ENCODER_FOLDER)
        head = {name: value.contiguous() for name, value in self.state_dict().items() if self.is_head(name)}
        save_file(head, folder / HEAD_FILE)
        (folder / KIND_FILE).write_text(json.dumps(record), "utf-8")


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
        self.neighbours: Neighbours | None = None

    @property
    def backbone(self) -> nn.Module:
        return self.encoder  # type: ignore[no-any-return]

    def put_backbone(self, backbone: nn.Module) -> None:
        self.encoder = backbone

    def answer(self, batch: Mapping[str, Tensor]) -> Answer:
        hidden = self.encoder(**self.inputs(batch)).last_hidden_state
        hidden = hidden[:, hidden.shape[1] - batch["attention_mask"].shape[1] :]  # without a prompt's own tokens
        embedding = functional.normalize(mean_of_tokens(hidden, batch["attention_mask"]), dim=-1)
        # the head is small and sensitive: it stays in fp32 when the encoder runs in bf16
        with torch.autocast(embedding.device.type, enabled=False):
            logits = embedding @ functional.normalize(self.vectors, dim=-1).T * self.log_scale.exp()
            return Answer(logits if self.neighbours is None else logits + self.neighbours(embedding), embedding)

    def set_vectors(self, vectors: Tensor) -> None:
        with torch.no_grad():
            self.vectors.copy_(functional.normalize(vectors, dim=-1))

    def grow(self, labels: int) -> None:
        fresh = functional.normalize(torch.randn(labels - len(self.vectors), self.vectors.shape[1]), dim=-1)
        self.vectors = nn.Parameter(torch.cat([self.vectors.data, fresh]))
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
        outside = [child for child, _ in encoder.named_children() if child != encoder.base_model_prefix]
        self.head_prefixes = tuple(f"encoder.{child}." for child in outside)

    @property
    def backbone(self) -> nn.Module:
        return getattr(self.encoder, self.encoder.base_model_prefix)  # type: ignore[no-any-return]

    def put_backbone(self, backbone: nn.Module) -> None:
        setattr(self.encoder, self.encoder.base_model_prefix, backbone)

    def answer(self, batch: Mapping[str, Tensor]) -> Answer:
        found = self.encoder(**self.inputs(batch), output_hidden_states=True)
        embedding = mean_of_tokens(found.hidden_states[-1], batch["attention_mask"])
        return Answer(found.logits.float(), functional.normalize(embedding, dim=-1))

    def grow(self, labels: int) -> None:
        """A head with `labels` outputs; the first ones stay as they are, the new ones are drawn as BERT draws them."""
        old: nn.Linear = self.encoder.get_submodule(self.output)
        new = nn.Linear(old.in_features, labels, bias=old.bias is not None)
        kept = min(labels, old.out_features)
        with torch.no_grad():
            new.weight.normal_(0.0, 0.02)
            new.weight[:kept] = old.weight[:kept]
            if old.bias is not None:
                new.bias.zero_()
                new.bias[:kept] = old.bias[:kept]
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
    try:
        record = dict(json.loads((folder / KIND_FILE).read_text("utf-8")))
        base = BaseWeights(**record["base"]) if record.get("base") else None
        head = load_file(folder / HEAD_FILE)
        model = _with_head(record["kind"], _encoder(folder, record["kind"], base, base_encoder), head)
        if (folder / adapters.ADAPTER_FOLDER).is_dir():
            model.put_backbone(adapters.load_added(model.backbone, folder))
        model.base = base
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise VersionDamaged(f"{folder}: the trained weights cannot be read: {error}") from error
    return model


def _encoder(folder: Path, kind: str, base: BaseWeights | None, base_encoder: Callable[[str], Any] | None) -> Any:
    from transformers import AutoModel, AutoModelForSequenceClassification

    if base is not None and base_encoder is not None:
        encoder = base_encoder(base.name)
        found = adapters.weights_digest(encoder)
        if found != base.digest:
            raise BaseModelError(
                f'The adapter was trained on the base model "{base.name}" with weights {base.digest}; what has that '
                f"name now has weights {found}. Put the same base model back, or train anew."
            )
        return encoder
    if kind == SequenceClassifier.kind:
        with quiet_transformers():
            auto = AutoModelForSequenceClassification
            return auto.from_pretrained(folder / ENCODER_FOLDER, local_files_only=True)
    return load_encoder(AutoModel, folder / ENCODER_FOLDER)


def _with_head(kind: str, encoder: Any, head: Mapping[str, Tensor]) -> Classifier:
    if kind == SequenceClassifier.kind:
        owners = SequenceClassifier(encoder)
        labels = next((len(value) for name, value in head.items() if name == f"encoder.{owners.output}.weight"), None)
        if labels is not None and labels != encoder.num_labels:
            owners.grow(labels)
        owners.load_state_dict(head, strict=False)
        return owners
    model = CosineClassifier(encoder, len(head["vectors"]))
    if "neighbours.vectors" in head:
        model.neighbours = Neighbours(head["neighbours.vectors"], head["neighbours.members"])
    model.load_state_dict(head, strict=False)
    return model
