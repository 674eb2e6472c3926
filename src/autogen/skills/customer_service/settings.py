"""What the skill may be told in `agent.toml`, and what a version keeps of it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from autogen.config.project import SkillSettings, Sources


class CustomerServiceSettings(SkillSettings):
    """An agent that recognises what a customer wants and answers with the text written for it."""

    type: Literal["customer-service"] = Field(description="Customer service: intents and their responses.")
    train: Sources = Field(description="Files or hub data sets of rows `text, label` to learn from.")
    eval: Sources | None = Field(
        default=None,
        description=(
            "Files of rows to measure on, out-of-scope ones labelled `oos`. Without it some train rows are held "
            "out, or the models are cross-validated where rows are few."
        ),
    )
    responses: str | None = Field(
        default=None,
        description=(
            'A TOML file: intent = "text", or a list of texts to vary between. Without it the intent is named.'
        ),
    )
    unlabelled: Sources | None = Field(
        default=None, description="Files of texts without labels, which are learnt from where that helps."
    )
    rejection_loss: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="In-scope accuracy that declining may cost when the threshold is calibrated, as a share.",
    )
    oos_labels: list[str] = Field(
        default_factory=list,
        description=(
            'Labels of your rows that mean out of scope, such as `["out_of_scope", "None"]`: they are read as `oos`.'
        ),
    )
    outliers: Literal["general", "own"] = Field(
        default="general",
        description=(
            'What declining is fitted to besides rows in scope. `"general"`: packaged texts that are out of scope for '
            'almost every project, and your own `oos` rows; `"own"`: your own `oos` rows alone.'
        ),
    )
    threshold: float | None = Field(
        default=None,
        description=(
            "The model's largest logit, before softmax, below which the agent declines. Without it a threshold is "
            "calibrated within `rejection_loss`, on that logit and a detector of outliers."
        ),
    )
    clarify_margin: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="The agent asks back when the probabilities of the two likeliest intents are closer than this.",
    )
    clarify_text: str = Field(
        default="Did you mean {choices}?", description="What it asks then; `{choices}` becomes the two intents."
    )
    decline_text: str = Field(
        default="I am sorry, I do not know about that. Could you say it in other words?",
        description="What it says when it declines.",
    )


class SavedCustomerServiceSettings(BaseModel):
    """What a version keeps of the settings."""

    responses: dict[str, list[str]]
    threshold: float | None
    clarify_margin: float
    clarify_text: str
    decline_text: str
