"""The task `token-classification`, as projects and agents know it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autogen.config.training import TrainingSettings
from autogen.data.fingerprints import row_fingerprint
from autogen.data.problems import listed
from autogen.data.rows import Row
from autogen.feedback.curation import Curation
from autogen.feedback.entities import EntitySpan
from autogen.feedback.events import Feedback
from autogen.markup import DataTable
from autogen.tasks.evaluation import Evaluation
from autogen.tasks.task import FeedbackOn, Fields, Need, Reads
from autogen.tasks.token_classification.data import (
    AnnotatedRows,
    TokenData,
    annotated_rows,
    name_labels,
    read_annotated,
    split_rows,
)
from autogen.tasks.token_classification.feedback import check_spans, curate_feedback, drop_learnt, with_corrections
from autogen.tasks.token_classification.metrics import MAIN, entity_scores, of_label, span_counts
from autogen.tasks.token_classification.model import EntityModel
from autogen.tasks.token_classification.recipe import choose_recipe
from autogen.tasks.token_classification.report import drawings, hardest, mistakes
from autogen.tasks.token_classification.rows import TEXT_FIELDS, TOKEN_FIELDS, Span
from autogen.tasks.token_classification.settings import TokenClassificationOptions
from autogen.versions.scores import Scores

if TYPE_CHECKING:
    from autogen.reports.drawing import Drawing


class TokenClassificationTask:
    """Rows have `text` and `entities`; a file may have `tokens` and `tags` (BIO) in their place."""

    name = "token-classification"
    reads: Reads = "text"
    fields = Fields(TEXT_FIELDS, TOKEN_FIELDS)
    roles = ("train", "eval")
    training = TrainingSettings
    options = TokenClassificationOptions
    metrics = (MAIN, "entity_precision", "entity_recall")
    learner = "autogen.tasks.token_classification.learning.learner:LEARNER"

    def read(self, project: Path, need: Need) -> TokenData:
        eval_files = need.source("eval")
        return split_rows(
            read_annotated(project, need.source("train"), need.columns),
            read_annotated(project, eval_files, need.columns) if eval_files else None,
            need.training.seed,
            need.join_names,
        )

    def from_rows(self, rows: Mapping[str, Sequence[Row]], need: Need) -> TokenData:
        read = {role: annotated_rows(part, need.columns, need.in_project) for role, part in rows.items()}
        if "train" not in read:
            annotated, problems = read["eval"]
            return TokenData(AnnotatedRows(), annotated, "", tuple(problems), source=f"{len(annotated)} rows")
        return split_rows(read["train"], read.get("eval"), need.training.seed, need.join_names, need.in_project)

    def with_rows(self, project: Path, need: Need, source: str, root: Path) -> TokenData:  # noqa: ARG002
        rows, problems = read_annotated(root, [source], need.columns)
        return TokenData(AnnotatedRows(), rows, source, tuple(problems), source=source, join_names=need.join_names)

    def curate(self, data: TokenData, feedback: FeedbackOn, champion: EntityModel) -> Curation:
        return curate_feedback(data, feedback, champion)

    def check_review(self, feedback: Feedback, label: str | None, entities: Sequence[EntitySpan] | None) -> None:
        check_spans(feedback, label, entities)

    def with_feedback(self, data: TokenData, feedback: FeedbackOn, champion: EntityModel | None) -> TokenData:  # noqa: ARG002
        return with_corrections(data, feedback)

    def unseen(self, data: TokenData, learnt: frozenset[str]) -> TokenData:
        return drop_learnt(data, learnt)

    def plan(self, data: TokenData, need: Need) -> str:
        return str(choose_recipe(need.training, len(data.train), continued=False)) if data.train.counts else ""

    def load(self, folder: Path, threads: int | None = None) -> EntityModel:
        return EntityModel.load(folder, threads)

    def evaluate(self, model: EntityModel, data: TokenData) -> Evaluation:
        """Exact in span and label. Entities of labels that the model does not know count as missed, with a warning."""
        rows = name_labels(data.all_eval, data.join_names, model.answers)
        predicted, gold = _spans(model, rows)
        scored = entity_scores(predicted, gold)
        unknown = [label for label in rows.labels if label not in model.answers]
        words = f"The model does not know {listed(unknown)}: entities of such labels count as missed."
        return Evaluation(
            metrics=scored.metrics,
            rows=len(rows),
            source=data.source or f"{len(rows)} held-out rows",
            intervals=scored.intervals,
            per_label=scored.per_label,
            warnings=(words,) if unknown else (),
            details=mistakes(rows.texts, predicted, gold),
        )

    def scores(self, model: EntityModel, data: TokenData) -> tuple[Scores, ...]:
        """F1 of entities; a row is right when all its entities are. Each label is a group, and a row may be of several:
        no label may get worse for another's gain."""
        rows = name_labels(data.all_eval, data.join_names, model.answers)
        predicted, gold = _spans(model, rows)
        known = {*model.answers}
        labels = [{span.label for span in spans} for spans in gold]
        names = sorted({span.label for spans in (*predicted, *gold) for span in spans})
        return (
            Scores(
                metric=MAIN,
                statistic="ratio",
                rows=tuple(map(row_fingerprint, rows.texts)),
                counts=span_counts(predicted, gold),
                right=np.array([{*a} == {*b} for a, b in zip(predicted, gold, strict=True)], bool),
                groups=("",) * len(rows),
                beyond=np.array([bool(some - known) for some in labels], bool),
                from_feedback=np.arange(len(rows)) >= len(data.eval),
                by_group={name: span_counts(of_label(predicted, name), of_label(gold, name)) for name in names},
                known_groups=frozenset(known),
            ),
        )

    def timed(self, model: EntityModel, data: TokenData) -> Sequence[Callable[[], object]]:
        return [partial(model.predict, [text]) for text in data.all_eval.texts]

    def how_trained(self, record: Mapping[str, Any], train_rows: int) -> str:
        return (
            f"{train_rows} rows learnt in {record['seconds']:.0f} s ({record['rows_per_second']:.0f} rows/s, "
            f"{record['precision']}), {record['trainable']:,} of {record['parameters']:,} parameters; tags are of "
            f"{record['unit']}; answers in {record['exported']} ({record['exported_because']})."
        )

    def pictures(self, evaluation: Evaluation, record: Mapping[str, Any]) -> Iterator[Drawing]:  # noqa: ARG002
        return drawings(record)

    def tables(self, evaluation: Evaluation) -> Iterator[DataTable]:
        """The hardest labels, and the most frequent mistakes."""
        yield from hardest(evaluation.per_label)
        if evaluation.details:
            yield evaluation.details


def _spans(model: EntityModel, rows: AnnotatedRows) -> tuple[list[list[Span]], list[list[Span]]]:
    """What the model predicts, and what there is."""
    predicted = [[entity.span for entity in entities] for entities in model.predict(rows.texts)]
    return predicted, [list(example.spans) for example in rows.examples]
