"""What waits for a person's eyes, as a list to work through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from autogen.config.project import LearnFrom
from autogen.config.settings import CONFIG_NAME
from autogen.feedback.curated import Curation, WaitingFeedback
from autogen.feedback.entities import EntitySpan, entities_in_words


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """A question to a person: is `proposed_label` right for `text`, or are `proposed_entities` all that it has?
    `champion_says`: how it was read; `predicted_entities`: the same, where entities are the answer."""

    feedback_id: str
    text: str
    reason: str
    explanation: str
    champion_says: str | None
    proposed_label: str | None
    user: str | None
    proposed_entities: tuple[EntitySpan, ...] | None = None
    predicted_entities: tuple[EntitySpan, ...] | None = None

    @property
    def proposal(self) -> str:
        """What is proposed, in words; empty where nothing is."""
        if self.proposed_entities is not None:
            return entities_in_words(self.text, self.proposed_entities)
        return self.proposed_label or ""

    @property
    def of_entities(self) -> bool:
        """Whether it is about entities, not about a label."""
        return self.proposed_entities is not None or self.predicted_entities is not None

    def to_json(self) -> dict[str, Any]:
        """Every field; those of entities only where it is about them."""
        values = asdict(self)
        if not self.of_entities:
            del values["proposed_entities"], values["predicted_entities"]
        return values


def review_items(curation: Curation) -> tuple[ReviewItem, ...]:
    """All that waits and has not been decided, in order of arrival."""
    return tuple(review_item(waiting) for waiting in curation.waiting if not waiting.decided)


def describe_eval_corrections(corrections: int) -> str:
    """Some sentences on corrections of held-out rows, empty where there are none."""
    if not corrections:
        return ""
    singular = "1 correction is of a held-out row"
    subject = singular if corrections == 1 else f"{corrections} corrections are of held-out rows"
    return (
        f"{subject} and therefore left out: what measures may not teach. Where the row's own label is wrong, mend it "
        "in the data (`autogen review --json` lists them)."
    )


_WHOSE: Mapping[LearnFrom, str] = {
    "owner": "only yours is learnt; what other people say is kept, and neither learnt nor put before you",
    "reviewed": "yours is learnt; other people's waits in `autogen review`, and is learnt once you accept it",
    "trusted-users": (
        "yours is learnt, and that of users whom a caller's key vouches for, where two of them or one and the champion "
        "agree; all else waits in `autogen review`"
    ),
    "everyone": (
        "everybody's is learnt unseen, unless it looks wrong; that, and every new label, waits in `autogen review`"
    ),
}


def describe_whose_feedback(learn_from: LearnFrom) -> str:
    """Whose feedback counts, whose waits, and how to change that, in a sentence or two."""
    return (
        f"Feedback: {_WHOSE[learn_from]}. Change it with `learn_from` under [feedback] in {CONFIG_NAME} "
        f'(now "{learn_from}").'
    )


def describe_learnt_from(learnt_from: Mapping[str, int]) -> str:
    """Whose feedback a version has learnt, and who has seen it, in a sentence; empty where it has learnt none."""
    total = sum(learnt_from.values())
    if not total:
        return ""
    named = {
        "owner": "yours",
        "reviewed": "reviewed by a person",
        "vouched": "of users vouched for, unseen",
        "stranger": "of strangers, unseen",
    }
    parts = [f"{learnt_from[name]:,} {words}" for name, words in named.items() if learnt_from.get(name)]
    return f"{total:,} feedback learnt or set aside: {', '.join(parts)}."


def review_item(waiting: WaitingFeedback) -> ReviewItem:
    """It as a question to a person."""
    feedback, assessment = waiting.feedback, waiting.assessment
    of_entities = assessment is not None and assessment.entities is not None
    return ReviewItem(
        feedback_id=feedback.id,
        text=feedback.message,
        reason=waiting.reason,
        explanation=waiting.explanation,
        champion_says=assessment.label if assessment else feedback.intent,
        proposed_label=waiting.proposed,
        user=feedback.user,
        proposed_entities=feedback.taught_entities if of_entities else None,
        predicted_entities=assessment.entities if assessment else None,
    )
