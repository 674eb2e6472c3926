"""The needs of a project's skills, each with its task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autogen.agents.loading import OpenVersion
from autogen.config.project import ProjectConfig, SkillSettings
from autogen.config.settings import CONFIG_NAME, RESERVED_LABEL
from autogen.data.columns import has_columns
from autogen.data.readers.files import read_rows
from autogen.errors import ConfigError, UsageError, did_you_mean
from autogen.feedback.curated import CurationPolicy
from autogen.plugins import skills, tasks
from autogen.tasks.task import Need, Task


@dataclass(frozen=True)
class SkillNeed:
    """One need of the skill of that name."""

    skill: str
    settings: SkillSettings
    need: Need
    task: Task[Any, Any]

    @property
    def place(self) -> str:
        """The model's folder in a version."""
        return f"models/{self.skill}/{self.need.name}"

    @property
    def name(self) -> str:
        return f"{self.skill}/{self.need.name}"


def needs_of(config: ProjectConfig, skill: str | None = None) -> list[SkillNeed]:
    """Those of one skill, or of all. Raises UsageError where there is no such skill or task, ConfigError."""
    skill_needs = []
    for name, settings in skill_named(config, skill):
        needs = skills()[settings.type].needs(settings, config.agent.base_model)
        _check_names(name, settings, [need.name for need in needs])
        skill_needs += [SkillNeed(name, settings, need, tasks().find(need.task)) for need in needs]
    return skill_needs


def title_of(need: SkillNeed, needs: Sequence[SkillNeed]) -> str:
    """What to call a need among these: its skill, or SKILL/NEED where that has several."""
    several = sum(other.skill == need.skill for other in needs) > 1
    return need.name if several else need.skill


def _check_names(skill: str, settings: SkillSettings, names: list[str]) -> None:
    for name in settings.need_training or ():
        if name not in names:
            raise ConfigError(
                f"{CONFIG_NAME}, [skills.{skill}.training]: expected a setting, or a table for one of its needs "
                f"({', '.join(names)}); found [skills.{skill}.training.{name}].{did_you_mean(name, names)}"
            )


def fitting_needs(path: Path | str, needs: Sequence[SkillNeed]) -> list[SkillNeed]:
    """Those whose fields the rows of this file have; where none fits, the nearest, which says what it expects."""
    rows, _ = read_rows(path)

    def lacking(need: SkillNeed) -> int:
        fields = need.task.fields.required
        return sum(not has_columns(rows, (field,), need.need.columns) for field in fields)

    fewest = min(map(lacking, needs))
    fitting = [need for need in needs if lacking(need) == fewest]
    return fitting if not fewest else fitting[:1]


def skill_named(config: ProjectConfig, name: str | None) -> list[tuple[str, SkillSettings]]:
    """The skill asked for, or all of them. Raises UsageError."""
    if name is None:
        return list(config.skills.items())
    if name not in config.skills:
        known = ", ".join(config.skills)
        raise UsageError(f"Expected one of the skills {known}; found {name!r}.{did_you_mean(name, config.skills)}")
    return [(name, config.skills[name])]


def curation_policy(config: ProjectConfig) -> CurationPolicy:
    """How careful the project is with feedback."""
    return CurationPolicy(learn_from=config.feedback.learn_from)


def labels_by_skill(
    config: ProjectConfig, data: Mapping[tuple[str, str], Any], champion: OpenVersion | None
) -> dict[str, frozenset[str]]:
    """What each skill may answer with, by its train rows (`data` by skill and need) and the champion, where labels tell
    skills apart. Nothing for a single skill, whose all feedback is. Labels of entities are none of whole rows."""
    if len(config.skills) == 1:
        return {}
    of_entities = {(need.skill, need.need.name) for need in needs_of(config) if "entities" in need.task.fields.required}
    labels: dict[str, frozenset[str]] = {}
    for (skill, need), rows in data.items():
        outputs = rows.identity().outputs
        if outputs and (skill, need) not in of_entities:
            model = champion.model(skill, need) if champion else None
            known = frozenset(model.answers) if model else frozenset()
            labels[skill] = labels.get(skill, frozenset()) | known | {*outputs} - {RESERVED_LABEL}
    return labels
