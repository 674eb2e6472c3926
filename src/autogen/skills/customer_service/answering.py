"""The skill `customer-service`: recognises what a customer wants and gives the response written for it; asks back when
two intents are close; says that it does not know when none fits."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from autogen.config.settings import RESERVED_LABEL
from autogen.data.problems import Problem, quoted, raise_for
from autogen.data.rows import Row, require_text
from autogen.data.text import normalise
from autogen.errors import did_you_mean
from autogen.feedback.events import Feedback
from autogen.skills.customer_service.responses import label_text
from autogen.skills.customer_service.settings import SavedCustomerServiceSettings
from autogen.skills.skill import Offer, Reply, Turn
from autogen.tasks.text_classification.decoding import LabelPrediction
from autogen.tasks.text_classification.model import TunedModel
from autogen.tasks.text_classification.rows import MAX_TEXT

INTENT = "intent"
OFFERED = 2  # intents named when asking back
ORDINALS = ("first", "second")  # one for each


@dataclass(frozen=True)
class CustomerService:
    """Ready to answer. Its state after asking back: `question`, what it asked about, and `offered`, the intents."""

    model: TunedModel
    settings: SavedCustomerServiceSettings

    @property
    def models(self) -> Mapping[str, TunedModel]:
        return {INTENT: self.model}

    def consider(self, turns: Sequence[Turn]) -> list[Offer]:
        choices = [_choice(turn) for turn in turns]
        questions = [
            _question(turn) if choice is not None or _is_unknown_number(turn) else None
            for turn, choice in zip(turns, choices, strict=True)
        ]
        texts = [
            turn.text if question is None else question
            for turn, choice, question in zip(turns, choices, questions, strict=True)
            if choice is None
        ]
        predictions = iter(self.model.predict(texts))
        return [
            self._offer(next(predictions), turn.text, question)
            if choice is None
            else Offer(True, 1.0, partial(self._answer, choice, 1.0, ((choice, 1.0),), question), continues=True)
            for turn, choice, question in zip(turns, choices, questions, strict=True)
        ]

    def predict(self, rows: Sequence[Row]) -> list[Mapping[str, object]]:
        texts = [require_text(row, "text", MAX_TEXT) for row in rows]
        raise_for([text for text in texts if isinstance(text, Problem)])
        pairs = [str(row.values.get("text_pair") or "") for row in rows]
        predictions = self.model.predict([str(text) for text in texts], pairs if any(pairs) else None)
        return [
            {"prediction": prediction.decided, "confidence": round(prediction.confidence, 6)}
            for prediction in predictions
        ]

    def note_on(self, feedback: Feedback) -> str | None:
        """It may name an intent that is none yet."""
        name, known = feedback.label, self.model.task.labels
        if name is None or name in (*known, RESERVED_LABEL):
            return None
        return f"{quoted(name)} is no intent yet: enough rows of it make it one.{did_you_mean(name, known)}"

    def _offer(self, prediction: LabelPrediction, text: str, question: str | None) -> Offer:
        reply = partial(self._decide, prediction, text, question)
        return Offer(prediction.in_scope, prediction.confidence, reply, continues=question is not None)

    def _decide(self, prediction: LabelPrediction, text: str, question: str | None) -> Reply:
        """`question`: what was asked about, where the text is a number that no choice has."""
        confidence, ranking = prediction.confidence, prediction.ranking
        if not prediction.in_scope:
            return Reply(self.settings.decline_text, "decline", confidence, alternatives=ranking, about=question)
        (_, first_score), (_, second_score) = ranking[:2]
        if first_score - second_score >= self.settings.clarify_margin:
            return self._answer(prediction.label, confidence, ranking, question)
        offered = [name for name, _ in ranking[:OFFERED]]
        choices = " or ".join(f"({number}) {label_text(name)}" for number, name in enumerate(offered, start=1))
        return Reply(
            text=self.settings.clarify_text.replace("{choices}", choices),
            action="clarify",
            confidence=confidence,
            intent=prediction.label,
            alternatives=ranking,
            about=question,
            state={"question": question or text, "offered": offered},
        )

    def _answer(
        self, intent: str, confidence: float, ranking: tuple[tuple[str, float], ...], question: str | None
    ) -> Reply:
        texts = self.settings.responses.get(intent) or [f"This is about: {label_text(intent)}."]
        text = texts[0] if len(texts) == 1 else random.choice(texts)
        return Reply(text, "answer", confidence, intent, ranking, about=question)


def _question(turn: Turn) -> str:
    """What was asked about last."""
    return str(turn.state.get("question", ""))


def _choice(turn: Turn) -> str | None:
    """The intent a person picked after being asked back: by number, "the second", or its name."""
    words = _words_of_choice(turn)
    for number, name in enumerate(turn.state.get("offered", ())[:OFFERED], start=1):
        if words in (str(number), ORDINALS[number - 1], normalise(name), normalise(label_text(name))):
            return str(name)
    return None


def _is_unknown_number(turn: Turn) -> bool:
    """A number that no choice has: it is asked once more."""
    return (_words_of_choice(turn) or "").isdecimal()


def _words_of_choice(turn: Turn) -> str | None:
    """What was said when asked back, without what people put around a choice."""
    if turn.last_action != "clarify":
        return None
    return normalise(turn.text).strip(" ().!").removeprefix("the ").removesuffix(" one")
