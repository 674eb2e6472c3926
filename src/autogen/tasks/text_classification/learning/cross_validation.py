"""Out-of-fold answers, each from a model that has not seen the row: where rows are few, they calibrate and measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from autogen.data.splits import folds
from autogen.errors import TrainingFailed
from autogen.runtime.encoding import Encoded
from autogen.tasks.text_classification.learning.classifier_fit import ClassifierFit
from autogen.tasks.text_classification.learning.rejection import Answers, ModelView, some_of, view_of
from autogen.tasks.text_classification.recipe import ClassifierRecipe
from autogen.tasks.text_classification.rows import LabelledText
from autogen.training.encoder_fit import Stage

FOLDS = 3
FOLD_EPOCHS = 0.5  # of the recipe's: folds show what to expect, and need not be trained to the end


class OutOfFold(NamedTuple):
    """Logits of shape (rows, labels), the rows' labels, and each model's view where there are outliers to compare
    with; the views' unseen rows are these rows, in this order."""

    logits: NDArray[np.float32]
    labels: list[str]
    views: tuple[ModelView, ...] = ()


@dataclass(frozen=True)
class CrossValidation:
    """Models of all rows but a fold, one after the other. Finished folds are kept in `state`: a run may be resumed."""

    fit: ClassifierFit
    recipe: ClassifierRecipe
    state: Path
    outliers: Sequence[Encoded] = ()  # what every model is asked besides its rows

    def run(self, train: Sequence[LabelledText]) -> OutOfFold:
        """A label's only row is always learnt from, so never measured. Raises TrainingFailed, Interrupted."""
        texts, labels = [example.text for example in train], [example.label for example in train]
        views, eval_labels = [], []
        for number, (train_at, eval_at) in enumerate(folds(texts, labels, FOLDS, self.recipe.seed), start=1):
            views.append(self._fold(number, [train[at] for at in train_at], [train[at] for at in eval_at]))
            eval_labels += [labels[at] for at in eval_at]
        if not views:
            raise TrainingFailed("Expected at least one label with two rows, to measure what was learnt; found none.")
        logits = np.concatenate([view.unseen.answers.logits for view in views])
        return OutOfFold(logits, eval_labels, tuple(views) if self.outliers else ())

    def _fold(self, number: int, train: Sequence[LabelledText], eval_rows: Sequence[LabelledText]) -> ModelView:
        learnt = some_of(train) if self.outliers else []
        path = self.state / f"fold-{number}.npz"
        if not path.exists():  # it appears in one rename, so it is whole
            stage = Stage(f"cross-validate {number}/{FOLDS}", self.state / f"fold-{number}")
            model = self.fit.train(train, [], self._fold_recipe(), stage)
            rows = [*self.fit.encode(eval_rows), *self.fit.encode(learnt), *self.outliers]
            logits, embeddings = self.fit.engine.answers(model, rows)
            draft = path.with_suffix(".draft.npz")
            np.savez(draft, logits=logits, embeddings=embeddings)
            draft.replace(path)
        with np.load(path, allow_pickle=False) as arrays:
            answers = Answers(arrays["logits"], arrays["embeddings"])
        return view_of(answers, self.fit.task.gold([row.label for row in [*eval_rows, *learnt]]), len(eval_rows))

    def _fold_recipe(self) -> ClassifierRecipe:
        """Shorter where the lower layers stay: there a model's scores hardly change between half of the epochs and all
        of them. Where all layers learn they do, so that such folds would not calibrate it."""
        if not self.recipe.tuning.frozen_share:
            return self.recipe
        return replace(self.recipe, epochs=max(1, round(FOLD_EPOCHS * self.recipe.epochs)))
