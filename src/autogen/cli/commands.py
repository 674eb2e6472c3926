"""Every command, by module, and those of the skills. Importing this registers them with the app."""

from __future__ import annotations

from autogen.cli import learning  # isort: skip
from autogen.cli import answering, feedback, models, tune, versions
from autogen.cli.app import app
from autogen.cli.host import HOST
from autogen.plugins import skills
from autogen.terminal import output

__all__ = ["answering", "feedback", "learning", "models", "tune", "versions"]

adding, errors = skills().loaded("commands")
for add in adding:
    add(app, HOST)
for error in errors:
    output().note(f"warning: {error}")
