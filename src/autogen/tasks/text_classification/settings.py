"""What a skill decides of how texts are classified."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from autogen.config.settings import Settings


class ClassificationOptions(Settings):
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
