"""Learning to find entities, as the loop asks for it: fit, export, prove, make smaller, calibrate, measure."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from autogen.errors import TrainingFailed
from autogen.models.tuning import trainable_share, tune
from autogen.progress import TrainingProgress
from autogen.tasks.task import Fitted, Job
from autogen.tasks.token_classification.data import TokenData
from autogen.tasks.token_classification.decoding import EntityDecoder
from autogen.tasks.token_classification.learning.network import EntityTagger
from autogen.tasks.token_classification.learning.objective import EntityF1, TaggingLoss
from autogen.tasks.token_classification.learning.sources import TaggerSource
from autogen.tasks.token_classification.metrics import entity_scores
from autogen.tasks.token_classification.model import EntityModel, TaggerCard, write_task
from autogen.tasks.token_classification.recipe import TaggingRecipe, choose_recipe
from autogen.tasks.token_classification.rows import AnnotatedText
from autogen.tasks.token_classification.windows import (
    EncodedText,
    Window,
    WindowEncoder,
    token_tags,
    words_suffice,
)
from autogen.training.encoder_fit import EncoderFit, Form, Proof, Stage
from autogen.training.loop.batching import IGNORED, TrainingRow
from autogen.training.loop.batching import token_tags as padded_tags
from autogen.training.loop.recipe import LoopRecipe, Objective
from autogen.training.tracking import Tracking

TASK = "token-classification"
PROVEN = 2_000  # windows that the exported graph is proven on where no rows are held out


class TokenClassificationLearner:
    resumes = True

    def fit(self, job: Job, progress: TrainingProgress) -> Fitted:
        source = TaggerSource.of(job.start)
        recipe = choose_recipe(job.need.training, len(job.data.train), source.origin.continued)
        settings = {**asdict(recipe), "base_model": source.origin.name, "rows": len(job.data.train)}
        with Tracking(job.need.training.report_to, job.log, settings) as tracking:
            fitted = _TaggingRun(job, source, recipe, progress, tracking.callbacks).run()
            tracking.finish(fitted.metrics)
            return fitted


class _TaggingRun:
    """The steps of one run, in their order."""

    def __init__(
        self, job: Job, source: TaggerSource, recipe: TaggingRecipe, progress: TrainingProgress, trackers: Sequence[Any]
    ) -> None:
        data: TokenData = job.data
        self.job, self.source, self.recipe, self.progress = job, source, recipe, progress
        self.train, self.eval = data.train.examples, data.eval.examples
        self.decoder = EntityDecoder(_labels(data, source))
        tokenizer, pad_id, limit = source.origin.tokenizer()
        whole_words = words_suffice(self.train) if source.whole_words is None else source.whole_words
        self.encoder = WindowEncoder(tokenizer, min(limit, job.need.training.max_length), pad_id, whole_words)
        self.engine = EncoderFit(source.origin, tokenizer, self.encoder, job.need.training, progress, 1, trackers)
        self.eval_texts = self.encoder.encode([example.text for example in self.eval]) if self.eval else []

    def run(self) -> Fitted:
        started = time.perf_counter()
        self.progress.say(f"Training: {self.recipe}.")
        tagger = self._trained()
        self.progress.say("Exporting, and proving that the exported model agrees …")
        proof, form = self._exported(tagger)
        metrics = self._calibrated(form)
        trainable, parameters = trainable_share(tagger)
        record = {
            "recipe": asdict(self.recipe),
            "precision": self.engine.precision,
            "exported": form.name,
            "exported_because": form.because,
            "unit": "words" if self.encoder.whole_words else "parts of words",
            "trainable": trainable,
            "parameters": parameters,
            "seconds": time.perf_counter() - started,
            "rows_per_second": self.engine.trained_rows / max(self.engine.training_seconds, 1e-9),
            "history": self.engine.history,
        }
        return Fitted(cross_validated=False, metrics=metrics, parity=proof.parity, record=record)

    def _trained(self) -> EntityTagger:
        tagger = self.source.build(self.decoder.tags, self.recipe.seed)
        tune(tagger, self.recipe.tuning)
        rows = self._rows()
        if not rows:
            raise TrainingFailed("Expected texts with something that the tokenizer knows, found none.")
        choosing = self._choosing()
        objective = Objective(TaggingLoss(self.recipe.label_smoothing), padded_tags, choosing)
        windows = _windows(self.eval_texts) if choosing else []
        stage = Stage("train", self.job.state / "final", True)
        self.engine.fit(tagger, loop_recipe(self.recipe), objective, rows, windows, stage)
        return tagger

    def _rows(self) -> list[TrainingRow]:
        """A row for each window of the train texts; one that answers for nothing teaches nothing."""
        rows = []
        texts = self.encoder.encode([example.text for example in self.train])
        for text, example in zip(texts, self.train, strict=True):
            gold = self.decoder.gold(text.units, example.spans)
            targets = token_tags(text, gold.tolist(), self.encoder.trailing, IGNORED)
            pairs = zip(text.windows, targets, strict=True)
            rows += [TrainingRow(window, tags) for window, tags in pairs if len(window.positions)]
        return rows

    def _choosing(self) -> EntityF1 | None:
        """What chooses the epoch. Nothing where a version goes on to labels that the held-out rows do not have: they
        would choose the epoch that has learnt the new ones least."""
        new = {*self.decoder.labels} - {*self.source.known_labels}
        labels = {span.label for example in self.eval for span in example.spans}
        blind = self.source.origin.continued and new - labels
        return self._f1() if labels and not blind else None

    def _f1(self) -> EntityF1:
        return EntityF1(self.eval_texts, [example.spans for example in self.eval], self.decoder)

    def _exported(self, tagger: EntityTagger) -> tuple[Proof, Form]:
        job = self.job
        proven = _windows(self.eval_texts or self.encoder.encode(_texts(self.train)))[
            : None if self.eval_texts else PROVEN
        ]
        proof = self.engine.export(tagger, proven, job.folder)
        if not self.recipe.int8:
            reason = "int8 = false" if job.need.training.int8 is False else f'preset = "{self.recipe.preset}"'
            return proof, Form("fp32", reason)
        if not any(example.spans for example in self.eval):
            return proof, Form("fp32", "int8 needs held-out entities to be judged by")
        measure = "held-out entity F1"
        return proof, self.engine.shrink(tagger, proven, job.folder, proof.outputs, self._f1().lost, measure)

    def _calibrated(self, form: Form) -> dict[str, float]:
        """The temperature by rows that the model has not seen, and what the exported model scores on them. Where there
        are none, the temperature of the version that it went on from stays, and nothing is measured."""
        decoder, folder, card = self.decoder, self.job.folder, self._card(form)
        if self.source.before is not None:
            decoder = EntityDecoder(decoder.labels, self.source.before.temperature)
        write_task(folder, card, decoder)
        if not self.eval:
            return {}
        scores = EntityModel.load(folder).scores(self.eval_texts)
        predicted = decoder.spans(self.eval_texts, scores)
        gold = [example.spans for example in self.eval]
        right = [[span in truth for span in spans] for spans, truth in zip(predicted, gold, strict=True)]
        write_task(folder, card, decoder.calibrated(scores, right))
        return dict(entity_scores(predicted, gold).metrics)

    def _card(self, form: Form) -> TaggerCard:
        return TaggerCard(
            task=TASK,
            base_model=self.source.origin.name,
            method=self.recipe.method,
            precision=form.name,
            max_length=self.encoder.max_length,
            pad_id=self.encoder.pad_id,
            whole_words=self.encoder.whole_words,
        )


def _labels(data: TokenData, source: TaggerSource) -> tuple[str, ...]:
    """What the source knows already keeps its place, new labels follow in alphabetical order."""
    known = source.known_labels
    labels = (*known, *(label for label in data.train.labels if label not in known))
    if not labels:
        raise TrainingFailed("Expected entities in the train rows, found none.")
    return labels


def _windows(texts: Sequence[EncodedText]) -> list[Window]:
    return [window for text in texts for window in text.windows]


def _texts(examples: Sequence[AnnotatedText]) -> list[str]:
    return [example.text for example in examples]


def loop_recipe(recipe: TaggingRecipe) -> LoopRecipe:
    """What the loop needs of it."""
    return LoopRecipe(
        learning_rate=recipe.learning_rate,
        head_learning_rate=recipe.head_learning_rate,
        layer_decay=recipe.layer_decay,
        weight_decay=recipe.weight_decay,
        warmup_share=recipe.warmup_share,
        epochs=recipe.epochs,
        train_batch_size=recipe.train_batch_size,
        eval_batch_size=recipe.eval_batch_size,
        balanced=False,
        seed=recipe.seed,
    )


LEARNER = TokenClassificationLearner()
