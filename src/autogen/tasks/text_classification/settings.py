"""What a skill decides of how texts are classified."""

from __future__ import annotations

from pydantic import Field

from autogen.config.settings import Settings


class ClassificationOptions(Settings):
    rejection_loss: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="In-scope accuracy that declining may cost when the threshold is calibrated, as a share.",
    )
