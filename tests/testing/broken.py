"""The example's task with one thing wrong at a time, which `check_task` must see."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from autogen.errors import DataError
from autogen.progress import TrainingProgress
from autogen.tasks.evaluation import Evaluation
from autogen.tasks.task import FeedbackOn, Fields, Fitted, Identity, Job, Need
from autogen.versions.scores import Scores
from autogen_sentiment.feedback import curate_feedback, with_curated
from autogen_sentiment.learner import LexiconLearner
from autogen_sentiment.lexicon import Lexicon
from autogen_sentiment.rows import SentimentData
from autogen_sentiment.task import SentimentTask

HERE = "tests.testing.broken"


class NamedInCapitals(SentimentTask):
    name = "SentimentLexicon"


class WithoutTrainRows(SentimentTask):
    roles = ("eval",)


class FieldTwice(SentimentTask):
    fields = Fields(("text", "label"), ("text",))


class WithoutLearner(SentimentTask):
    learner = f"{HERE}:HERE"


class UnmeasuredMetric(SentimentTask):
    metrics = ("accuracy", "macro_f1", "top_5")


class InPercent(SentimentTask):
    def evaluate(self, model: Lexicon, data: SentimentData) -> Evaluation:
        evaluation = super().evaluate(model, data)
        return replace(evaluation, metrics={name: 100 * value for name, value in evaluation.metrics.items()})


class RaisingForBadRows(SentimentTask):
    def read(self, project: Path, need: Need) -> SentimentData:
        data = super().read(project, need)
        if data.problems:
            raise DataError("bad rows")
        return data


class SilentAboutBadRows(SentimentTask):
    def read(self, project: Path, need: Need) -> SentimentData:
        return replace(super().read(project, need), problems=())


class InOrderData(SentimentData):
    def identity(self) -> Identity:
        first = self.train[0].text if self.train else ""
        return replace(super().identity(), train=f"{abs(hash(first)):016x}"[:16])


class ByOrder(SentimentTask):
    """Its digest depends on which row comes first."""

    def read(self, project: Path, need: Need) -> SentimentData:
        data = super().read(project, need)
        return InOrderData(data.train, data.held_out, problems=data.problems, source=data.source)


class OtherRowsInMemory(SentimentTask):
    def from_rows(self, rows: Mapping[str, Sequence[Any]], need: Need) -> SentimentData:
        return replace(super().from_rows(rows, need), train=())


class MeasuringMemory(SentimentTask):
    def unseen(self, data: SentimentData, learnt: frozenset[str]) -> SentimentData:  # noqa: ARG002
        return data


class LearningFromEvalRows(SentimentTask):
    def with_feedback(self, data: SentimentData, feedback: FeedbackOn, champion: Lexicon | None) -> SentimentData:
        assert champion is not None
        joined = with_curated(data, curate_feedback(replace(data, held_out=()), feedback, champion))
        return replace(joined, held_out=data.held_out)


class DeafToFeedback(SentimentTask):
    def with_feedback(self, data: SentimentData, feedback: FeedbackOn, champion: Lexicon | None) -> SentimentData:  # noqa: ARG002
        return data


class ScoredOtherwise(SentimentTask):
    def scores(self, model: Lexicon, data: SentimentData) -> tuple[Scores, ...]:
        (scores,) = super().scores(model, data)
        return (replace(scores, counts=scores.counts * (0.5, 1.0)),)


class ScoredInBooleans(SentimentTask):
    def scores(self, model: Lexicon, data: SentimentData) -> tuple[Scores, ...]:
        (scores,) = super().scores(model, data)
        return (replace(scores, right=scores.right.astype(float)),)  # type: ignore[arg-type]


class LikeAnyOther(Lexicon):
    digest = "0" * 64  # type: ignore[assignment]


class OneDigest(SentimentTask):
    def load(self, folder: Path, threads: int | None = None) -> Lexicon:  # noqa: ARG002
        return LikeAnyOther.load(folder)


class LoadingTorch(SentimentTask):
    def load(self, folder: Path, threads: int | None = None) -> Lexicon:
        import torch  # noqa: F401

        return super().load(folder, threads)


class Pickles(LexiconLearner):
    def fit(self, job: Job, progress: TrainingProgress) -> Fitted:
        fitted = super().fit(job, progress)
        (job.folder / "model.pkl").write_bytes(pickle.dumps(fitted.record))
        return fitted


class Unwritable(LexiconLearner):
    def fit(self, job: Job, progress: TrainingProgress) -> Fitted:
        return replace(super().fit(job, progress), record={"labels": {"a", "b"}})


class Pickled(SentimentTask):
    learner = f"{HERE}:PICKLES"


class RecordNoJson(SentimentTask):
    learner = f"{HERE}:UNWRITABLE"


PICKLES, UNWRITABLE = Pickles(), Unwritable()
NAMED_IN_CAPITALS, WITHOUT_TRAIN_ROWS, FIELD_TWICE = NamedInCapitals(), WithoutTrainRows(), FieldTwice()
WITHOUT_LEARNER, UNMEASURED_METRIC, IN_PERCENT = WithoutLearner(), UnmeasuredMetric(), InPercent()
RAISING_FOR_BAD_ROWS, SILENT_ABOUT_BAD_ROWS, BY_ORDER = RaisingForBadRows(), SilentAboutBadRows(), ByOrder()
OTHER_ROWS_IN_MEMORY, MEASURING_MEMORY, LEARNING_FROM_EVAL_ROWS = (
    OtherRowsInMemory(),
    MeasuringMemory(),
    LearningFromEvalRows(),
)
DEAF_TO_FEEDBACK, SCORED_OTHERWISE, SCORED_IN_BOOLEANS = DeafToFeedback(), ScoredOtherwise(), ScoredInBooleans()
ONE_DIGEST, LOADING_TORCH, PICKLED, RECORD_NO_JSON = OneDigest(), LoadingTorch(), Pickled(), RecordNoJson()
