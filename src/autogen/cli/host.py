"""What skills' own commands work on: opened projects."""

from __future__ import annotations

from pathlib import Path

from autogen.skills.host import SkillInProject


class ProjectHost:
    """Opens projects when a command runs, not before."""

    def skill(self, project: Path, kind: str, name: str | None) -> SkillInProject:
        """The skill named, else the first one, which must be of this kind. Raises UsageError, DataError."""
        from autogen.project import Project

        return Project.open(project).skill(kind, name)


HOST = ProjectHost()
