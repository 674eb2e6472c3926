"""From examples to a tuned model in a folder: train, export, prove, calibrate, measure.

With held-out rows, the best epoch is kept by them, and they calibrate and measure the exported model. Without, rows are
too few to spare: cross-validation gives out-of-fold answers to calibrate and measure with, and the model that answers
is then fitted on all rows.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from autogen.config.settings import RESERVED_LABEL
from autogen.config.training import TrainingSettings
from autogen.data.splits import hold_out
from autogen.errors import TrainingFailed, UsageError
from autogen.models.tuning import trainable_share
from autogen.progress import RunPlace, TrainingProgress
from autogen.runtime.encoding import TextEncoder
from autogen.runtime.model_folder import ModelCard
from autogen.tasks.text_classification.decoding import TextClassification
from autogen.tasks.text_classification.learning.calibration import Calibrated, Calibration, RejectionReport
from autogen.tasks.text_classification.learning.classifier import Classifier
from autogen.tasks.text_classification.learning.classifier_fit import ClassifierFit
from autogen.tasks.text_classification.learning.cross_validation import FOLDS, CrossValidation, OutOfFold
from autogen.tasks.text_classification.learning.search_space import search_space
from autogen.tasks.text_classification.learning.sources import ModelSource
from autogen.tasks.text_classification.learning.unlabelled import (
    SelfTraining,
    SelfTrainingResult,
    UnlabelledReport,
    not_used,
)
from autogen.tasks.text_classification.model import write_task
from autogen.tasks.text_classification.outliers.packaged import Outlier
from autogen.tasks.text_classification.recipe import ClassifierRecipe, choose_recipe
from autogen.tasks.text_classification.rows import MOST_HELD_OUT, LabelledText
from autogen.training.encoder_fit import EncoderFit, Form, Proof, Stage
from autogen.training.search.space import Knob
from autogen.training.search.trial import OnScore
from autogen.training.tracking import Tracking

SPLIT_SHARE = 0.25  # of rows that are too few to spare any: a search measures on them, and learns from none of them


@dataclass(frozen=True)
class FineTuningReport:
    """What a training run reports. Metrics are of the exported model on the held-out rows, or out of
    fold; empty when there were neither."""

    metrics: dict[str, float]
    labels: tuple[str, ...]
    recipe: ClassifierRecipe
    precision: str  # while training
    exported: str  # fp32, int8 or int8-blocks
    exported_because: str
    trainable: int
    parameters: int
    rows: int
    held_out: int
    cross_validated: bool
    parity: float
    seconds: float
    rows_per_second: float
    history: list[dict[str, float]]
    rejection: RejectionReport | None = None  # None: calibrated as the version that training went on from
    unlabelled: UnlabelledReport | None = None  # None: there were no such texts
    pseudo_labelled: tuple[str, ...] = ()  # those that the model has learnt


@dataclass(frozen=True)
class FineTuning:
    """One run's inputs: examples, settings, where the model comes from, where the result and the state go."""

    train: Sequence[LabelledText]
    held_out: Sequence[LabelledText]  # empty: cross-validation
    settings: TrainingSettings
    source: ModelSource
    folder: Path
    state: Path  # checkpoints; a run that finds some goes on from them
    max_loss: float = 0.01  # in-scope accuracy that rejection may cost on held-out rows
    outliers: Sequence[Outlier] = ()  # packaged ones: declining is fitted to them and to rows that were not learnt
    unlabelled: Sequence[str] = ()  # texts to learn from too
    log: RunPlace | None = None  # where trackers log it

    def run(self, progress: TrainingProgress) -> FineTuningReport:
        """Raises TrainingFailed, ParityError, Interrupted."""
        settings = {**asdict(self.recipe), "base_model": self.source.name, "rows": len(self.train)}
        with Tracking(self.settings.report_to, self.log, settings) as tracking:
            report = _fine_tune(self, progress, tracking.callbacks)
            tracking.finish(report.metrics)
            return report

    @property
    def recipe(self) -> ClassifierRecipe:
        return self.recipe_for(self.train)

    def recipe_for(self, train: Sequence[LabelledText]) -> ClassifierRecipe:
        labels = [example.label for example in train]
        gpu = torch.cuda.is_available()
        return choose_recipe(self.settings, labels, self.source.continued, self.source.own_head, gpu)

    @property
    def labels(self) -> tuple[str, ...]:
        """The model's outputs: what the source knows already keeps its place, new labels follow in alphabetical order.
        Raises TrainingFailed for fewer than two."""
        present = {example.label for example in self.train} - {RESERVED_LABEL}
        known = self.source.known_labels
        labels = (*known, *sorted(present - set(known)))
        if len(labels) < 2:
            raise TrainingFailed(
                f"Expected rows of at least two labels besides `{RESERVED_LABEL}`; found {len(labels)}."
            )
        return labels

    @property
    def search_space(self) -> Mapping[str, Knob]:
        """What a search may choose: nothing that the user has set."""
        return search_space(self.recipe, self.settings.model_fields_set)

    def with_settings(self, chosen: Mapping[str, Any]) -> FineTuning:
        settings = {**self.settings.model_dump(exclude_unset=True), **chosen}
        return replace(self, settings=type(self.settings).model_validate(settings))

    def split(self) -> tuple[FineTuning, str]:
        """The same with rows to score settings by, and where they come from in words. Raises UsageError for none."""
        run, words = (self, f"{len(self.held_out)} held-out rows") if self.held_out else self._split()
        if all(example.label == RESERVED_LABEL for example in run.held_out):
            raise UsageError(
                "Expected rows to score settings by, found none to leave out of training: add eval data, or more rows "
                "of each label."
            )
        return run, words

    def _split(self) -> tuple[FineTuning, str]:
        texts, labels = [row.text for row in self.train], [row.label for row in self.train]
        train_at, eval_at = hold_out(texts, labels, SPLIT_SHARE, self.settings.seed, MOST_HELD_OUT)
        words = (
            f"one split of the training rows ({len(eval_at)} of {len(labels)}), the same for every trial: rows are too "
            "few to hold any out for good, and cross-validating every trial would take three times as long"
        )
        train, eval_rows = ([self.train[at] for at in places] for places in (train_at, eval_at))
        return replace(self, train=train, held_out=eval_rows), words

    def try_out(self, stage: str, progress: TrainingProgress, on_score: OnScore) -> None:
        """Train as `run` does, for the scores alone: nothing is exported. What `on_score` raises ends it."""
        fit = replace(classifier_fit(self, progress), on_score=on_score)
        fit.train(self.train, self.held_out, self.recipe, Stage(stage, self.state))


@dataclass(frozen=True)
class _Training:
    """Fits the model: cross-validation where rows are few, the fit itself, then unlabelled texts."""

    job: FineTuning
    recipe: ClassifierRecipe
    fit: ClassifierFit
    progress: TrainingProgress

    def run(self) -> tuple[SelfTrainingResult, OutOfFold | None]:
        """The model, and answers of models like it to rows that they have not seen, where no rows are held out."""
        job = self.job
        # a model that goes on from one that has seen every row cannot be cross-validated
        outliers = self.fit.encoder.encode([outlier.text for outlier in job.outliers])
        cross_validation = CrossValidation(self.fit, self.recipe, job.state, outliers)
        out_of_fold = None if job.held_out or job.source.continued else cross_validation.run(job.train)
        model = self.fit.train(job.train, self._eval_rows(), self.recipe, Stage("train", job.state / "final", True))
        result = self._learn_unlabelled(model)
        return result, OutOfFold(*result.unseen) if result.unseen else out_of_fold

    def _eval_rows(self) -> Sequence[LabelledText]:
        """The held-out rows that choose the epoch. None where a version goes on to labels that they do not have: they
        would choose the epoch that has learnt the new ones least."""
        new = set(self.fit.task.labels) - set(self.job.source.known_labels)
        eval_labels = {example.label for example in self.job.held_out}
        return [] if self.job.source.continued and new - eval_labels else self.job.held_out

    def _learn_unlabelled(self, model: Classifier) -> SelfTrainingResult:
        """The model after it has learnt from unlabelled texts too, or as it was where that helps nothing."""
        job, texts = self.job, self.job.unlabelled
        if not texts:
            return SelfTrainingResult(model, (), not_used(texts, "there are none"))
        if job.source.continued and not job.held_out:  # it has seen every row: none is left to judge by
            result = SelfTrainingResult(model, (), not_used(texts, "no rows to judge by"))
        else:
            result = self._self_training(texts).run(model, job.train, job.held_out)
        self.progress.say(str(result.report))
        return result

    def _self_training(self, texts: Sequence[str]) -> SelfTraining:
        return SelfTraining(
            train=self._train_anew,
            encoder=self.fit.encoder,
            task=self.fit.task,
            texts=texts,
            bf16=self.fit.engine.precision == "bf16",
            batch_size=self.recipe.eval_batch_size,
            seed=self.recipe.seed,
            progress=self.progress,
        )

    def _train_anew(self, rows: Sequence[LabelledText]) -> Classifier:
        """A model of these rows only, its recipe chosen for them."""
        return self.fit.train(rows, [], self.job.recipe_for(rows), Stage("held-back", self.job.state / "held-back"))


@dataclass(frozen=True)
class _Export:
    """Writes the folder that answers: the graph, proven and made smaller; its labels, temperature and threshold."""

    job: FineTuning
    recipe: ClassifierRecipe
    fit: ClassifierFit
    progress: TrainingProgress

    def run(self, model: Classifier, out_of_fold: OutOfFold | None) -> tuple[Proof, Form, Calibrated]:
        """How far the exported model is from the trained one, the form it has, and how it was calibrated."""
        job = self.job
        self.progress.say("Exporting, and proving that the exported model agrees …")
        self.progress.start("export", len(job.held_out or job.train))
        proof, form = self._write_graph(model)
        write_task(job.folder, self._card(form), self.fit.task)  # calibration loads the folder
        calibrated = self._calibrate(out_of_fold)
        write_task(job.folder, self._card(form), calibrated.task)
        self.progress.advance(len(job.held_out or job.train))
        if calibrated.rejection is not None:
            self.progress.say(f"{calibrated.rejection}.")
        return proof, form, calibrated

    def _write_graph(self, model: Classifier) -> tuple[Proof, Form]:
        job, engine = self.job, self.fit.engine
        rows = self.fit.encode(job.held_out or job.train)
        proof = engine.export(model, rows, job.folder)
        accuracy = self.fit.accuracy(job.held_out)
        if not self.recipe.int8:
            because = "int8 = false" if job.settings.int8 is False else f'preset = "{self.recipe.preset}"'
            return proof, Form("fp32", because)
        if accuracy is None:
            return proof, Form("fp32", "int8 needs held-out rows to be judged by")
        return proof, engine.shrink(model, rows, job.folder, proof.outputs, accuracy.lost)

    def _calibrate(self, out_of_fold: OutOfFold | None) -> Calibrated:
        """By rows that the model has not seen. Where there are none, the temperature and threshold of the version it
        went on from stay, and there are no metrics."""
        job = self.job
        calibration = Calibration(self.fit.task, job.folder, job.max_loss, self.progress, job.outliers)
        if job.held_out:
            return calibration.by_eval_rows(job.held_out, job.train)
        if out_of_fold is not None:
            return calibration.by_out_of_fold(out_of_fold, job.train)
        return calibration.as_before(job.source.calibrated_as(self.fit.task), job.train)

    def _card(self, form: Form) -> ModelCard:
        return ModelCard(
            task=self.fit.task.name,
            base_model=self.job.source.name,
            method=self.recipe.method,
            precision=form.name,
            max_length=self.fit.encoder.max_length,
            pad_id=self.fit.encoder.pad_id,
        )


def _fine_tune(job: FineTuning, progress: TrainingProgress, trackers: Sequence[TrainerCallback]) -> FineTuningReport:
    started = time.perf_counter()
    recipe, fit = job.recipe, classifier_fit(job, progress, trackers)
    engine = fit.engine
    progress.say(f"Training: {recipe}.")
    result, out_of_fold = _Training(job, recipe, fit, progress).run()
    trainable, parameters = trainable_share(result.model)
    proof, form, calibrated = _Export(job, recipe, fit, progress).run(result.model, out_of_fold)
    return FineTuningReport(
        metrics=calibrated.metrics,
        labels=fit.task.labels,
        recipe=recipe,
        precision=engine.precision,
        exported=form.name,
        exported_because=form.because,
        trainable=trainable,
        parameters=parameters,
        rows=len(job.train),
        held_out=len(job.held_out),
        cross_validated=out_of_fold is not None,
        parity=proof.parity,
        seconds=time.perf_counter() - started,
        rows_per_second=engine.trained_rows / max(engine.training_seconds, 1e-9),
        history=engine.history,
        rejection=calibrated.rejection,
        unlabelled=result.report if job.unlabelled else None,
        pseudo_labelled=result.texts,
    )


def classifier_fit(
    job: FineTuning, progress: TrainingProgress, trackers: Sequence[TrainerCallback] = ()
) -> ClassifierFit:
    """What fits the job's models, with its source's tokenizer. Raises BaseModelError, TrainingFailed."""
    origin = job.source.origin
    tokenizer, pad_id, limit = origin.tokenizer()
    encoder = TextEncoder(tokenizer, min(limit, job.settings.max_length), pad_id)
    several = not (job.held_out or job.source.continued)
    networks = FOLDS + 1 + bool(job.unlabelled) if several else 1
    engine = EncoderFit(origin, tokenizer, encoder, job.settings, progress, networks, trackers)
    return ClassifierFit(job.source, TextClassification(job.labels), encoder, engine)


def forget_state(state: Path) -> None:
    """Remove what an interrupted run left."""
    shutil.rmtree(state, ignore_errors=True)
