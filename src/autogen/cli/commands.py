"""Every command, by module, and those of the skills. Importing this registers them with the app."""

from __future__ import annotations

from autogen.cli import learning  # isort: skip
from autogen.cli import answering, feedback, models, tune, versions
from autogen.cli.app import app
from autogen.cli.host import HOST
from autogen.plugins import skills
from autogen.terminal import open_terminal

__all__ = ["answering", "feedback", "learning", "models", "tune", "versions"]

add_functions, errors = skills().loaded("commands")
for add in add_functions:
    add(app, HOST)
for error in errors:
    open_terminal().note(f"warning: {error}")
