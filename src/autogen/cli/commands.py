"""Every command, by module. Importing this registers them with the app."""

from __future__ import annotations

from autogen.cli import learning  # isort: skip
from autogen.cli import answering, feedback, tune, versions, models  # isort: skip

__all__ = ["answering", "feedback", "learning", "models", "tune", "versions"]
