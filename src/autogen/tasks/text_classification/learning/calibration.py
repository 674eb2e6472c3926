"""Temperature and threshold of the exported model, by rows that it has not seen, and its metrics on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autogen.progress import TrainingProgress
from autogen.tasks.text_classification.decoding import TextClassification
from autogen.tasks.text_classification.learning.classifier_fit import texts_of
from autogen.tasks.text_classification.learning.cross_validation import OutOfFold
from autogen.tasks.text_classification.model import TunedModel
from autogen.tasks.text_classification.rows import LabelledText

MAY_DECLINE = 0.1  # of the training rows, by a threshold that other models' scores have set

Calibrated = tuple[TextClassification, dict[str, float]]  # and the metrics


@dataclass(frozen=True)
class Calibration:
    """Of the tuned model in `folder`. `max_loss`: in-scope accuracy that rejection may cost."""

    task: TextClassification
    folder: Path
    max_loss: float
    progress: TrainingProgress

    def by_eval_rows(self, eval_rows: Sequence[LabelledText]) -> Calibrated:
        logits = TunedModel.load(self.folder).logits(*texts_of(eval_rows))
        return self._calibrate(OutOfFold(logits, [example.label for example in eval_rows]))

    def by_out_of_fold(self, out_of_fold: OutOfFold, train: Sequence[LabelledText]) -> Calibrated:
        """By what other models answered: where their threshold would decline what this one has learnt, the two score on
        different scales, and it is of no use."""
        task, metrics = self._calibrate(out_of_fold)
        share = self._declined_share(task, train)
        if share <= MAY_DECLINE:
            return task, metrics
        self.progress.say(
            f"warning: the threshold found by cross-validation would decline {share:.0%} of the training rows, so "
            "none is set and nothing is declined. Hold rows out (`eval`), or set `threshold`."
        )
        task = task.with_threshold(None)
        return task, task.metrics(task.decode(out_of_fold.logits), out_of_fold.labels)

    def _calibrate(self, out_of_fold: OutOfFold) -> Calibrated:
        task = self.task.calibrated(out_of_fold.logits, out_of_fold.labels, self.max_loss)
        return task, task.metrics(task.decode(out_of_fold.logits), out_of_fold.labels)

    def _declined_share(self, task: TextClassification, train: Sequence[LabelledText]) -> float:
        """The share of the training rows that it would decline."""
        scores = TunedModel.load(self.folder).logits(*texts_of(train)).max(axis=1)
        in_scope = task.gold([row.label for row in train]) >= 0
        return float((scores[in_scope] < (-np.inf if task.threshold is None else task.threshold)).mean())
