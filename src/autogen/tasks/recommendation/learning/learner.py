"""Learning to recommend, as the loop asks for it."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from autogen.models.base_models import find_base_model
from autogen.progress import TrainingProgress
from autogen.tasks.recommendation.indexes import TEXTS_FILE
from autogen.tasks.recommendation.learning.fit import RecommenderFit
from autogen.tasks.recommendation.model import CATALOGUE_FILE, TEXT_FOLDER
from autogen.tasks.recommendation.rows import Behaviour
from autogen.tasks.task import Fitted, Job
from autogen.training.embedding import PlainText, frozen_embeddings
from autogen.training.export.text_encoder import export_text_encoder

TEXT_LENGTH = 128  # tokens of an item's text that are read


class RecommendationLearner:
    resumes = False

    def fit(self, job: Job, progress: TrainingProgress) -> Fitted:
        data: Behaviour = job.data
        job.folder.mkdir(parents=True)
        fit = RecommenderFit(
            events=data.events,
            texts=_texts(job, data, progress),
            settings=job.need.training,
            folder=job.folder,
            base_model=job.need.base_model,
            offered=len(data.catalogue),
            ended=data.ended,
            lag=data.lag,
            before=job.start.before,
        )
        report = fit.run(progress)
        data.catalogue.save(job.folder / CATALOGUE_FILE)
        return Fitted(
            cross_validated=False,
            metrics={},
            parity=report.parity,
            parity_unit="log-probabilities",
            record=asdict(report),
        )


def _texts(job: Job, data: Behaviour, progress: TrainingProgress) -> NDArray[np.float32] | None:
    """What items say of themselves, embedded, and the encoder for wishes beside it; items that are known from events
    only say nothing."""
    if not data.has_items:
        return None
    base = find_base_model(job.need.base_model, job.start.project)
    vectors = frozen_embeddings(
        base, [PlainText(text) for text in data.texts], TEXT_LENGTH, job.need.training.precision, job.cache, progress
    )
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    np.save(job.folder / TEXTS_FILE, vectors.astype(np.float16))
    export_text_encoder(base, job.folder / TEXT_FOLDER, TEXT_LENGTH)
    more = len(data.events.items) - len(vectors)
    return np.concatenate([vectors, np.zeros((more, vectors.shape[1]), np.float32)])


LEARNER = RecommendationLearner()
