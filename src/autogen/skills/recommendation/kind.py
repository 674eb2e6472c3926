"""The kind of skill `recommendation`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autogen.data.problems import Problem
from autogen.errors import UsageError
from autogen.feedback.memory import Memory
from autogen.knowledge.pgvector_index import require_server
from autogen.knowledge.vector_index import require_faiss
from autogen.skills.kind import StartingPoint
from autogen.skills.recommendation.answering import ITEMS, RecommendationSkill
from autogen.skills.recommendation.off_policy import compare_versions, evaluation_json, read_log
from autogen.skills.recommendation.settings import (
    RecommendationSettings,
    SavedRecommendationSettings,
    settings_problems,
)
from autogen.tasks.recommendation.indexes import EMBEDDED, build_indexes, is_large
from autogen.tasks.recommendation.model import Recommender
from autogen.tasks.recommendation.settings import RecommendationOptions
from autogen.tasks.task import Fields, Need, TaskData
from autogen.versions.manifest import Manifest
from autogen.versions.off_policy import ExpectedClicks


class RecommendationKind:
    name = "recommendation"
    settings = RecommendationSettings
    predicts = Fields(("user",))
    wording = frozenset({"decline_text", "allow", "block", "boost", "stock"})
    answers_with = ""
    commands = "autogen.skills.recommendation.commands:add"
    routes = "autogen.skills.recommendation.routes:add"
    starting_points = (StartingPoint(("user", "item", "timestamp"), "interactions"),)

    def needs(self, settings: RecommendationSettings, base_model: str) -> tuple[Need, ...]:
        return (
            Need(
                name=ITEMS,
                task="recommendation",
                base_model=settings.base_model or base_model,
                sources={
                    "train": tuple(settings.interactions),
                    "eval": tuple(settings.eval or ()),
                    "items": tuple(settings.items or ()),
                },
                columns=settings.columns,
                training=settings.training_of(ITEMS),
                options=RecommendationOptions(split=settings.split, min_rating=settings.min_rating),
                join_names=settings.join_names,
            ),
        )

    def keeps(self, settings: RecommendationSettings, project: Path) -> dict[str, Any]:  # noqa: ARG002 as all are asked
        return settings.model_dump(include=set(SavedRecommendationSettings.model_fields))

    def bare(self, task: str) -> RecommendationSettings:
        raise UsageError(
            f"ExpectedClicks a task whose model alone makes an agent, found {task!r}: it needs a catalogue."
        )

    def check(
        self,
        settings: RecommendationSettings,
        project: Path,  # noqa: ARG002 as every kind is asked
        data: Mapping[str, TaskData],  # noqa: ARG002
    ) -> list[Problem]:
        return settings_problems(settings)

    def require(self, settings: RecommendationSettings, data: Mapping[str, TaskData]) -> None:
        if self._is_indexed(settings, data):
            require_faiss()
        if settings.index != EMBEDDED:
            require_server(settings.index)

    def build(
        self, settings: RecommendationSettings, models: Mapping[str, Path], data: Mapping[str, TaskData]
    ) -> dict[str, Any]:
        indexes = build_indexes(models[ITEMS], settings.index) if self._is_indexed(settings, data) else {}
        return {ITEMS: {"indexes": {name: asdict(index) for name, index in indexes.items()}}}

    def _is_indexed(self, settings: RecommendationSettings, data: Mapping[str, Any]) -> bool:
        return is_large(len(data[ITEMS].catalogue)) or settings.index != EMBEDDED

    def ready(self, record: Mapping[str, Any], models: Mapping[str, Any]) -> RecommendationSkill:
        model = models[ITEMS]
        if not isinstance(model, Recommender) or model.folder is None:
            raise ValueError("expected a recommender")
        return RecommendationSkill.load(model, SavedRecommendationSettings.model_validate(dict(record)), model.folder)

    def expected(
        self,
        settings: RecommendationSettings,
        name: str,
        candidate: RecommendationSkill,
        champion: RecommendationSkill,
        memory: Memory,
    ) -> ExpectedClicks | None:
        return compare_versions(candidate, champion, read_log(memory, name)) if settings.exploration else None

    def evaluated(
        self, settings: RecommendationSettings, name: str, version: Any, manifest: Manifest, project: Path
    ) -> dict[str, Any] | None:
        if not settings.exploration:
            return None
        log = read_log(Memory.open_to_read(project), name).unseen_by(manifest)
        return evaluation_json(version, log)
