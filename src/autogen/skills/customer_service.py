"""The skill `customer-service`: recognises what a customer wants and gives the response written for it; asks back when
two intents are close; says that it does not know when none fits."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field

from autogen.config import CONFIG_NAME, RESERVED_LABEL, SkillSettings, Sources
from autogen.data.problems import Problem, shown
from autogen.data.quality import normalise
from autogen.errors import DataError, did_you_mean
from autogen.runtime.tuned_model import TunedModel
from autogen.skills.skill import Need, Reply, Turn
from autogen.tasks.text_classification import Prediction

INTENT = "intent"
OFFERED = 2  # intents named when asking back
ORDINALS = ("first", "second")  # one for each


class CustomerServiceSettings(SkillSettings):
    type: Literal["customer-service"]
    train: Sources
    eval: Sources | None = None
    responses: str | None = None
    unlabelled: Sources | None = None
    rejection_loss: float = Field(default=0.01, ge=0, le=1)  # in-scope accuracy that declining may cost
    threshold: float | None = None  # on the model's score; None: calibrated within rejection_loss
    clarify_margin: float = Field(default=0.2, ge=0, le=1)  # ask back when the two best are closer than this
    clarify_text: str = "Did you mean {choices}?"
    decline_text: str = "I am sorry, I do not know about that. Could you say it in other words?"


class Answering(BaseModel):
    """What a version keeps of the settings."""

    responses: dict[str, list[str]]
    threshold: float | None
    clarify_margin: float
    clarify_text: str
    decline_text: str


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


def spoken(label: str) -> str:
    """A label as a person would say it: `card_arrival` → `card arrival`."""
    return label.replace("_", " ").replace("-", " ").strip()


def read_responses(path: Path) -> dict[str, list[str]]:
    """`intent = "text"` or `intent = ["text", "another"]`. Raises DataError listing everything that is wrong."""
    try:
        values = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise DataError(f'{path}: expected a file of responses (intent = "text"), found none.') from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        found = f"byte 0x{error.object[error.start]:02X} (byte {error.start})"
        raise DataError(f"{path}: expected UTF-8 text, found {found}. Save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{path} is not valid TOML: {error}.") from None
    responses = {name: [value] if isinstance(value, str) else value for name, value in values.items()}
    wrong = [name for name, texts in responses.items() if not _are_texts(texts)]
    if wrong:
        names = ", ".join(wrong)
        raise DataError(f'{path}: expected intent = "text" or a list of texts; found something else for {names}.')
    return responses


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(text, str) and text.strip() for text in value)


def _unread(settings: CustomerServiceSettings) -> list[Problem]:
    """Settings that would do nothing."""
    problems = []
    if "{choices}" not in settings.clarify_text:
        message = f"expected {{choices}} in clarify_text, found {settings.clarify_text!r}"
        problems.append(_warning(CONFIG_NAME, message, "put {choices} where the intents to choose from belong"))
    return problems


def _warning(source: str, message: str, fix: str) -> Problem:
    return Problem("warning", "responses", source, None, message, fix)
