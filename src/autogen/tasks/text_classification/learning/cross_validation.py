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
from autogen.tasks.text_classification.learning.classifier_fit import ClassifierFit
from autogen.tasks.text_classification.recipe import ClassifierRecipe
from autogen.tasks.text_classification.rows import LabelledText
from autogen.training.encoder_fit import Stage

FOLDS = 3
FOLD_EPOCHS = 0.5  # of the recipe's: folds show what to expect, and need not be trained to the end


class OutOfFold(NamedTuple):
    """Logits of shape (rows, labels), and the rows' labels."""

    logits: NDArray[np.float32]
    labels: list[str]


@dataclass(frozen=True)
class CrossValidation:
    """Models of all rows but a fold, one after the other. Finished folds are kept in `state`: a run may be resumed."""

    fit: ClassifierFit
    recipe: ClassifierRecipe
    state: Path

    def run(self, train: Sequence[LabelledText]) -> OutOfFold:
        """A label's only row is always learnt from, so never measured. Raises TrainingFailed, Interrupted."""
        texts, labels = [example.text for example in train], [example.label for example in train]
        logits, eval_labels = [], []
        for number, (train_at, eval_at) in enumerate(folds(texts, labels, FOLDS, self.recipe.seed), start=1):
            logits.append(self._fold(number, [train[at] for at in train_at], [train[at] for at in eval_at]))
            eval_labels += [labels[at] for at in eval_at]
        if not logits:
            raise TrainingFailed("Expected at least one label with two rows, to measure what was learnt; found none.")
        return OutOfFold(np.concatenate(logits), eval_labels)

    def _fold(
        self, number: int, train: Sequence[LabelledText], eval_rows: Sequence[LabelledText]
    ) -> NDArray[np.float32]:
        path = self.state / f"fold-{number}.npy"
        if not path.exists():  # it appears in one rename, so it is whole
            stage = Stage(f"cross-validate {number}/{FOLDS}", self.state / f"fold-{number}")
            model = self.fit.train(train, [], self._fold_recipe(), stage)
            draft = path.with_suffix(".draft.npy")
            np.save(draft, self.fit.engine.answers(model, self.fit.encode(eval_rows))[0], allow_pickle=False)
            draft.replace(path)
        logits: NDArray[np.float32] = np.load(path, allow_pickle=False)
        return logits

    def _fold_recipe(self) -> ClassifierRecipe:
        """Shorter where the lower layers stay: there a model's scores hardly change between half of the epochs and all
        of them. Where all layers learn they do, so that such folds would not calibrate it."""
        if not self.recipe.tuning.frozen_share:
            return self.recipe
        return replace(self.recipe, epochs=max(1, round(FOLD_EPOCHS * self.recipe.epochs)))
