"""Where a classifier to be trained comes from: a base model, an earlier version, or the user's own objects.

Each source builds a classifier for given labels as often as asked, always the same for the same seed. `origin` is where
its encoder and tokenizer come from.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import torch

from autogen.models.base_models import BaseModel
from autogen.models.network import BaseWeights
from autogen.models.sources import EncoderSource, OwnersEncoder, PretrainedEncoder, VersionEncoder
from autogen.tasks.text_classification.decoding import TextClassification
from autogen.tasks.text_classification.learning.classifier import (
    Classifier,
    CosineClassifier,
    SequenceClassifier,
    load_classifier,
)


class ModelSource(Protocol):
    """What training needs to know of a classifier before it has one."""

    @property
    def name(self) -> str: ...

    @property
    def continued(self) -> bool:
        """Whether training goes on from an earlier version."""

    @property
    def origin(self) -> EncoderSource: ...

    @property
    def known_labels(self) -> tuple[str, ...]:
        """Labels that the model knows already, in the order of its outputs."""

    @property
    def own_head(self) -> bool:
        """Whether the head is the user's, not ours."""

    def calibrated_as(self, task: TextClassification) -> TextClassification:
        """The task with the temperature, threshold and detector of the version that training goes on from, if it
        does."""

    def build(self, labels: tuple[str, ...], seed: int) -> Classifier:
        """Raises BaseModelError, VersionDamaged."""


@dataclass(frozen=True)
class FromBaseModel:
    """A pretrained encoder with our head on top."""

    base: BaseModel
    known_labels: tuple[str, ...] = ()
    own_head = False
    continued = False

    @property
    def name(self) -> str:
        return self.base.name

    @property
    def origin(self) -> PretrainedEncoder:
        return PretrainedEncoder(self.base)

    def calibrated_as(self, task: TextClassification) -> TextClassification:
        return task

    def build(self, labels: tuple[str, ...], seed: int) -> Classifier:
        classifier = CosineClassifier(self.origin.encoder(seed), len(labels))
        classifier.base = BaseWeights(self.base.name)
        return classifier


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
    def origin(self) -> VersionEncoder:
        return VersionEncoder(self.folder, self.name, self.max_length, self.pad_id, self.exported, self.project)

    @property
    def known_labels(self) -> tuple[str, ...]:
        return self.task.labels

    @cached_property
    def own_head(self) -> bool:
        record = json.loads((self.origin.weights / Classifier.record_file).read_text("utf-8"))
        return bool(record["kind"] == SequenceClassifier.kind)

    def calibrated_as(self, task: TextClassification) -> TextClassification:
        before = self.task
        return replace(task, temperature=before.temperature, threshold=before.threshold, detector=before.detector)

    def build(self, labels: tuple[str, ...], seed: int) -> Classifier:
        torch.manual_seed(seed)
        model = load_classifier(self.origin.weights, self.origin.base_encoder)
        if len(labels) > len(self.known_labels):
            model.grow(len(labels))
        return model


@dataclass(frozen=True, eq=False)
class FromOwner:
    """The user's transformers model and tokenizer. The model object itself is never changed: each build is a copy."""

    model: Any
    own_tokenizer: Any
    numbered: bool = False  # the data's labels are the numbers of the model's outputs
    continued = False

    @property
    def origin(self) -> OwnersEncoder:
        return OwnersEncoder(self.model, self.own_tokenizer, "ForSequenceClassification")

    @property
    def name(self) -> str:
        return self.origin.name

    @property
    def own_head(self) -> bool:
        return self.origin.has_head

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
        model = self.origin.encoder(seed)
        if not self.own_head:
            return CosineClassifier(model, len(labels))
        classifier = SequenceClassifier(model)
        if model.num_labels != len(labels):
            classifier.grow(len(labels))
        model.config.id2label = dict(enumerate(labels))
        model.config.label2id = {label: at for at, label in enumerate(labels)}
        model.config.problem_type = "single_label_classification"
        return classifier
