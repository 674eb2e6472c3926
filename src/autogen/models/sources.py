"""Where the encoder of a network to be trained comes from: a base model, an earlier version, or the user's own objects.

Each source gives an encoder as often as asked (cross-validation asks several times), always the same for the same seed,
and knows the tokenizer that belongs to it. The head is the task's.
"""

from __future__ import annotations

import copy
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from safetensors import SafetensorError
from tokenizers import Tokenizer

from autogen.errors import BaseModelError
from autogen.models.base_models import BaseModel, find_base_model
from autogen.models.network import ENCODER_FOLDER, load_encoder, quiet_transformers
from autogen.models.packaged import PACKAGED

WEIGHTS_FOLDER = "weights"  # of a tuned model: what training goes on from


class SourceTokenizer(NamedTuple):
    """The Rust tokenizer of a model, the id of its padding, and the most tokens that the model takes."""

    tokenizer: Tokenizer
    pad_id: int
    limit: int


class EncoderSource(Protocol):
    """What training and export need to know of where an encoder comes from."""

    @property
    def name(self) -> str: ...

    @property
    def continued(self) -> bool:
        """Whether training goes on from an earlier version."""

    @property
    def exported(self) -> str | None:
        """The form in which that earlier version answers: fp32, int8 or int8-blocks."""

    def save_base(self, folder: Path) -> None:
        """Put the untuned model beside an adapter, if it could not be found again otherwise."""

    def tokenizer(self) -> SourceTokenizer:
        """Raises BaseModelError."""


@dataclass(frozen=True)
class PretrainedEncoder:
    """The encoder of a base model."""

    base: BaseModel
    continued = False
    exported = None

    @property
    def name(self) -> str:
        return self.base.name

    def encoder(self, seed: int) -> Any:
        """In fp32. Raises BaseModelError."""
        from transformers import AutoModel

        _check_encoder(self.base)
        torch.manual_seed(seed)
        try:
            encoder = load_encoder(AutoModel, self.base.source, self.base.local)
        except (OSError, ValueError, ImportError, SafetensorError) as error:
            raise _load_error(self.base, error) from error
        if getattr(encoder.config, "is_encoder_decoder", False):
            raise BaseModelError(f'Base model "{self.base.name}": expected an encoder, found an encoder-decoder.')
        return encoder

    def save_base(self, folder: Path) -> None:
        """It is found by its name."""

    def tokenizer(self) -> SourceTokenizer:
        from transformers import AutoConfig, AutoTokenizer

        _check_encoder(self.base)
        try:
            tokenizer = AutoTokenizer.from_pretrained(self.base.source, local_files_only=self.base.local)
            config = AutoConfig.from_pretrained(self.base.source, local_files_only=self.base.local)
        except (OSError, ValueError, ImportError) as error:
            raise _load_error(self.base, error) from error
        return rust_tokenizer(tokenizer, config)


@dataclass(frozen=True)
class VersionEncoder:
    """The encoder of a model tuned before. Its task loads `weights` with `load_network` and `base_encoder`."""

    folder: Path  # of the tuned model
    name: str
    max_length: int
    pad_id: int
    exported: str
    project: Path | None = None  # where a base model's path begins
    continued = True

    @property
    def weights(self) -> Path:
        return self.folder / WEIGHTS_FOLDER

    def base_encoder(self, name: str) -> Any:
        """The base model of this name, which an adapter was trained on. Raises BaseModelError."""
        from transformers import AutoModel

        base = find_base_model(name, self.project)
        return load_encoder(AutoModel, base.source, base.local)

    def save_base(self, folder: Path) -> None:
        base_folder = self.weights / ENCODER_FOLDER
        if base_folder.is_dir():
            shutil.copytree(base_folder, folder / ENCODER_FOLDER)

    def tokenizer(self) -> SourceTokenizer:
        return SourceTokenizer(Tokenizer.from_file(str(self.folder / "tokenizer.json")), self.pad_id, self.max_length)


@dataclass(frozen=True, eq=False)
class OwnersEncoder:
    """The user's transformers model and tokenizer. The model object itself is never changed: each use is a copy."""

    model: Any
    own_tokenizer: Any
    head: str  # how transformers names a class that has the task's head: "ForSequenceClassification"
    continued = False
    exported = None

    @property
    def name(self) -> str:
        return str(getattr(self.model.config, "_name_or_path", "") or type(self.model).__name__)

    @property
    def has_head(self) -> bool:
        return any(kind.__name__.endswith(self.head) for kind in type(self.model).__mro__)

    def encoder(self, seed: int) -> Any:
        """A copy in fp32: the whole model where it has the task's head; of a model with another head, such as one for
        masked language, the encoder."""
        torch.manual_seed(seed)
        model = copy.deepcopy(self.model).float().cpu()
        if not self.has_head:
            return model.base_model
        if model.config.pad_token_id is None:  # some architectures find a row's end by it
            model.config.pad_token_id = self.own_tokenizer.pad_token_id or 0
        return model

    def save_base(self, folder: Path) -> None:
        with quiet_transformers():
            self.encoder(0).save_pretrained(folder / ENCODER_FOLDER)

    def tokenizer(self) -> SourceTokenizer:
        return rust_tokenizer(self.own_tokenizer, self.model.config)


def rust_tokenizer(tokenizer: Any, config: Any) -> SourceTokenizer:
    """The Rust tokenizer inside a transformers tokenizer, its padding id, and the model's length limit in tokens."""
    inner = getattr(tokenizer, "backend_tokenizer", None)
    if not isinstance(inner, Tokenizer):
        raise BaseModelError(
            f"Expected a fast tokenizer (one with a tokenizer.json), found {type(tokenizer).__name__}. "
            "Load it with AutoTokenizer.from_pretrained(..., use_fast=True)."
        )
    _check_vocabulary(tokenizer, inner, config)
    pad_id = tokenizer.pad_token_id
    positions = int(getattr(config, "max_position_embeddings", 0) or 100_000)
    if getattr(config, "model_type", "") in {"roberta", "xlm-roberta", "camembert", "mpnet"}:
        positions -= 2  # these number their positions from the padding id on
    limit = min(positions, int(min(tokenizer.model_max_length, 100_000)))
    return SourceTokenizer(Tokenizer.from_str(inner.to_str()), 0 if pad_id is None else int(pad_id), limit)


def _check_vocabulary(tokenizer: Any, inner: Tokenizer, config: Any) -> None:
    vocabulary = inner.get_vocab()
    if not vocabulary.keys() - set(tokenizer.all_special_tokens):  # what transformers makes of a folder without one
        raise BaseModelError(
            "Expected a tokenizer with words, found one without any. Put the model's tokenizer.json into its folder."
        )
    needed, capacity = max(vocabulary.values()) + 1, getattr(config, "vocab_size", None)
    if capacity is not None and needed > capacity:
        raise BaseModelError(
            f"Expected the tokenizer that belongs to the model, found one with {needed:,} tokens for a model that "
            f"knows {capacity:,}. Load both from the same folder."
        )


def _check_encoder(base: BaseModel) -> None:
    if base.gguf_file:
        raise BaseModelError(f'Base model "{base.name}": expected an encoder, found a model that writes text.')


def _load_error(base: BaseModel, error: Exception) -> BaseModelError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    where = "the folder" if base.local else "the hub or its cache"
    advice = "" if base.local else f" Without a hub, take a packaged one ({', '.join(PACKAGED)}) or a local folder."
    return BaseModelError(f'Base model "{base.name}" could not be loaded from {where}: {reason}{advice}')
