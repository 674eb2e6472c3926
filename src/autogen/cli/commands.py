"""Every command, by module. Importing this registers them with the app."""

from __future__ import annotations

from autogen.cli import learning  # isort: skip
from autogen.cli import answering, feedback, models, tune, versions
from autogen.skills.customer_service import commands as discover
from autogen.skills.recommendation import commands as recommending

__all__ = ["answering", "discover", "feedback", "learning", "models", "recommending", "tune", "versions"]
