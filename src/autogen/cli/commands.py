"""Every command, by module, and those of the skills. Importing this registers them with the app."""

from __future__ import annotations

from autogen.cli import learning  # isort: skip
from autogen.cli import answering, feedback, models, tune, versions
from autogen.cli.app import app
from autogen.cli.host import HOST
from autogen.plugins import call, skills
from autogen.skills.recommendation import commands as recommending

__all__ = ["answering", "feedback", "learning", "models", "recommending", "tune", "versions"]

for kind in skills().values():
    add_commands = call(kind.commands)
    if add_commands is not None:
        add_commands(app, HOST)
