"""Every command, by module. Importing this registers them with the app."""

from __future__ import annotations

from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from autogen.cli import learning  # isort: skip
from autogen.cli import answering, feedback, models, tune, versions
from autogen.cli.app import app
from autogen.skills.customer_service import commands as discover

if TYPE_CHECKING:
    from autogen.agents.agent import Agent
    from autogen.project import Project

__all__ = ["answering", "discover", "feedback", "learning", "models", "tune", "versions"]

SKILL_COMMANDS = ("autogen.skills.recommendation.commands:add",)


class Host:
    """The command line, to the commands of a skill (see `skills.hosts`)."""

    def open_project(self, project: Path) -> Project:
        from autogen.project import Project

        return Project.open(project)

    def load_agent(self, project: Path, version: str | None = None) -> Agent:
        from autogen.agents.agent import Agent

        versions.opened(project)
        return Agent.load(project, version)


for name in SKILL_COMMANDS:
    resolve_name(name)(app, Host())
