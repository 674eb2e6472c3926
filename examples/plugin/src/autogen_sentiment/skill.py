"""The kind of skill `sentiment`, as AutoGen knows it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autogen.config.settings import CONFIG_NAME
from autogen.data.problems import Problem, shown
from autogen.errors import UsageError, did_you_mean
from autogen.skills.kind import SkillKind
from autogen.tasks.task import Fields, Need, TaskData
from autogen_sentiment.answering import NEED, Sentiment
from autogen_sentiment.settings import Kept, LexiconOptions, SentimentSettings

API = 1  # of AutoGen's contracts, as this package was built for them


class SentimentKind:
    name = "sentiment"
    settings = SentimentSettings
    predicts = Fields(("text",))
    wording = frozenset({"replies", "clarify_text", "decline_text"})
    answers_with = ""  # no model that `AutoGen` tunes
    commands = "autogen_sentiment.commands:add"
    routes = "autogen_sentiment.routes:add"

    def needs(self, settings: SentimentSettings, base_model: str) -> tuple[Need, ...]:
        return (
            Need(
                name=NEED,
                task="sentiment-lexicon",
                base_model=settings.base_model or base_model,
                sources={"train": tuple(settings.train), "eval": tuple(settings.eval or ())},
                columns=settings.columns,
                training=settings.training_of(NEED),
                options=LexiconOptions(ignored=tuple(settings.ignored)),
            ),
        )

    def keeps(self, settings: SentimentSettings, project: Path) -> dict[str, Any]:  # noqa: ARG002 nothing of its files
        return settings.model_dump(include=set(Kept.model_fields))

    def bare(self, task: str) -> SentimentSettings:
        raise UsageError(
            f"Expected a task whose model alone makes an agent, found {task!r}: it is learnt in a project."
        )

    def check(self, settings: SentimentSettings, project: Path, data: Mapping[str, TaskData]) -> list[Problem]:  # noqa: ARG002
        """A reply to a sentiment that no row has is never given."""
        known = {label for one in data.values() for label in one.identity().outputs}
        return [
            Problem(
                severity="warning",
                kind="replies",
                source=CONFIG_NAME,
                row=None,
                message=f"expected replies to sentiments of the train rows, found one to {shown(label)}",
                fix=f"check its name.{did_you_mean(label, known)}",
            )
            for label in sorted({*settings.replies} - known)
        ]

    def require(self, settings: SentimentSettings, data: Mapping[str, TaskData]) -> None:
        """Nothing."""

    def build(
        self,
        settings: SentimentSettings,  # noqa: ARG002 as every kind is asked
        models: Mapping[str, Path],  # noqa: ARG002
        data: Mapping[str, TaskData],  # noqa: ARG002
    ) -> dict[str, Any]:
        return {}

    def ready(self, kept: Mapping[str, Any], models: Mapping[str, Any]) -> Sentiment:
        return Sentiment(models[NEED], Kept.model_validate(dict(kept)))


SKILL: SkillKind[SentimentSettings] = SentimentKind()
