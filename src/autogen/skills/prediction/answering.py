"""The skill `prediction`, ready to answer: what the model says of a message is the reply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from autogen.config.settings import RESERVED_LABEL
from autogen.data.problems import Problem, quoted, raise_for
from autogen.data.rows import Row, require_text
from autogen.errors import did_you_mean
from autogen.feedback.events import Feedback
from autogen.skills.prediction.settings import Answering
from autogen.skills.skill import Offer, Reply, Turn

MODEL = "model"  # the name of what it needs learnt
MAX_TEXT = 1_000_000  # characters in one row of a data file; longer ones are a sign of a wrong file


@dataclass(frozen=True)
class Prediction:
    """`model` is one that `Predicts`. The reply's text is its `prediction`; its other columns are the details."""

    model: Any
    settings: Answering

    @property
    def models(self) -> Mapping[str, Any]:
        return {MODEL: self.model}

    def consider(self, turns: Sequence[Turn]) -> list[Offer]:
        rows = [Row({"text": turn.text}, "message", at) for at, turn in enumerate(turns, start=1)]
        return [self._offer(columns) for columns in self.model.predict_rows(rows)]

    def predict(self, rows: Sequence[Row]) -> list[Mapping[str, object]]:
        texts = [require_text(row, "text", MAX_TEXT) for row in rows]
        raise_for([text for text in texts if isinstance(text, Problem)])
        answers: list[Mapping[str, object]] = self.model.predict_rows(rows)
        return answers

    def note_on(self, feedback: Feedback) -> str | None:
        """It may name what the model does not know yet: a label, or an entity's."""
        known = self.model.answers
        entities = [entity.label for entity in feedback.entities or ()]
        unknown = [name for name in (feedback.label, *entities) if name is not None and name not in known]
        if not known or not unknown or unknown[0] == RESERVED_LABEL:
            return None
        return f"{quoted(unknown[0])} is no label yet: enough rows of it make it one.{did_you_mean(unknown[0], known)}"

    def _offer(self, columns: Mapping[str, Any]) -> Offer:
        answer = str(columns.get("prediction", columns[self.model.answer_column]))
        in_scope = bool(answer) and answer != RESERVED_LABEL
        sure = float(columns.get("confidence", 1.0))
        return Offer(in_scope, sure, partial(self._reply, answer if in_scope else None, sure, columns))

    def _reply(self, answer: str | None, sure: float, columns: Mapping[str, Any]) -> Reply:
        """`answer`: None where the model has none."""
        details = {name: value for name, value in columns.items() if name not in ("prediction", "confidence")}
        if answer is None:
            return Reply(self.settings.decline_text, "decline", sure, details=details)
        intent = answer if answer in self.model.answers else None
        return Reply(answer, "answer", sure, intent, details=details)
