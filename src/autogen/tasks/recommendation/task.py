"""The task `recommendation` in a project: from events and clicks to a judged model."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autogen.agents.agent import load_skills
from autogen.data.problems import raise_for
from autogen.errors import Interrupted
from autogen.knowledge.pgvector_index import require_server
from autogen.knowledge.vector_index import require_faiss
from autogen.models.base_models import find_base_model
from autogen.project.course import Run
from autogen.project.judging import HELD_OUT_FILE, TRAINED_FILE, changed_answers
from autogen.skills.recommendation.answering import CATALOGUE_FILE, TEXT_FOLDER, Recommendations, RecommendationSettings
from autogen.skills.recommendation.off_policy import compared, read_log
from autogen.tasks.recommendation.indexes import EMBEDDED, TEXTS_FILE, build_indexes, is_large
from autogen.tasks.recommendation.learning.fit import RecommenderFit
from autogen.tasks.recommendation.model import Recommender, RecommenderCard
from autogen.tasks.recommendation.ranking import Ranked, paired, rank
from autogen.tasks.recommendation.rows import Behaviour, clicks_of, digest, lag_of, read_behaviour, with_clicks
from autogen.tasks.task import Need
from autogen.tasks.text_classification.rows import Example
from autogen.training.embedding import frozen_embeddings
from autogen.training.export.text_encoder import export_text_encoder
from autogen.versions.gate import Measured, Verdict, judge_ranking, with_expected
from autogen.versions.manifest import Manifest, ModelRecord

TEXT_LENGTH = 128  # tokens of an item's text that are read
TIMED = 30  # queries


class Recommending:
    """A need for a recommender, from its events to its verdict."""

    def __init__(self, run: Run, skill: str, settings: RecommendationSettings, need: Need) -> None:
        """Raises DataError; MissingDependency for a catalogue that needs an index, which is known before training."""
        self.run, self.skill, self.settings, self.need = run, skill, settings, need
        data = read_behaviour(run.folder, need, settings.training.seed)
        raise_for(data.problems)
        self._indexed = is_large(len(data.catalogue)) or settings.index != EMBEDDED
        if self._indexed:
            require_faiss()
        if settings.index != EMBEDDED:
            require_server(settings.index)
        self.ended = float(data.events.time[-1]) if len(data.events) else 0.0
        self.lag = lag_of(self.ended, self._champion_card())
        self.feedback: tuple[str, ...] = ()
        if run.champion is not None:
            only = frozenset(run.champion.manifest.feedback) if run.origin == "train" else None
            found, self.feedback = clicks_of(run.memory, skill, only)
            data = with_clicks(data, found, self.lag)
        self.data: Behaviour = data
        self._ranked: Ranked | None = None

    on_held_out = 0
    labels: Collection[str] = ()
    texts: Sequence[str] = ()

    def _champion_card(self) -> RecommenderCard | None:
        champion = self.run.champion
        if champion is None or not champion.knows(self.skill, self.need.name):
            return None
        return self._model(champion.folder, champion.manifest).card

    def record(self) -> Mapping[str, Any]:
        return {"data": [digest(self.data.events), digest(self.data.held_out)], "learnt": [], "labels": []}

    def learn(self, draft: Path, place: str) -> ModelRecord:
        folder = draft / place
        folder.mkdir(parents=True)
        champion = self.run.champion
        warm = self.run.origin == "improve" and champion is not None and champion.knows(self.skill, self.need.name)
        texts = self._texts(folder)
        fit = RecommenderFit(
            events=self.data.events,
            texts=texts,
            settings=self.settings.training,
            folder=folder,
            base_model=self.run.config.agent.base_model,
            offered=len(self.data.catalogue),
            ended=self.ended,
            lag=self.lag,
            before=champion.model_folder(self.skill, self.need.name) if warm and champion else None,
        )
        try:
            report = fit.run(self.run.progress)
        except KeyboardInterrupt:
            raise Interrupted(f"Interrupted. Nothing was changed: `autogen {self.run.origin}` starts anew.") from None
        self.data.catalogue.save(folder / CATALOGUE_FILE)
        indexes = build_indexes(folder, self.settings.index) if self._indexed else {}
        for name in (TRAINED_FILE, HELD_OUT_FILE):
            (folder / name).write_text("", "ascii")
        return ModelRecord(
            folder=place,
            task=self.need.task,
            train_rows=len(self.data.events),
            train_fingerprint=digest(self.data.events),
            held_out_rows=len(self.data.held_out),
            held_out_fingerprint=digest(self.data.held_out),
            cross_validated=False,
            metrics={},
            training={**asdict(report), "indexes": {name: asdict(one) for name, one in indexes.items()}},
        )

    def _texts(self, folder: Path) -> NDArray[np.float32] | None:
        """What items say of themselves, embedded, and the encoder for wishes beside it; items that are known from
        events only say nothing."""
        run, catalogue = self.run, self.data.catalogue
        if not self.need.items:
            return None
        base = find_base_model(run.config.agent.base_model, run.folder)
        examples = [Example(catalogue.text_of(item), "") for item in catalogue.items]
        training = self.settings.training
        kept = run.state.parent.parent / "embeddings"
        found = frozen_embeddings(base, examples, TEXT_LENGTH, training.precision, kept, run.progress)
        found = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
        np.save(folder / TEXTS_FILE, found.astype(np.float16))
        export_text_encoder(base, folder / TEXT_FOLDER, TEXT_LENGTH)
        more = len(self.data.events.items) - len(found)
        return np.concatenate([found, np.zeros((more, found.shape[1]), np.float32)])

    def measure(self, draft: Path, manifest: Manifest) -> dict[str, float] | None:
        self._ranked = rank(self._model(draft, manifest), self.data.held_out, self.settings.min_rating)
        return self._ranked.metrics

    def judge(
        self,
        draft: Path,
        manifest: Manifest,
        before: frozenset[str],  # noqa: ARG002 as every course is asked
        all_labels: Collection[str],  # noqa: ARG002
    ) -> Verdict | None:
        champion = self.run.champion
        if champion is None or not champion.knows(self.skill, self.need.name) or self._ranked is None:
            return None
        candidate, was = self._model(draft, manifest), self._model(champion.folder, champion.manifest)
        gains = paired(self._ranked, rank(was, self.data.held_out, self.settings.min_rating))
        place = manifest.skills[self.skill].models[self.need.name].folder
        sizes = [
            sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and "weights" not in path.parts)
            for folder in (draft / place, champion.model_folder(self.skill, self.need.name))
        ]
        measured = Measured(
            latency_ratio=_latency_ratio(candidate, was),
            size_ratio=sizes[0] / max(sizes[1], 1),
            parity=float(manifest.skills[self.skill].models[self.need.name].training["parity"]),
            answers_changed=changed_answers(champion.manifest.skills[self.skill], manifest.skills[self.skill]),
        )
        verdict = judge_ranking(*gains, measured, self.run.config.gate)
        return self._with_expected(verdict, draft, manifest) if self.settings.exploration else verdict

    def _with_expected(self, verdict: Verdict, draft: Path, manifest: Manifest) -> Verdict:
        """What candidate and champion would have been clicked in answers that chance had a hand in."""
        champion, log = self.run.champion, read_log(self.run.memory, self.skill)
        assert champion is not None
        was = self._ready(champion.folder, champion.manifest)
        return with_expected(verdict, self.skill, compared(self._ready(draft, manifest), was, log))

    def _ready(self, folder: Path, manifest: Manifest) -> Recommendations:
        found = load_skills(folder, manifest)[self.skill]
        assert isinstance(found, Recommendations)
        return found

    def _model(self, folder: Path, manifest: Manifest) -> Recommender:
        found = self._ready(folder, manifest).models[self.need.name]
        assert isinstance(found, Recommender)
        return found


def _latency_ratio(candidate: Recommender, champion: Recommender) -> float:
    """In turn, on histories that both know, the median of the ratios."""
    users = candidate.events.users[:TIMED]
    ratios = [_seconds(candidate, user) / _seconds(champion, user) for user in users for _ in range(2)]
    return median(ratios) if ratios else 1.0


def _seconds(model: Recommender, user: str) -> float:
    end = float(model.events.time[-1]) if len(model.events) else 0.0
    counts, query = model.trend().at(end), model.histories.query(model.user_at.get(user, -1), end)
    started = time.perf_counter()
    model.scores(query, counts)
    return time.perf_counter() - started
