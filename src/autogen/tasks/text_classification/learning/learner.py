"""Learning to classify texts, as the loop asks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autogen.config.settings import RESERVED_LABEL
from autogen.data.fingerprints import row_fingerprint
from autogen.data.quality.heads import Vectors
from autogen.errors import BaseModelError
from autogen.models.base_models import find_base_model
from autogen.progress import TrainingProgress
from autogen.tasks.task import Fitted, Job, Need, Start
from autogen.tasks.text_classification.learning.cross_fit import CrossFit
from autogen.tasks.text_classification.learning.deep_check import DeepCheck, DeepReport
from autogen.tasks.text_classification.learning.fine_tune import FineTuning, FineTuningReport
from autogen.tasks.text_classification.learning.leave_out import LeaveOut, trusted_set_aside
from autogen.tasks.text_classification.learning.sources import FromBaseModel, FromOwner, FromVersion, ModelSource
from autogen.tasks.text_classification.model import TunedModel
from autogen.tasks.text_classification.outliers.packaged import choose_outliers
from autogen.tasks.text_classification.rows import LabelledText, LearningData
from autogen.tasks.text_classification.settings import ClassificationOptions
from autogen.training.embedding import frozen_embeddings
from autogen.versions.scores import Scores


class ClassificationLearner:
    resumes = True

    def fit(self, job: Job, progress: TrainingProgress) -> Fitted:
        report = self.trial(job).run(progress)
        return Fitted(
            cross_validated=report.cross_validated,
            metrics=report.metrics,
            parity=report.parity,
            record=_record(report),
            also_learnt=frozenset(map(row_fingerprint, report.pseudo_labelled)),
        )

    def trial(self, job: Job) -> FineTuning:
        """What fine-tuning is given."""
        data: LearningData = job.data
        options = job.need.options
        assert isinstance(options, ClassificationOptions)
        texts = data.unlabelled.texts if data.unlabelled else ()
        return FineTuning(
            train=data.train.examples,
            held_out=data.eval.examples,
            settings=job.need.training,
            source=source_of(job.start, data.train.labels),
            folder=job.folder,
            state=job.state,
            max_loss=options.rejection_loss,
            outliers=choose_outliers(data.train.texts) if _compares(options, data) else (),
            unlabelled=[text for text in texts if row_fingerprint(text) not in job.withheld],
            log=job.log,
        )

    def cross_fit(
        self, job: Job, read: Any, learnt: frozenset[str], progress: TrainingProgress
    ) -> tuple[Scores, Scores] | None:
        """By nearest neighbours in the embeddings of the frozen base model: nothing is tuned. Where the base model is
        gone (learning on from the champion needs none) it is said, and None."""
        fit = CrossFit.of_batch(job.data, read, learnt)
        vectors = None if fit is None else _embed(job, fit.examples, progress)
        return None if fit is None or vectors is None else fit.scores(vectors)

    def leave_out(
        self, job: Job, read: Any, learnt: frozenset[str], progress: TrainingProgress
    ) -> Callable[[frozenset[str]], Scores] | None:
        """By nearest neighbours, as `cross_fit`."""
        fit = CrossFit.of_batch(job.data, read, learnt)
        if fit is None:
            return None
        set_aside = trusted_set_aside(fit, job.data.eval_feedback.examples)
        vectors = _embed(job, (*fit.examples, *set_aside), progress)
        return None if vectors is None else LeaveOut(fit, set_aside, vectors).scores

    def deep_check(self, data: Any, need: Need, project: Path, progress: TrainingProgress) -> DeepReport:
        return DeepCheck(project, need, data, progress).run()


def _embed(job: Job, examples: Sequence[LabelledText], progress: TrainingProgress) -> Vectors | None:
    """By the frozen base model, (examples, width); None where that is gone, which is said."""
    training = job.need.training
    try:
        base = find_base_model(job.start.base_model, job.start.project)
        return frozen_embeddings(base, examples, training.max_length, training.precision, job.cache, progress)
    except BaseModelError as error:
        progress.say(f"warning: older rows are not cross-fitted for the gate: {error}")
        return None


def source_of(start: Start, labels: list[str]) -> ModelSource:
    """The base model with a head of ours, an earlier version, or the user's own objects."""
    if start.before is not None:
        model = TunedModel.load(start.before)
        card = model.card
        return FromVersion(
            start.before, card.base_model, model.task, card.max_length, card.pad_id, card.precision, start.project
        )
    if start.own is not None:
        return FromOwner(*start.own).for_labels({*labels} - {RESERVED_LABEL})
    return FromBaseModel(find_base_model(start.base_model, start.project))


def _compares(options: ClassificationOptions, data: LearningData) -> bool:
    """Whether packaged outliers are wanted and of use: they are single texts."""
    return options.outliers == "general" and not any(example.text_pair for example in data.train.examples)


def _record(report: FineTuningReport) -> dict[str, Any]:
    record = {
        name: value for name, value in asdict(report).items() if name not in ("metrics", "labels", "pseudo_labelled")
    }
    if report.rejection is not None:
        record["rejection"] = record["rejection"] | {"said": str(report.rejection)}
    if report.unlabelled is not None:
        record["unlabelled"] = record["unlabelled"] | {"said": str(report.unlabelled)}
    return record


LEARNER = ClassificationLearner()
