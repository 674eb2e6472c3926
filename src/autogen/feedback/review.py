"""What waits for a person's eyes, as a list to work through."""

from __future__ import annotations

from dataclasses import dataclass

from autogen.feedback.curation import Curation, Waiting


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """A question to a person: is `proposed_label` right for `text`? `champion_says`: how it was read."""

    feedback_id: str
    text: str
    reason: str
    explanation: str
    champion_says: str | None
    proposed_label: str | None
    user: str | None


def review_items(curation: Curation) -> tuple[ReviewItem, ...]:
    """All that waits and has not been decided, in order of arrival."""
    return tuple(_item(waiting) for waiting in curation.waiting if not waiting.decided)


def _item(waiting: Waiting) -> ReviewItem:
    feedback, assessment = waiting.feedback, waiting.assessment
    return ReviewItem(
        feedback_id=feedback.id,
        text=feedback.message,
        reason=waiting.reason,
        explanation=waiting.explanation,
        champion_says=assessment.label if assessment else feedback.intent,
        proposed_label=waiting.proposed,
        user=feedback.user,
    )
