"""The skill `sentiment`, ready to answer: it replies in the tone that a message calls for, asks back where it is
unsure, and says so where it knows none of the words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from autogen.data.problems import Problem, quoted, raise_for
from autogen.data.rows import Row, require_text
from autogen.data.text import normalise
from autogen.errors import did_you_mean
from autogen.feedback.events import Feedback
from autogen.skills.skill import Offer, Reply, Turn
from autogen_sentiment.lexicon import Lexicon, Prediction
from autogen_sentiment.rows import MAX_TEXT
from autogen_sentiment.settings import Kept

NEED = "lexicon"  # the name of what it needs learnt
OFFERED = 2  # sentiments named when asking back
SHOWN = 5  # words in a reply's details


@dataclass(frozen=True)
class Sentiment:
    """Its state after asking back: `question`, what it asked about, and `offered`, the sentiments."""

    lexicon: Lexicon
    settings: Kept

    @property
    def models(self) -> Mapping[str, Lexicon]:
        return {NEED: self.lexicon}

    def consider(self, turns: Sequence[Turn]) -> list[Offer]:
        return [self._offer(turn) for turn in turns]

    def predict(self, rows: Sequence[Row]) -> list[Mapping[str, object]]:
        """The sentiment of each row's `text`, and the `words` that spoke for it."""
        texts = [require_text(row, "text", MAX_TEXT) for row in rows]
        raise_for([text for text in texts if isinstance(text, Problem)])
        predictions = self.lexicon.predict([str(text) for text in texts])
        return [
            {
                "prediction": one.label,
                "confidence": round(one.confidence, 6),
                "words": " ".join(word for word, _ in one.words[:SHOWN]),
            }
            for one in predictions
        ]

    def note_on(self, feedback: Feedback) -> str | None:
        label, known = feedback.label, self.lexicon.labels
        if label is None or label in known:
            return None
        return f"{quoted(label)} is no sentiment yet: enough rows of it make it one.{did_you_mean(label, known)}"

    def _offer(self, turn: Turn) -> Offer:
        offered = turn.state.get("offered", ())
        choice = next((label for label in offered if normalise(label) == normalise(turn.text).strip(" .!")), None)
        if choice is not None:
            question = str(turn.state["question"])
            return Offer(True, 1.0, partial(self._answer, choice, 1.0, about=question), continues=True)
        (prediction,) = self.lexicon.predict([turn.text])
        return Offer(prediction.known, prediction.confidence, partial(self._reply, prediction, turn.text))

    def _reply(self, prediction: Prediction, text: str) -> Reply:
        sure, ranking = prediction.confidence, prediction.ranking
        if not prediction.known:
            return Reply(self.settings.decline_text, "decline", sure, alternatives=ranking)
        words = [{"word": word, "weight": round(weight, 4)} for word, weight in prediction.words[:SHOWN]]
        if sure >= self.settings.clarify_below:
            return self._answer(prediction.label, sure, ranking, {"words": words})
        offered = [label for label, _ in ranking[:OFFERED]]
        return Reply(
            text=self.settings.clarify_text.replace("{choices}", " or ".join(offered)),
            action="clarify",
            confidence=sure,
            intent=prediction.label,
            alternatives=ranking,
            details={"words": words},
            state={"question": text, "offered": offered},
        )

    def _answer(
        self,
        label: str,
        sure: float,
        ranking: tuple[tuple[str, float], ...] = (),
        details: Mapping[str, object] | None = None,
        about: str | None = None,
    ) -> Reply:
        text = self.settings.replies.get(label, f"That sounds {label}.")
        return Reply(text, "answer", sure, label, ranking or ((label, sure),), details=details or {}, about=about)
