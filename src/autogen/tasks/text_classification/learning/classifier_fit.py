"""One classifier from examples: built, made ready by the tuning method, given a start, fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from autogen.models.tuning import tune
from autogen.runtime.encoding import Encoded, TextEncoder
from autogen.tasks.text_classification.decoding import TextClassification
from autogen.tasks.text_classification.learning.accuracy import Accuracy
from autogen.tasks.text_classification.learning.classifier import Classifier, CosineClassifier
from autogen.tasks.text_classification.learning.losses import ClassificationLoss
from autogen.tasks.text_classification.learning.neighbours import MOST_CELLS, NeighbourScorer
from autogen.tasks.text_classification.learning.sources import ModelSource
from autogen.tasks.text_classification.recipe import ClassifierRecipe
from autogen.tasks.text_classification.rows import LabelledText
from autogen.training.encoder_fit import EncoderFit, Stage
from autogen.training.loop.batching import TrainingRow
from autogen.training.loop.recipe import LoopRecipe, Objective
from autogen.training.search.trial import OnScore


@dataclass(frozen=True)
class ClassifierFit:
    """Classifiers of the task's labels from one source, fitted by one engine."""

    source: ModelSource
    task: TextClassification
    encoder: TextEncoder
    engine: EncoderFit
    on_score: OnScore | None = None

    def train(
        self, train: Sequence[LabelledText], eval_rows: Sequence[LabelledText], recipe: ClassifierRecipe, stage: Stage
    ) -> Classifier:
        """Raises TrainingFailed, Interrupted."""
        model = self.source.build(self.task.labels, recipe.seed)
        tune(model, recipe.tuning)
        rows = self._rows(train, recipe)
        if isinstance(model, CosineClassifier):
            model.neighbours = None
            self._start_head(model, rows)
        objective = Objective(
            loss=ClassificationLoss(recipe.label_smoothing, recipe.contrastive_weight, recipe.outlier_weight),
            score=self.accuracy(eval_rows),
        )
        self.engine.fit(model, loop_recipe(recipe), objective, rows, self.encode(eval_rows), stage)
        if isinstance(model, CosineClassifier) and recipe.neighbours and self._can_remember(rows):
            self._remember(model, rows)
        return model

    def accuracy(self, eval_rows: Sequence[LabelledText]) -> Accuracy | None:
        """None where there are no rows."""
        gold = self.task.gold([example.label for example in eval_rows])
        return Accuracy(gold, self.on_score) if eval_rows else None

    def encode(self, examples: Sequence[LabelledText]) -> list[Encoded]:
        return self.encoder.encode(*texts_of(examples)) if examples else []

    def _rows(self, examples: Sequence[LabelledText], recipe: ClassifierRecipe) -> list[TrainingRow]:
        """Encoded rows; each label's name is one more."""
        gold = self.task.gold([example.label for example in examples])
        rows = [labelled(row, int(label)) for row, label in zip(self.encode(examples), gold, strict=True)]
        if recipe.balanced and not any(example.text_pair for example in examples):
            names = self.encoder.encode([label.replace("_", " ").replace("-", " ") for label in self.task.labels])
            rows += [labelled(name, at) for at, name in enumerate(names)]
        return rows

    def _start_head(self, model: CosineClassifier, rows: Sequence[TrainingRow]) -> None:
        """Label vectors start as the mean embedding of the label's rows; those learnt before stay."""
        known = len(self.source.known_labels)
        new_rows = [row for row in rows if row.target >= known]
        if not new_rows:
            return
        _, embeddings = self.engine.answers(model, [row.encoded for row in new_rows], as_trained=True)
        vectors = model.vectors.detach().clone()
        gold = np.array([row.target for row in new_rows])
        for label in np.unique(gold):
            vectors[int(label)] = vectors.new_tensor(embeddings[gold == label].mean(axis=0))
        model.set_vectors(vectors)

    def _can_remember(self, rows: Sequence[TrainingRow]) -> bool:
        return len(rows) * len(self.task.labels) <= MOST_CELLS

    def _remember(self, model: CosineClassifier, rows: Sequence[TrainingRow]) -> None:
        """The rows' embeddings in fp32, as the exported model has them."""
        _, embeddings = self.engine.answers(model, [row.encoded for row in rows])
        vectors = model.vectors.detach().cpu()
        model.neighbours = NeighbourScorer.of(torch.from_numpy(embeddings), [row.target for row in rows], vectors)


def loop_recipe(recipe: ClassifierRecipe) -> LoopRecipe:
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
        balanced=recipe.balanced,
        seed=recipe.seed,
    )


def labelled(row: Encoded, label: int) -> TrainingRow:
    """A row and the index of its label, -1 for one that is out of scope; the rows of a label are a group."""
    return TrainingRow(row, label, group=label)


def texts_of(examples: Sequence[LabelledText]) -> tuple[list[str], list[str] | None]:
    """The texts, and the second ones where there are any."""
    pairs = [example.text_pair or "" for example in examples]
    return [example.text for example in examples], pairs if any(pairs) else None
