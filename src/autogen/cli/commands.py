"""Every command, by module, and those of the skills. Importing this registers them with the app."""

from __future__ import annotations

from autogen.cli import learning  # isort: skip
from autogen.cli import answering, feedback, models, tune, versions
from autogen.cli.app import app
from autogen.cli.host import HOST
from autogen.plugins import load, skills

__all__ = ["answering", "feedback", "learning", "models", "tune", "versions"]

for kind in skills().values():
    if kind.commands:
        load(kind.commands)(app, HOST)
