"""From examples to a tuned model in a folder: train, export, prove, calibrate, measure.

With held-out rows, the best epoch is kept by them, and they calibrate and measure the exported model. Without, rows are
too few to spare: cross-validation gives out-of-fold answers to calibrate and measure with, and the model that answers
is then fitted on all rows.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import TrainerCallback

from autogen.config.settings import RESERVED_LABEL
from autogen.config.training import TrainingSettings
from autogen.data.splits import folds
from autogen.errors import TrainingFailed
from autogen.models.adapters import is_adapted
from autogen.models.sources import ModelSource
from autogen.models.tuning import trainable_share, tune
from autogen.progress import RunPlace, TrainingProgress
from autogen.runtime.encoding import TOKENIZER_FILE, Encoded, TextEncoder
from autogen.runtime.session import MODEL_FILE
from autogen.tasks.text_classification.decoding import TextClassification
from autogen.tasks.text_classification.learning.classifier import Classifier, CosineClassifier
from autogen.tasks.text_classification.learning.neighbours import MOST_CELLS, Neighbours
from autogen.tasks.text_classification.learning.unlabelled import FromUnlabelled, SelfTraining, Taught, not_used
from autogen.tasks.text_classification.model import ModelCard, TunedModel, write_task
from autogen.tasks.text_classification.recipe import Recipe, choose_recipe
from autogen.tasks.text_classification.rows import Example
from autogen.training.export.graph import export_graph, graph_logits
from autogen.training.export.parity import check_parity
from autogen.training.export.quantise import INT8_FORMS, MOST_LOST
from autogen.training.loop.answers import Accuracy, OnScore, answers
from autogen.training.loop.batching import TrainingRow
from autogen.training.loop.precision import choose_precision
from autogen.training.loop.trainer import Running, fit
from autogen.training.tracking import Tracking

FOLDS = 3
MAY_DECLINE = 0.1  # of the training rows, by a threshold that other models' scores have set
FOLD_EPOCHS = 0.5  # of the recipe's: folds show what to expect, and need not be trained to the end

Logits = NDArray[np.float32]
OutOfFold = tuple[Logits, list[str]]


@dataclass(frozen=True)
class FineTuned:
    """What a training run reports. Metrics are of the exported model on the held-out rows, or out of
    fold; empty when there were neither."""

    metrics: dict[str, float]
    labels: tuple[str, ...]
    recipe: Recipe
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
    unlabelled: FromUnlabelled | None = None  # None: there were no such texts
    taught: tuple[str, ...] = ()  # those that the model has learnt


@dataclass(frozen=True)
class FineTuning:
    """One run's inputs: examples, settings, where the model comes from, where the result and the state go."""

    train: Sequence[Example]
    held_out: Sequence[Example]  # empty: cross-validation
    settings: TrainingSettings
    source: ModelSource
    folder: Path
    state: Path  # checkpoints; a run that finds some goes on from them
    max_loss: float = 0.01  # in-scope accuracy that rejection may cost on held-out rows
    unlabelled: Sequence[str] = ()  # texts to learn from too
    log: RunPlace | None = None  # where trackers log it

    def run(self, progress: TrainingProgress) -> FineTuned:
        """Raises TrainingFailed, ParityError, Interrupted."""
        return _Run(self, progress).tracked()

    @property
    def recipe(self) -> Recipe:
        labels = [example.label for example in self.train]
        gpu = torch.cuda.is_available()
        return choose_recipe(self.settings, labels, self.source.continued, self.source.own_head, gpu)

    def try_out(self, stage: str, progress: TrainingProgress, on_score: OnScore) -> None:
        """Train as `run` does, for the scores alone: nothing is exported. What `on_score` raises ends it."""
        run = _Run(self, progress)
        run.on_score = on_score
        run._train(self.train, self.held_out, stage, self.state, run.recipe)


class _Run:
    def __init__(self, job: FineTuning, progress: TrainingProgress) -> None:
        self.job, self.progress = job, progress
        settings = job.settings
        tokenizer, pad_id, limit = job.source.tokenizer()
        self.encoder = TextEncoder(tokenizer, min(limit, settings.max_length), pad_id)
        self.tokenizer, self.pad_id = tokenizer, pad_id
        self.labels = _labels(job)
        self.recipe = job.recipe
        self.on_score: OnScore | None = None
        self.precision = choose_precision(settings.precision)
        self.task = TextClassification(self.labels)
        self.trained_rows, self.training_seconds = 0, 0.0
        self.history: list[dict[str, float]] = []
        several = not (job.held_out or job.source.continued)
        self.running = Running.of(settings, FOLDS + 1 + bool(job.unlabelled) if several else 1)
        self.trackers: Sequence[TrainerCallback] = ()

    def tracked(self) -> FineTuned:
        job = self.job
        settings = {**asdict(self.recipe), "base_model": job.source.name, "rows": len(job.train)}
        with Tracking(job.settings.report_to, job.log, settings) as tracking:
            self.trackers = tracking.callbacks
            report = self.run()
            tracking.finish(report.metrics)
            return report

    def run(self) -> FineTuned:
        started = time.perf_counter()
        job = self.job
        self.progress.say(f"Training: {self.recipe}.")
        # a model that goes on from one that has seen every row cannot be cross-validated
        out_of_fold = None if job.held_out or job.source.continued else self._cross_validate()
        model = self._train(job.train, self._choosing(), "train", job.state / "final", self.recipe)
        taught = self._with_unlabelled(model)
        model, out_of_fold = taught.model, taught.held_back or out_of_fold
        trainable, parameters = trainable_share(model)
        self.progress.say("Exporting, and proving that the exported model agrees …")
        self.progress.start("export", len(job.held_out or job.train))
        parity, exported, because = self._write(model)
        task, metrics = self._calibrated(out_of_fold)
        write_task(job.folder, self._card(exported), task)
        self.progress.advance(len(job.held_out or job.train))
        return FineTuned(
            metrics=metrics,
            labels=self.labels,
            recipe=self.recipe,
            precision=self.precision,
            exported=exported,
            exported_because=because,
            trainable=trainable,
            parameters=parameters,
            rows=len(job.train),
            held_out=len(job.held_out),
            cross_validated=out_of_fold is not None,
            parity=parity,
            seconds=time.perf_counter() - started,
            rows_per_second=self.trained_rows / max(self.training_seconds, 1e-9),
            history=self.history,
            unlabelled=taught.report if job.unlabelled else None,
            taught=taught.texts,
        )

    def _with_unlabelled(self, model: Classifier) -> Taught:
        """The model after it has learnt from unlabelled texts too, or as it was where that helps nothing."""
        job, texts = self.job, self.job.unlabelled
        if not texts:
            return Taught(model, (), not_used(texts, "there are none"))
        bf16, size = self.precision == "bf16", self.recipe.eval_batch_size
        learning = SelfTraining(
            self._without_some, self.encoder, self.task, texts, bf16, size, self.recipe.seed, self.progress
        )
        if job.source.continued and not job.held_out:  # it has seen every row: none can be held back to judge by
            taught = Taught(model, (), not_used(texts, "no rows to judge by"))
        else:
            taught = learning.run(model, job.train, job.held_out)
        self.progress.say(str(taught.report))
        return taught

    def _without_some(self, rows: Sequence[Example]) -> Classifier:
        """A model of these rows only, its recipe chosen for them."""
        run = _Run(replace(self.job, train=rows, unlabelled=()), self.progress)
        run.running = self.running
        return run._train(rows, [], "held-back", self.job.state / "held-back", run.recipe)

    def _choosing(self) -> Sequence[Example]:
        """The held-out rows that choose the epoch. None where a version goes on to labels that they do not have: they
        would choose the epoch that has learnt the new ones least."""
        new = set(self.labels) - set(self.job.source.known_labels)
        measured = {example.label for example in self.job.held_out}
        return [] if self.job.source.continued and new - measured else self.job.held_out

    def _calibrated(self, out_of_fold: OutOfFold | None) -> tuple[TextClassification, dict[str, float]]:
        """The task with temperature and threshold, by rows that the model has not seen, and its metrics on them. Where
        there are none, the temperature and threshold of the version it went on from stay, and nothing is measured."""
        job = self.job
        if job.held_out:
            truth = [example.label for example in job.held_out]
            answered = TunedModel.load(job.folder).logits(*_texts(job.held_out))
        elif out_of_fold is not None:
            answered, truth = out_of_fold
        else:
            return job.source.calibrated_as(self.task), {}
        task = self.task.calibrated(answered, truth, job.max_loss)
        if out_of_fold is not None and not job.held_out:
            task = self._within_reach(task)
        return task, task.metrics(task.decode(answered), truth)

    def _within_reach(self, task: TextClassification) -> TextClassification:
        """The threshold comes from other models, those of the folds: where it would decline what this one has learnt,
        the two score on different scales, and it is of no use."""
        learnt = TunedModel.load(self.job.folder).logits(*_texts(self.job.train)).max(axis=1)
        inside = task.gold([row.label for row in self.job.train]) >= 0
        declined = float((learnt[inside] < (-np.inf if task.threshold is None else task.threshold)).mean())
        if declined <= MAY_DECLINE:
            return task
        self.progress.say(
            f"warning: the threshold found by cross-validation would decline {declined:.0%} of the training rows, so "
            "none is set and nothing is declined. Hold rows out (`eval`), or set `threshold`."
        )
        return task.with_threshold(None)

    def _cross_validate(self) -> OutOfFold:
        """Logits of rows from models that have not seen them, and the rows' labels. A label's only row is always learnt
        from, so never measured. Finished folds are kept, for a run that is resumed."""
        train = self.job.train
        texts, labels = [e.text for e in train], [e.label for e in train]
        found, measured = [], []
        for number, (inside, outside) in enumerate(folds(texts, labels, FOLDS, self.recipe.seed), start=1):
            kept = self.job.state / f"fold-{number}.npy"
            if not kept.exists():  # it appears in one rename, so it is whole
                stage = f"cross-validate {number}/{FOLDS}"
                state = self.job.state / f"fold-{number}"
                model = self._train([train[at] for at in inside], [], stage, state, self._fold_recipe())
                rows = self.encoder.encode(*_texts([train[at] for at in outside]))
                draft = kept.with_suffix(".draft.npy")
                np.save(
                    draft, answers(model, self.encoder, rows, False, self.recipe.eval_batch_size)[0], allow_pickle=False
                )
                draft.replace(kept)
            found.append(np.load(kept, allow_pickle=False))
            measured += [labels[at] for at in outside]
        if not found:
            raise TrainingFailed("Expected at least one label with two rows, to measure what was learnt; found none.")
        return np.concatenate(found), measured

    def _fold_recipe(self) -> Recipe:
        """Shorter where the lower layers stay: there a model's scores hardly change between half of the epochs and all
        of them. Where all layers learn they do, so that such folds would not calibrate it."""
        if not self.recipe.tuning.frozen_share:
            return self.recipe
        return replace(self.recipe, epochs=max(1, round(FOLD_EPOCHS * self.recipe.epochs)))

    def _train(
        self,
        train: Sequence[Example],
        held_out: Sequence[Example],
        stage: str,
        state: Path,
        recipe: Recipe,
    ) -> Classifier:
        model = self.job.source.build(self.labels, recipe.seed)
        tune(model, recipe.tuning)
        rows = self._rows(train)
        bf16 = self.precision == "bf16"
        if isinstance(model, CosineClassifier):
            model.neighbours = None
            self._start_head(model, rows, bf16)
        started = time.perf_counter()
        log = fit(
            model,
            recipe,
            rows,
            self.encoder.encode(*_texts(held_out)) if held_out else [],
            self.encoder,
            self._scorer(held_out),
            bf16,
            state,
            stage,
            self.progress,
            self.running,
            self.trackers if stage == "train" else (),
        )
        self.training_seconds += time.perf_counter() - started
        self.trained_rows += len(rows) * recipe.epochs
        if isinstance(model, CosineClassifier) and recipe.neighbours and len(rows) * len(self.labels) <= MOST_CELLS:
            self._remember(model, rows)
        if stage == "train":
            self.history = log
        return model

    def _rows(self, examples: Sequence[Example]) -> list[TrainingRow]:
        """Encoded rows; each label's name is one more."""
        gold = self.task.gold([example.label for example in examples])
        encoded = self.encoder.encode(*_texts(examples))
        rows = [TrainingRow(row, int(label)) for row, label in zip(encoded, gold, strict=True)]
        if self.recipe.balanced and not any(example.text_pair for example in examples):
            names = self.encoder.encode([label.replace("_", " ").replace("-", " ") for label in self.labels])
            rows += [TrainingRow(name, at) for at, name in enumerate(names)]
        return rows

    def _start_head(self, model: CosineClassifier, rows: Sequence[TrainingRow], bf16: bool) -> None:
        """Label vectors start as the mean embedding of the label's rows; those learnt before stay."""
        known = len(self.job.source.known_labels)
        wanted = [row for row in rows if row.gold >= known]
        if not wanted:
            return
        _, embeddings = answers(model, self.encoder, [row.encoded for row in wanted], bf16, self.recipe.eval_batch_size)
        vectors = model.vectors.detach().clone()
        gold = np.array([row.gold for row in wanted])
        for label in np.unique(gold):
            vectors[int(label)] = vectors.new_tensor(embeddings[gold == label].mean(axis=0))
        model.set_vectors(vectors)

    def _remember(self, model: CosineClassifier, rows: Sequence[TrainingRow]) -> None:
        """The rows' embeddings in fp32, as the exported model has them."""
        _, embeddings = answers(model, self.encoder, [row.encoded for row in rows], False, self.recipe.eval_batch_size)
        vectors = model.vectors.detach().cpu()
        model.neighbours = Neighbours.of(torch.from_numpy(embeddings), [row.gold for row in rows], vectors)

    def _scorer(self, held_out: Sequence[Example]) -> Accuracy | None:
        gold = self.task.gold([example.label for example in held_out])
        return Accuracy(gold, self.on_score) if held_out else None

    def _write(self, model: Classifier) -> tuple[float, str, str]:
        """Weights, tokenizer and exported graph into the folder: (parity, exported precision, why)."""
        folder = self.job.folder
        folder.mkdir(parents=True, exist_ok=True)
        model.save(folder / "weights")
        if is_adapted(model.backbone):
            self.job.source.save_base(folder / "weights")
        self.tokenizer.save(str(folder / TOKENIZER_FILE))
        graph = folder / MODEL_FILE
        export_graph(model, graph)
        rows = self.encoder.encode(*_texts(self.job.held_out or self.job.train))
        trained, _ = answers(model, self.encoder, rows, False, self.recipe.eval_batch_size)
        exported = graph_logits(graph, self.encoder, rows)
        parity = check_parity(trained, exported)
        precision, because = self._try_int8(graph, rows, exported)
        write_task(folder, self._card(precision), self.task)
        return parity, precision, because

    def _try_int8(self, graph: Path, rows: Sequence[Encoded], fp32: Logits) -> tuple[str, str]:
        """Swap in the fastest int8 graph that held-out rows show to lose no more than it may. The form of the version
        that training goes on from may lose the most, or a candidate could be turned down for being slower."""
        if not self.recipe.int8:
            return "fp32", "int8 = false" if self.job.settings.int8 is False else f'preset = "{self.recipe.preset}"'
        accuracy = self._scorer(self.job.held_out)
        if accuracy is None:
            return "fp32", "int8 needs held-out rows to be judged by"
        small, losses = graph.with_suffix(".int8.onnx"), []
        for form, (quantiser, may_lose) in INT8_FORMS.items():
            quantiser(graph, small)
            lost = accuracy(fp32) - accuracy(graph_logits(small, self.encoder, rows))
            if lost <= (MOST_LOST if form == self.job.source.exported else may_lose) + 1e-9:
                small.replace(graph)
                return (
                    form,
                    f"it loses {lost:.2%} of held-out accuracy" if lost > 0 else "it loses no held-out accuracy",
                )
            losses.append(f"{form} would lose {lost:.2%} of held-out accuracy")
        small.unlink()
        return "fp32", ", ".join(losses)

    def _card(self, precision: str) -> ModelCard:
        return ModelCard(
            task=self.task.name,
            base_model=self.job.source.name,
            method=self.recipe.method,
            precision=precision,
            max_length=self.encoder.max_length,
            pad_id=self.pad_id,
        )


def _labels(job: FineTuning) -> tuple[str, ...]:
    """The model's outputs: what the source knows already keeps its place, new labels follow in alphabetical order."""
    present = {example.label for example in job.train} - {RESERVED_LABEL}
    known = job.source.known_labels
    labels = (*known, *sorted(present - set(known)))
    if len(labels) < 2:
        raise TrainingFailed(f"Expected rows of at least two labels besides `{RESERVED_LABEL}`; found {len(labels)}.")
    return labels


def _texts(examples: Sequence[Example]) -> tuple[list[str], list[str] | None]:
    pairs = [example.text_pair or "" for example in examples]
    return [example.text for example in examples], pairs if any(pairs) else None


def forget_state(state: Path) -> None:
    """Remove what an interrupted run left."""
    shutil.rmtree(state, ignore_errors=True)
