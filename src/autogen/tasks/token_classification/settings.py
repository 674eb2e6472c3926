"""What a skill decides of how entities are learnt: nothing yet."""

from __future__ import annotations

from autogen.config.settings import Settings


class TokenClassificationOptions(Settings):
    pass
