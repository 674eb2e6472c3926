"""The task `sentiment-lexicon`, as AutoGen knows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autogen.data.fingerprints import row_fingerprint
from autogen.data.rows import Row
from autogen.feedback.curation import Curation
from autogen.markup import DataTable
from autogen.tasks.evaluation import Evaluation
from autogen.tasks.tables import hardest_labels
from autogen.tasks.task import FeedbackOn, Need, Reads, Task
from autogen.versions.scores import Scores
from autogen_sentiment.feedback import curate_feedback, with_curated
from autogen_sentiment.lexicon import Lexicon
from autogen_sentiment.rows import FIELDS, Reading, SentimentData, read_examples, read_files, split
from autogen_sentiment.settings import LexiconOptions, LexiconTraining

if TYPE_CHECKING:
    from autogen.reports.drawing import Drawing

API = 1  # of AutoGen's contracts, as this package was built for them


class SentimentTask:
    name = "sentiment-lexicon"
    reads: Reads = "nothing"  # it has no base model
    fields = FIELDS
    roles = ("train", "eval")
    training = LexiconTraining
    options = LexiconOptions
    metrics = ("accuracy", "macro_f1")
    learner = "autogen_sentiment.learner:LEARNER"

    def read(self, project: Path, need: Need) -> SentimentData:
        held_out = need.source("eval")
        return split(
            read_files(project, need.source("train"), need.columns),
            read_files(project, held_out, need.columns) if held_out else None,
            need.training.seed,
        )

    def from_rows(self, rows: Mapping[str, Sequence[Row]], need: Need) -> SentimentData:
        given = {role: read_examples(some, need.columns) for role, some in rows.items()}
        if "train" not in given:
            return _to_measure(given["eval"], "rows")
        return split(given["train"], given.get("eval"), need.training.seed)

    def with_rows(self, project: Path, need: Need, source: str, root: Path) -> SentimentData:  # noqa: ARG002 all there is
        return _to_measure(read_files(root, [source], need.columns), source)

    def curate(self, data: SentimentData, given: FeedbackOn, champion: Lexicon) -> Curation:
        return curate_feedback(data, given, champion)

    def with_feedback(self, data: SentimentData, given: FeedbackOn, champion: Lexicon | None) -> SentimentData:
        return data if champion is None else with_curated(data, curate_feedback(data, given, champion))

    def unseen(self, data: SentimentData, learnt: frozenset[str]) -> SentimentData:
        return data.without(learnt)

    def plan(self, data: SentimentData, need: Need) -> str:  # noqa: ARG002 the same for all
        return f"logistic regression on the words of {len(data.train)} rows" if data.train else ""

    def load(self, folder: Path, threads: int | None = None) -> Lexicon:  # noqa: ARG002 one is enough
        return Lexicon.load(folder)

    def evaluate(self, model: Lexicon, data: SentimentData) -> Evaluation:
        """A sentiment that the lexicon does not know counts as wrong."""
        predicted, labels = [one.label for one in model.predict([e.text for e in data.eval])], _labels(data)
        per_label = _per_label(predicted, labels)
        right = sum(one == label for one, label in zip(predicted, labels, strict=True))
        f1 = [of["f1"] for of in per_label.values()]
        metrics = {"accuracy": right / max(len(labels), 1), "macro_f1": sum(f1) / max(len(f1), 1)}
        return Evaluation(metrics, rows=len(labels), source=data.source, per_label=per_label)

    def scores(self, model: Lexicon, data: SentimentData) -> tuple[Scores, ...]:
        labels = _labels(data)
        predictions = model.predict([one.text for one in data.eval])
        right = np.array([one.label == label for one, label in zip(predictions, labels, strict=True)], bool)
        return (
            Scores(
                metric="accuracy",
                statistic="share",
                rows=tuple(row_fingerprint(one.text) for one in data.eval),
                counts=np.stack([right, np.ones(len(right))], axis=1).astype(np.float64),
                right=right,
                groups=tuple(labels),
                beyond=np.array([label not in model.labels for label in labels], bool),
                from_feedback=np.arange(len(labels)) >= len(data.held_out),
            ),
        )

    def timed(self, model: Lexicon, data: SentimentData) -> Sequence[Callable[[], object]]:
        return [partial(model.predict, [one.text]) for one in data.eval]

    def how_trained(self, record: Mapping[str, Any], train_rows: int) -> str:
        return f"{record['words']} words of {train_rows} rows weighed in {record['seconds']:.1f} s."

    def pictures(self, evaluation: Evaluation, record: Mapping[str, Any]) -> Iterator[Drawing]:  # noqa: ARG002 of the fit
        from autogen_sentiment.pictures import heaviest_words

        if record.get("heaviest"):
            yield heaviest_words(record["heaviest"])

    def tables(self, evaluation: Evaluation) -> Iterator[DataTable]:
        yield from hardest_labels(evaluation.per_label)


def _to_measure(reading: Reading, source: str) -> SentimentData:
    return SentimentData(held_out=reading.examples, problems=reading.problems, source=source)


def _labels(data: SentimentData) -> list[str]:
    return [one.label for one in data.eval]


def _per_label(predicted: Sequence[str], labels: Sequence[str]) -> dict[str, dict[str, float]]:
    """Precision, recall and F1 of each label that the eval rows have, and its rows."""
    right = Counter(label for one, label in zip(predicted, labels, strict=True) if one == label)
    answered, rows = Counter(predicted), Counter(labels)
    return {
        label: {
            "precision": right[label] / answered[label] if answered[label] else 0.0,
            "recall": right[label] / rows[label],
            "f1": 2 * right[label] / (answered[label] + rows[label]),
            "rows": rows[label],
        }
        for label in sorted(rows)
    }


TASK: Task[SentimentData, Lexicon] = SentimentTask()
