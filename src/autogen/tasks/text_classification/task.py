"""The task `text-classification`, as projects and agents know it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autogen.config.settings import RESERVED_LABEL
from autogen.config.training import TrainingSettings
from autogen.data.fingerprints import row_fingerprint
from autogen.data.problems import shown
from autogen.data.rows import Row
from autogen.feedback.curation import Curation
from autogen.feedback.entities import EntitySpan
from autogen.feedback.events import Feedback
from autogen.markup import DataTable
from autogen.tasks.evaluation import Evaluation
from autogen.tasks.tables import hardest_labels
from autogen.tasks.task import FeedbackOn, Fields, Need, Reads
from autogen.tasks.text_classification.answers import Answers, mistake_tables, wilson
from autogen.tasks.text_classification.decoding import LabelPrediction
from autogen.tasks.text_classification.feedback import check_label, curate_feedback, drop_learnt, with_curated
from autogen.tasks.text_classification.metrics import per_label
from autogen.tasks.text_classification.model import TunedModel
from autogen.tasks.text_classification.naming import LabelNaming
from autogen.tasks.text_classification.recipe import choose_recipe
from autogen.tasks.text_classification.rows import (
    OPTIONAL,
    REQUIRED,
    LabelledRows,
    LearningData,
    labelled_rows,
    name_labels,
    read_labelled,
    read_learning_data,
    split_rows,
)
from autogen.tasks.text_classification.settings import ClassificationOptions
from autogen.versions.scores import Scores

if TYPE_CHECKING:
    from autogen.reports.drawing import Drawing


class TextClassificationTask:
    name = "text-classification"
    reads: Reads = "text"
    fields = Fields(REQUIRED, OPTIONAL)
    roles = ("train", "eval", "unlabelled")
    training = TrainingSettings
    options = ClassificationOptions
    metrics = (
        "accuracy",
        "macro_f1",
        "precision",
        "recall",
        "in_scope_accuracy",
        "oos_recall",
        "oos_precision",
        "oos_auroc",
    )
    learner = "autogen.tasks.text_classification.learning.learner:LEARNER"

    def read(self, project: Path, need: Need) -> LearningData:
        options = need.options
        assert isinstance(options, ClassificationOptions)
        data = read_learning_data(
            project,
            need.source("train"),
            need.source("eval"),
            need.columns,
            need.training.seed,
            need.source("unlabelled"),
            _naming(need),
        )
        return replace(data, packaged_outliers=options.outliers == "general")

    def from_rows(self, rows: Mapping[str, Sequence[Row]], need: Need) -> LearningData:
        read_by_role = {role: labelled_rows(part, need.columns, need.in_project) for role, part in rows.items()}
        if "train" not in read_by_role:
            eval_rows, problems = read_by_role["eval"]
            return LearningData(LabelledRows(), eval_rows, "", tuple(problems), source=f"{len(eval_rows.rows)} rows")
        seed, naming = need.training.seed, _naming(need)
        return split_rows(read_by_role["train"], read_by_role.get("eval"), seed, naming, need.in_project)

    def with_rows(self, project: Path, need: Need, source: str, root: Path) -> LearningData:  # noqa: ARG002
        rows, problems = read_labelled(root, [source], need.columns)
        return LearningData(LabelledRows(), rows, source, tuple(problems), source=source, naming=_naming(need))

    def curate(self, data: LearningData, feedback: FeedbackOn, champion: TunedModel) -> Curation:
        return curate_feedback(data, feedback, champion)

    def check_review(self, feedback: Feedback, label: str | None, entities: Sequence[EntitySpan] | None) -> None:
        check_label(feedback, label, entities)

    def with_feedback(self, data: LearningData, feedback: FeedbackOn, champion: TunedModel | None) -> LearningData:
        """Nothing joins where the champion does not know this need: its opinion is what feedback is sorted by."""
        return data if champion is None else with_curated(data, curate_feedback(data, feedback, champion))

    def unseen(self, data: LearningData, learnt: frozenset[str]) -> LearningData:
        return drop_learnt(data, learnt)

    def plan(self, data: LearningData, need: Need) -> str:
        """Without looking for a GPU, which would take torch: with one, a great many rows are trained on as fewer
        are."""
        learnable = {*data.train.labels} - {RESERVED_LABEL}
        recipe = choose_recipe(need.training, data.train.labels, continued=False, own_head=False) if learnable else ""
        return str(recipe)

    def load(self, folder: Path, threads: int | None = None) -> TunedModel:
        return TunedModel.load(folder, threads)

    def evaluate(self, model: TunedModel, data: LearningData) -> Evaluation:
        """Labels that the model does not know count as wrong, with a warning."""
        rows = name_labels(data.all_eval, data.naming, model.task.labels)
        predictions = _predictions(model, rows)
        metrics = model.task.metrics(predictions, rows.labels)
        unknown = sorted({*rows.labels} - {*model.task.labels, RESERVED_LABEL})
        in_scope = sum(label != RESERVED_LABEL for label in rows.labels)
        counts = {"accuracy": in_scope, "in_scope_accuracy": in_scope, "oos_recall": len(rows.labels) - in_scope}
        return Evaluation(
            metrics=metrics,
            rows=len(rows.rows),
            source=data.source or f"{len(rows.rows)} held-out rows",
            intervals={name: wilson(metrics[name], n) for name, n in counts.items() if name in metrics},
            per_label=per_label([prediction.decided for prediction in predictions], rows.labels),
            warnings=(_unknown_labels(unknown, rows.labels),) if unknown else (),
            details=Answers(rows.texts, rows.labels, predictions, model.task.threshold, _calibrates(data)),
        )

    def scores(self, model: TunedModel, data: LearningData) -> tuple[Scores, ...]:
        """Accuracy after rejection, out-of-scope rows included; a group is a label."""
        rows = name_labels(data.all_eval, data.naming, model.task.labels)
        right = np.array(model.task.outcomes(_predictions(model, rows), rows.labels), bool)
        known = {*model.task.labels, RESERVED_LABEL}
        return (
            Scores(
                metric="accuracy",
                statistic="share",
                rows=tuple(map(row_fingerprint, rows.texts)),
                counts=np.stack([right, np.ones(len(right))], axis=1).astype(np.float64),
                right=right,
                groups=tuple(rows.labels),
                beyond=np.array([label not in known for label in rows.labels], bool),
                from_feedback=np.arange(len(rows.rows)) >= len(data.eval.rows),
                right_means="right after rejection",
            ),
        )

    def timed(self, model: TunedModel, data: LearningData) -> Sequence[Callable[[], object]]:
        return [partial(model.predict, [text]) for text in data.all_eval.texts]

    def how_trained(self, record: Mapping[str, Any], train_rows: int) -> str:
        return (
            f"{train_rows} rows learnt in {record['seconds']:.0f} s ({record['rows_per_second']:.0f} rows/s, "
            f"{record['precision']}), {record['trainable']:,} of {record['parameters']:,} parameters; "
            f"answers in {record['exported']} ({record['exported_because']})." + _declining(record.get("rejection"))
        )

    def pictures(self, evaluation: Evaluation, record: Mapping[str, Any]) -> Iterator[Drawing]:
        from autogen.tasks.text_classification.report import drawings

        return drawings(evaluation, record)

    def tables(self, evaluation: Evaluation) -> Iterator[DataTable]:
        """The hardest labels, the most frequent mistakes, and the surest ones."""
        yield from hardest_labels(evaluation.per_label)
        if evaluation.details is not None:
            yield from mistake_tables(evaluation.details)


def _naming(need: Need) -> LabelNaming:
    options = need.options
    assert isinstance(options, ClassificationOptions)
    return LabelNaming(need.join_names, tuple(options.oos_labels))


def _declining(rejection: Mapping[str, Any] | None) -> str:
    """What declining rests on, of a training record that says so."""
    return f" {str(rejection['said']).capitalize()}." if rejection else ""


def _calibrates(data: LearningData) -> bool:
    """Whether temperature and threshold come from the rows that are measured on."""
    return bool(data.eval.rows) and not data.source


def _predictions(model: TunedModel, rows: LabelledRows) -> list[LabelPrediction]:
    pairs = [example.text_pair or "" for example in rows.examples]
    return model.predict(rows.texts, pairs if any(pairs) else None)


def _unknown_labels(unknown: Sequence[str], labels: Sequence[str]) -> str:
    rows = sum(label in unknown for label in labels)
    names = ", ".join(shown(label) for label in unknown[:10]) + (", …" if len(unknown) > 10 else "")
    return f"{rows} of {len(labels)} rows have a label that the model does not know ({names}); they count as wrong."
