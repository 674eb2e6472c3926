"""Where a tagger to be trained comes from: a base model, an earlier version, or the user's own objects."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from autogen.models.base_models import find_base_model
from autogen.models.network import BaseWeights
from autogen.models.sources import OwnersEncoder, PretrainedEncoder, VersionEncoder
from autogen.tasks.task import Start
from autogen.tasks.token_classification.decoding import EntityDecoder
from autogen.tasks.token_classification.learning.network import EntityTagger, load_tagger
from autogen.tasks.token_classification.model import EntityModel

OWN_HEAD = "ForTokenClassification"


@dataclass(frozen=True)
class TaggerSource:
    """Of a user's model the encoder is taken, whatever head it has: a tag head of transformers knows no word shapes,
    and often other tags than the data."""

    origin: PretrainedEncoder | VersionEncoder | OwnersEncoder
    before: EntityDecoder | None = None  # of the version that training goes on from
    whole_words: bool | None = None  # of that version; None: chosen from the data

    @classmethod
    def of(cls, start: Start) -> TaggerSource:
        """Raises BaseModelError, VersionDamaged."""
        if start.before is not None:
            model = EntityModel.load(start.before)
            card = model.card
            origin = VersionEncoder(
                start.before, card.base_model, card.max_length, card.pad_id, card.precision, start.project
            )
            return cls(origin, model.decoder, card.whole_words)
        if start.own is not None:
            return cls(OwnersEncoder(*start.own, OWN_HEAD))
        return cls(PretrainedEncoder(find_base_model(start.base_model, start.project)))

    @property
    def known_labels(self) -> tuple[str, ...]:
        return self.before.labels if self.before else ()

    def build(self, tags: int, seed: int) -> EntityTagger:
        """Raises BaseModelError, VersionDamaged."""
        if isinstance(self.origin, VersionEncoder):
            torch.manual_seed(seed)
            tagger = load_tagger(self.origin.weights, self.origin.base_encoder)
            if tags > tagger.output.out_features:
                tagger.grow(tags)
            return tagger
        encoder = self.origin.encoder(seed)
        if isinstance(self.origin, OwnersEncoder) and self.origin.has_head:
            encoder = encoder.base_model
        tagger = EntityTagger(encoder, tags)
        if isinstance(self.origin, PretrainedEncoder):
            tagger.base = BaseWeights(self.origin.name)
        return tagger
