"""Every command, by module. Importing this registers them with the app."""

from __future__ import annotations

from autogen.cli import learning  # isort: skip
from autogen.cli import discover, answering, recommending, feedback, tune, versions, models  # isort: skip

__all__ = ["answering", "discover", "feedback", "learning", "models", "recommending", "tune", "versions"]
