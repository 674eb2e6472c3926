"""What waits for a person's eyes, as a list to work through."""

from __future__ import annotations

from dataclasses import dataclass

from autogen.feedback.curation import Curation, WaitingFeedback


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


def _item(waiting: WaitingFeedback) -> ReviewItem:
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
