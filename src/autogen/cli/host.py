"""The command line, to the commands of a skill (see `skills.hosts`): each opens what it names when a command runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from autogen.cli.versions import open_versions

if TYPE_CHECKING:
    from autogen.agents.agent import Agent
    from autogen.project import Project


class CliHost:
    def open_project(self, project: Path) -> Project:
        from autogen.project import Project

        return Project.open(project)

    def load_agent(self, project: Path, version: str | None = None) -> Agent:
        from autogen.agents.agent import Agent

        open_versions(project)
        return Agent.load(project, version)


HOST = CliHost()
