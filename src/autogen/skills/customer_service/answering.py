"""The skill `customer-service`: recognises what a customer wants and gives the response written for it; asks back when
two intents are close; says that it does not know when none fits."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autogen.config.settings import CONFIG_NAME, RESERVED_LABEL
from autogen.data.problems import Problem, shown
from autogen.data.text import normalise
from autogen.errors import DataError, did_you_mean
from autogen.skills.customer_service.responses import read_responses, spoken
from autogen.skills.customer_service.settings import Answering, CustomerServiceSettings
from autogen.skills.skill import Reply, Turn
from autogen.tasks.task import Need
from autogen.tasks.text_classification.decoding import Prediction
from autogen.tasks.text_classification.model import TunedModel

INTENT = "intent"
OFFERED = 2  # intents named when asking back
ORDINALS = ("first", "second")  # one for each


class CustomerServiceType:
    name = "customer-service"
    settings = CustomerServiceSettings

    def needs(self, settings: CustomerServiceSettings) -> tuple[Need, ...]:
        held_out, unlabelled = tuple(settings.eval or ()), tuple(settings.unlabelled or ())
        return (Need(INTENT, "text-classification", tuple(settings.train), held_out, settings.columns, unlabelled),)

    def answering(self, settings: CustomerServiceSettings, project: Path) -> dict[str, Any]:
        responses = read_responses(project / settings.responses) if settings.responses else {}
        kept = settings.model_dump(include=set(Answering.model_fields) - {"responses"})
        return Answering(responses=responses, **kept).model_dump()

    def check(self, settings: CustomerServiceSettings, project: Path, labels: Sequence[str]) -> list[Problem]:
        return [*_unread(settings), *self._responses(settings, project, labels)]

    def _responses(self, settings: CustomerServiceSettings, project: Path, labels: Sequence[str]) -> list[Problem]:
        if settings.responses is None:
            return []
        try:
            responses = read_responses(project / settings.responses)
        except DataError as error:
            return [Problem("error", "responses", settings.responses, None, str(error), "mend the file")]
        source, known = settings.responses, set(labels) - {RESERVED_LABEL}
        problems = [
            _warning(
                source,
                f"a response for {shown(name)}, which no training row has",
                f"check its name.{did_you_mean(name, known)}",
            )
            for name in responses
            if name not in known
        ]
        missing = sorted(known - set(responses))
        if missing:
            names = ", ".join(missing[:10]) + (", …" if len(missing) > 10 else "")
            fix = "write one; until then the agent names the intent"
            problems.append(_warning(source, f"expected a response for every intent, found none for {names}", fix))
        return problems

    def ready(self, answering: Mapping[str, Any], models: Mapping[str, TunedModel]) -> CustomerService:
        kept = Answering.model_validate(dict(answering))
        model = models[INTENT]
        if kept.threshold is not None:
            model = model.with_task(model.task.with_threshold(kept.threshold))
        return CustomerService(model, kept)


@dataclass(frozen=True)
class CustomerService:
    """Ready to answer."""

    model: TunedModel
    settings: Answering

    @property
    def models(self) -> Mapping[str, TunedModel]:
        return {INTENT: self.model}

    def reply(self, turns: Sequence[Turn]) -> list[Reply]:
        chosen = [_choice(turn) for turn in turns]
        about = [
            turn.question if choice is not None or _points_nowhere(turn) else None
            for turn, choice in zip(turns, chosen, strict=True)
        ]
        asked = [
            turn.text if other is None else other
            for turn, choice, other in zip(turns, chosen, about, strict=True)
            if choice is None
        ]
        predictions = iter(self.model.predict(asked))
        replies = (
            self._decide(next(predictions)) if choice is None else self._answer(choice, 1.0, ((choice, 1.0),))
            for choice in chosen
        )
        return [replace(reply, about=other) for reply, other in zip(replies, about, strict=True)]

    def _decide(self, found: Prediction) -> Reply:
        if not found.in_scope:
            return Reply(self.settings.decline_text, "decline", None, found.confidence, found.ranking)
        (_, first), (_, second) = found.ranking[:2]
        if first - second < self.settings.clarify_margin:
            choices = " or ".join(
                f"({number}) {spoken(name)}" for number, (name, _) in enumerate(found.ranking[:OFFERED], start=1)
            )
            text = self.settings.clarify_text.replace("{choices}", choices)
            return Reply(text, "clarify", found.label, found.confidence, found.ranking)
        return self._answer(found.label, found.confidence, found.ranking)

    def _answer(self, intent: str, confidence: float, ranking: tuple[tuple[str, float], ...]) -> Reply:
        texts = self.settings.responses.get(intent) or [f"This is about: {spoken(intent)}."]
        text = texts[0] if len(texts) == 1 else random.choice(texts)
        return Reply(text, "answer", intent, confidence, ranking)


def _choice(turn: Turn) -> str | None:
    """The intent a person picked after being asked back: by number, "the second", or its name."""
    said = _said_to_choices(turn)
    for number, name in enumerate(turn.offered[:OFFERED], start=1):
        if said in (str(number), ORDINALS[number - 1], normalise(name), normalise(spoken(name))):
            return name
    return None


def _points_nowhere(turn: Turn) -> bool:
    """A number that no choice has: it is asked once more."""
    return (_said_to_choices(turn) or "").isdecimal()


def _said_to_choices(turn: Turn) -> str | None:
    """What was said when asked back, without what people put around a choice."""
    if turn.last_action != "clarify":
        return None
    return normalise(turn.text).strip(" ().!").removeprefix("the ").removesuffix(" one")


def _unread(settings: CustomerServiceSettings) -> list[Problem]:
    """Settings that would do nothing."""
    problems = []
    if "{choices}" not in settings.clarify_text:
        message = f"expected {{choices}} in clarify_text, found {settings.clarify_text!r}"
        problems.append(_warning(CONFIG_NAME, message, "put {choices} where the intents to choose from belong"))
    return problems


def _warning(source: str, message: str, fix: str) -> Problem:
    return Problem("warning", "responses", source, None, message, fix)
