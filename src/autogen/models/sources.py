"""Where a model to be trained comes from: a base model, an earlier version, or the user's own objects.

Each source builds a classifier for given labels as often as asked (cross-validation asks several times), always the
same for the same seed, and knows the tokenizer that belongs to it.
"""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError
from tokenizers import Tokenizer

from autogen.errors import BaseModelError
from autogen.models.base_models import BaseModel, find_base_model
from autogen.models.network import BaseWeights, load_encoder, quiet_transformers
from autogen.models.packaged import PACKAGED
from autogen.tasks.text_classification.decoding import TextClassification
from autogen.tasks.text_classification.learning.classifier import (
    ENCODER_FOLDER,
    Classifier,
    CosineClassifier,
    SequenceClassifier,
    load_classifier,
)


class ModelSource(Protocol):
    """What training needs to know of a model before it has one."""

    @property
    def name(self) -> str: ...

    @property
    def known_labels(self) -> tuple[str, ...]:
        """Labels that the model knows already, in the order of its outputs."""

    @property
    def own_head(self) -> bool:
        """Whether the head is the user's, not ours."""

    @property
    def continued(self) -> bool:
        """Whether training goes on from an earlier version."""

    @property
    def exported(self) -> str | None:
        """The form in which that earlier version answers: fp32, int8 or int8-blocks."""

    def calibrated_as(self, task: TextClassification) -> TextClassification:
        """The task with the temperature and threshold of the version that training goes on from, if it does."""

    def build(self, labels: tuple[str, ...], seed: int) -> Classifier: ...

    def save_base(self, folder: Path) -> None:
        """Put the untuned model beside an adapter, if it could not be found again otherwise."""

    def tokenizer(self) -> tuple[Tokenizer, int, int]:
        """The Rust tokenizer, the id of its padding, and the most tokens that the model takes."""


@dataclass(frozen=True)
class FromBaseModel:
    """A pretrained encoder with our head on top."""

    base: BaseModel
    known_labels: tuple[str, ...] = ()
    own_head = False
    continued = False
    exported = None

    @property
    def name(self) -> str:
        return self.base.name

    def calibrated_as(self, task: TextClassification) -> TextClassification:
        return task

    def build(self, labels: tuple[str, ...], seed: int) -> Classifier:
        from transformers import AutoModel

        _check_encoder(self.base)
        torch.manual_seed(seed)
        try:
            encoder = load_encoder(AutoModel, self.base.source, self.base.local)
        except (OSError, ValueError, ImportError, SafetensorError) as error:
            raise _not_loaded(self.base, error) from error
        if getattr(encoder.config, "is_encoder_decoder", False):
            raise BaseModelError(f'Base model "{self.base.name}": expected an encoder, found an encoder-decoder.')
        classifier = CosineClassifier(encoder, len(labels))
        classifier.base = BaseWeights(self.base.name)
        return classifier

    def save_base(self, folder: Path) -> None:
        """It is found by its name."""

    def tokenizer(self) -> tuple[Tokenizer, int, int]:
        from transformers import AutoConfig, AutoTokenizer

        _check_encoder(self.base)
        try:
            tokenizer = AutoTokenizer.from_pretrained(self.base.source, local_files_only=self.base.local)
            config = AutoConfig.from_pretrained(self.base.source, local_files_only=self.base.local)
        except (OSError, ValueError, ImportError) as error:
            raise _not_loaded(self.base, error) from error
        return rust_tokenizer(tokenizer, config)


@dataclass(frozen=True)
class FromVersion:
    """A model trained before; labels that it does not know yet get fresh outputs, the others keep theirs."""

    folder: Path  # of the tuned model
    name: str
    task: TextClassification
    max_length: int
    pad_id: int
    exported: str
    project: Path | None = None  # where a base model's path begins
    continued = True

    @property
    def known_labels(self) -> tuple[str, ...]:
        return self.task.labels

    @cached_property
    def own_head(self) -> bool:
        kind = json.loads((self.folder / "weights" / "classifier.json").read_text("utf-8"))["kind"]
        return bool(kind == SequenceClassifier.kind)

    def calibrated_as(self, task: TextClassification) -> TextClassification:
        return replace(task, temperature=self.task.temperature, threshold=self.task.threshold)

    def build(self, labels: tuple[str, ...], seed: int) -> Classifier:
        torch.manual_seed(seed)
        model = load_classifier(self.folder / "weights", self._base_encoder)
        if len(labels) > len(self.known_labels):
            model.grow(len(labels))
        return model

    def _base_encoder(self, name: str) -> Any:
        from transformers import AutoModel

        base = find_base_model(name, self.project)
        return load_encoder(AutoModel, base.source, base.local)

    def save_base(self, folder: Path) -> None:
        kept = self.folder / "weights" / ENCODER_FOLDER
        if kept.is_dir():
            shutil.copytree(kept, folder / ENCODER_FOLDER)

    def tokenizer(self) -> tuple[Tokenizer, int, int]:
        return Tokenizer.from_file(str(self.folder / "tokenizer.json")), self.pad_id, self.max_length


@dataclass(frozen=True, eq=False)
class FromOwner:
    """The user's transformers model and tokenizer. The model object itself is never changed: each build is a copy."""

    model: Any
    own_tokenizer: Any
    numbered: bool = False  # the data's labels are the numbers of the model's outputs
    continued = False
    exported = None

    @property
    def name(self) -> str:
        return str(getattr(self.model.config, "_name_or_path", "") or type(self.model).__name__)

    @property
    def own_head(self) -> bool:
        return any(kind.__name__.endswith("ForSequenceClassification") for kind in type(self.model).__mro__)

    @property
    def known_labels(self) -> tuple[str, ...]:
        """The model's own label names, unless they are the placeholders that transformers gives (LABEL_0, …)."""
        names = getattr(self.model.config, "id2label", None) or {}
        if self.numbered and self.own_head:
            return tuple(map(str, sorted(names)))
        labels = tuple(str(names[at]) for at in sorted(names))
        generic = all(label.startswith("LABEL_") for label in labels)
        return () if generic or not self.own_head else labels

    def for_labels(self, labels: Collection[str]) -> FromOwner:
        """Data often names a model's outputs by their numbers; then these are the labels, in the outputs' order."""
        names = getattr(self.model.config, "id2label", None) or {}
        numbers = {str(at) for at in names}
        generic = all(str(name).startswith("LABEL_") for name in names.values())
        numbered = bool(labels) and (set(labels) == numbers if generic else set(labels) <= numbers)
        return replace(self, numbered=numbered and not {*map(str, names.values())} & {*labels})

    def calibrated_as(self, task: TextClassification) -> TextClassification:
        return task

    def build(self, labels: tuple[str, ...], seed: int) -> Classifier:
        torch.manual_seed(seed)
        model = copy.deepcopy(self.model).float().cpu()
        if not self.own_head:  # of a model with another head, such as one for masked language, the encoder is used
            return CosineClassifier(model.base_model, len(labels))
        if model.config.pad_token_id is None:  # some architectures find a row's end by it
            model.config.pad_token_id = self.own_tokenizer.pad_token_id or 0
        classifier = SequenceClassifier(model)
        if model.num_labels != len(labels):
            classifier.grow(len(labels))
        model.config.id2label = dict(enumerate(labels))
        model.config.label2id = {label: at for at, label in enumerate(labels)}
        model.config.problem_type = "single_label_classification"
        return classifier

    def save_base(self, folder: Path) -> None:
        labels = tuple(map(str, range(self.model.num_labels))) if self.own_head else ("0", "1")
        with quiet_transformers():
            self.build(labels, 0).encoder.save_pretrained(folder / ENCODER_FOLDER)

    def tokenizer(self) -> tuple[Tokenizer, int, int]:
        return rust_tokenizer(self.own_tokenizer, self.model.config)


def rust_tokenizer(tokenizer: Any, config: Any) -> tuple[Tokenizer, int, int]:
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
    return Tokenizer.from_str(inner.to_str()), 0 if pad_id is None else int(pad_id), limit


def _check_vocabulary(tokenizer: Any, inner: Tokenizer, config: Any) -> None:
    vocabulary = inner.get_vocab()
    if not vocabulary.keys() - set(tokenizer.all_special_tokens):  # what transformers makes of a folder without one
        raise BaseModelError(
            "Expected a tokenizer with words, found one without any. Put the model's tokenizer.json into its folder."
        )
    needed, known = max(vocabulary.values()) + 1, getattr(config, "vocab_size", None)
    if known is not None and needed > known:
        raise BaseModelError(
            f"Expected the tokenizer that belongs to the model, found one with {needed:,} tokens for a model that "
            f"knows {known:,}. Load both from the same folder."
        )


def _check_encoder(base: BaseModel) -> None:
    if base.gguf_file:
        raise BaseModelError(f'Base model "{base.name}": expected an encoder, found a model that writes text.')


def _not_loaded(base: BaseModel, error: Exception) -> BaseModelError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    where = "the folder" if base.local else "the hub or its cache"
    advice = "" if base.local else f" Without a hub, take a packaged one ({', '.join(PACKAGED)}) or a local folder."
    return BaseModelError(f'Base model "{base.name}" could not be loaded from {where}: {reason}{advice}')
