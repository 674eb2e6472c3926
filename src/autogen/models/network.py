"""A network: an encoder with a head on top, as the engine trains, saves and exports it, whatever the task."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from autogen.errors import BaseModelError, ConfigError, VersionDamaged
from autogen.models import adapters

ENCODER_FOLDER = "encoder"
HEAD_FILE = "head.safetensors"

Batch = Mapping[str, Tensor]  # a padded batch: each of shape (rows, length), `attention_mask` among them
A = TypeVar("A", bound=tuple[Tensor, ...])
N = TypeVar("N", bound="Network")


@dataclass(frozen=True)
class BaseWeights:
    """A base model by its name, and the digest of its weights, once an adapter has been put in: hashing takes time."""

    name: str
    digest: str = ""


@dataclass(frozen=True)
class GraphOutput:
    """One of the tensors that a network answers with, by its name in the exported graph: (rows, …), or where it is
    `per_token` (rows, length, …)."""

    name: str
    per_token: bool = False


class NetworkOutput(NamedTuple):
    """What a network with a head answers: what the head says, and the embedding that it says it of."""

    logits: Tensor
    embedding: Tensor


class Network(nn.Module, ABC):
    """What the engine asks of an encoder with a head. Subclasses say what they answer to one padded batch, and declare
    what goes in and comes out of the exported graph."""

    kind: str  # which of a task's networks it is, in the record beside the saved weights
    record_file = "network.json"
    encoder: Any
    outputs: tuple[GraphOutput, ...]  # what `answer` gives, in its order
    embedding: str  # the output that the head reads: what comes after it in the graph is the head
    more_inputs: tuple[str, ...] = ()  # what a batch must have besides what every encoder reads, (rows, length) too
    head_prefixes: tuple[str, ...]  # of the names of its parameters
    pools_tokens = True  # whether all tokens count alike, wherever they stand
    alters_inputs = False  # whether the head adds to what the encoder reads, so that frozen layers do not stay the same
    base: BaseWeights | None = None  # what an adapter belongs to; None: nothing that could be found again
    recomputes = False  # each batch's activations are computed anew for its gradient, instead of being kept
    at_rest: tuple[nn.Module, ...] = ()  # what does not learn, and so has no dropout while the rest trains
    store: Callable[[Tensor], None] | None = None  # takes what frozen layers say of a batch, in place of asking them
    _keys_to_ignore_on_save = None  # the Trainer asks, when a checkpoint holds only what learns

    @abstractmethod
    def answer(self, batch: Batch) -> tuple[Tensor, ...]:
        """The answer to one padded batch: a named tuple with a tensor for each of `outputs`."""

    def forward(self, batches: Sequence[Batch]) -> tuple[Tensor, ...]:
        """Answers for several padded batches, one after the other: rows of like length share a batch, so that little is
        spent on padding, and the loss still sees them all. Outputs per token are padded with zeros to the longest."""
        if self.recomputes and self.training:
            answers = [checkpoint(self.answer, batch, use_reentrant=False) for batch in batches]
        else:
            answers = [self.answer(batch) for batch in batches]
        return as_named_tuple(answers[0], map(_concatenate, zip(*answers, strict=True), self.outputs))

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        for module in self.at_rest:
            module.eval()
        return self

    @property
    def output_names(self) -> tuple[str, ...]:
        return tuple(output.name for output in self.outputs)

    @property
    def head_outputs(self) -> tuple[GraphOutput, ...]:
        """The outputs without the embedding: what scores and parity are about."""
        return tuple(output for output in self.outputs if output.name != self.embedding)

    def embedding_of(self, answer: tuple[Tensor, ...]) -> Tensor:
        return answer[self.output_names.index(self.embedding)]

    @property
    def backbone(self) -> nn.Module:
        """The encoder without its head; tuning methods put what they add into it."""
        return self.encoder  # type: ignore[no-any-return]

    def put_backbone(self, backbone: nn.Module) -> None:
        """Another in its place. (A setter would not do: a torch module registers modules before it asks for one.)"""
        self.encoder = backbone

    def fold_in(self) -> None:
        """Make what a tuning method has added a part of the weights. Raises ConfigError where it cannot be."""
        kind = adapters.adapter_kind(self.backbone)
        self.put_backbone(adapters.merge_adapters(self.backbone))
        if adapters.is_adapted(self.backbone):
            raise ConfigError(
                f"This version was tuned by {kind}, which is no part of the weights: go on with the same method, or "
                "start from the base model with `autogen train`."
            )

    def is_head(self, parameter_name: str) -> bool:
        return parameter_name.startswith(self.head_prefixes)

    def layer_of(self, parameter_name: str) -> int:
        """The depth of an encoder parameter: 0 for embeddings, then 1 to `layers`; what follows counts as the last."""
        match = re.search(r"\.(\d+)\.", parameter_name)
        if match:
            return int(match.group(1)) + 1
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

    @property
    def encoder_inputs(self) -> tuple[str, ...]:
        return ("input_ids", "attention_mask", *(("token_type_ids",) if self.has_token_types else ()))

    @property
    def input_names(self) -> tuple[str, ...]:
        """What `answer` reads of a batch, as the exported graph names it."""
        return (*self.encoder_inputs, *self.more_inputs)

    def inputs(self, batch: Batch) -> dict[str, Tensor]:
        """What the encoder is asked of this batch."""
        if self.store is not None:
            self.store(batch["hidden"])
        return {name: batch[name] for name in self.encoder_inputs}

    def token_states(self, batch: Batch) -> Tensor:
        """The encoder's last hidden states, (rows, length, hidden), without a prompt's own tokens."""
        hidden: Tensor = self.encoder(**self.inputs(batch)).last_hidden_state
        return hidden[:, hidden.shape[1] - batch["attention_mask"].shape[1] :]

    def load_head(self, head: Mapping[str, Tensor]) -> None:
        self.load_state_dict(head, strict=False)

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
        (folder / self.record_file).write_text(json.dumps(record), "utf-8")


class EmbeddingOutput(NamedTuple):
    embedding: Tensor


class TextEmbedder(Network):
    """An encoder as it is, without a head: a text's embedding is the mean of its tokens', of length one."""

    kind = "text-embedder"
    outputs = (GraphOutput("text_embedding"),)
    embedding = "text_embedding"
    head_prefixes = ()

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder

    def answer(self, batch: Batch) -> EmbeddingOutput:
        hidden = self.token_states(batch)
        return EmbeddingOutput(functional.normalize(mean_of_tokens(hidden, batch["attention_mask"]), dim=-1))


@dataclass(frozen=True)
class SavedNetwork:
    """What `Network.save` wrote, read but for the encoder. `base_encoder` loads the base model of that name, where the
    weights are an adapter's."""

    folder: Path
    kind: str
    base: BaseWeights | None
    head: Mapping[str, Tensor]
    base_encoder: Callable[[str], Any] | None

    def encoder(self, load: Callable[[Path], Any] | None = None) -> Any:
        """The encoder that the head belongs to; `load` reads a saved one of another class than the usual.

        Raises BaseModelError when the base model is not the one that the adapter was trained on.
        """
        if self.base is None or self.base_encoder is None:
            return (load or _plain_encoder)(self.folder / ENCODER_FOLDER)
        encoder = self.base_encoder(self.base.name)
        digest = adapters.weights_digest(encoder)
        if digest != self.base.digest:
            raise BaseModelError(
                f'The adapter was trained on the base model "{self.base.name}" with weights {self.base.digest}; what '
                f"has that name now has weights {digest}. Put the same base model back, or train anew."
            )
        return encoder


def load_network(
    folder: Path,
    record_file: str,
    build: Callable[[SavedNetwork], N],
    base_encoder: Callable[[str], Any] | None = None,
) -> N:
    """What `Network.save` wrote; `build` makes the task's network of it, head included.

    Raises VersionDamaged; BaseModelError as `SavedNetwork.encoder`.
    """
    try:
        record = dict(json.loads((folder / record_file).read_text("utf-8")))
        base = BaseWeights(**record["base"]) if record.get("base") else None
        network = build(SavedNetwork(folder, record["kind"], base, load_file(folder / HEAD_FILE), base_encoder))
        if (folder / adapters.ADAPTER_FOLDER).is_dir():
            network.put_backbone(adapters.load_added(network.backbone, folder))
        network.base = base
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise VersionDamaged(f"{folder}: the trained weights cannot be read: {error}") from error
    return network


def as_named_tuple(answer: A, outputs: Iterable[Tensor]) -> A:
    """The outputs as the named tuple that `answer` is."""
    kind: Any = type(answer)
    result: A = kind(*outputs)
    return result


def pad_tokens(values: Tensor, length: int, fill: float = 0) -> Tensor:
    """(rows, tokens, …) with as many tokens as asked, the new ones holding `fill`."""
    padding = length - values.shape[1]
    return functional.pad(values, [0, 0] * (values.ndim - 2) + [0, padding], value=fill) if padding else values


def _concatenate(parts: Sequence[Tensor], output: GraphOutput) -> Tensor:
    if output.per_token:
        longest = max(part.shape[1] for part in parts)
        parts = [pad_tokens(part, longest) for part in parts]
    return torch.cat(list(parts))


def mean_of_tokens(hidden: Tensor, mask: Tensor) -> Tensor:
    """The mean over the tokens that are not padding, in fp32: (rows, length, hidden) → (rows, hidden)."""
    weights = mask.unsqueeze(-1).to(torch.float32)
    return (hidden.float() * weights).sum(1) / weights.sum(1).clamp(min=1.0)


def _plain_encoder(folder: Path) -> Any:
    from transformers import AutoModel

    return load_encoder(AutoModel, folder)


def load_encoder(auto_class: Any, source: Path | str, local: bool = True) -> Any:
    """An encoder in fp32 without a pooler (it would be random where the checkpoint has none).

    Attention is computed step by step ("eager"): for the short texts and small heads of an agent's encoder that was
    faster on a CPU than the fused kernel.
    """
    arguments: dict[str, Any] = {
        "attn_implementation": "eager",
        "dtype": torch.float32,
        "local_files_only": local,
    }
    with quiet_transformers():
        try:
            return auto_class.from_pretrained(source, add_pooling_layer=False, **arguments)
        except TypeError:  # an architecture that never had a pooler
            return auto_class.from_pretrained(source, **arguments)


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """No load report (a pooler left out is not news) and no bar of its own; as before afterwards."""
    from transformers.utils import logging

    verbosity, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bar:
            logging.enable_progress_bar()
