"""`autogen check`: what a project would learn from, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autogen.config.project import GateSettings, ProjectConfig, SkillSettings
from autogen.data.problems import Problem
from autogen.data.quality.labels import label_counts
from autogen.errors import UsageError, did_you_mean
from autogen.project.suitability import base_model_problems
from autogen.skills import SKILLS
from autogen.tasks.text_classification.feedback import _recipe, read_need


@dataclass(frozen=True)
class SkillCheck:
    """What `autogen check` says of one skill."""

    skill: str
    labels: Mapping[str, tuple[int, int]]  # label -> (training rows, held-out rows)
    split: str
    settings: Mapping[str, Any]
    recipe: str  # what `train` would do, every setting chosen
    problems: tuple[Problem, ...]
    unlabelled: str = ""  # how many texts without labels, in words; empty: no such file
    learns_from: str = ""  # in words, where rows have no labels

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.severity == "error"]


def check_skill(project: Path, name: str, settings: SkillSettings, base_model: str, gate: GateSettings) -> SkillCheck:
    """Read everything that the skill would learn from, and report on it. Nothing is written."""
    kind = SKILLS[settings.type]
    needs = kind.needs(settings)
    read = [read_need(project, settings, need) for need in needs]
    labels = sorted({label for data in read for label in (*data.train.labels, *data.held_out.labels)})
    counts = [(label_counts(data.train.labels), label_counts(data.held_out.labels)) for data in read]
    return SkillCheck(
        skill=name,
        labels={
            label: (sum(t.get(label, 0) for t, _ in counts), sum(h.get(label, 0) for _, h in counts))
            for label in labels
        },
        split="; ".join(data.split for data in read),
        settings=settings.training.model_dump(),
        recipe="; ".join(_recipe(settings.training, data.train.labels) for data in read),
        problems=(
            *(p for data in read for p in data.problems),
            *kind.check(settings, project, labels),
            *base_model_problems(project, base_model, [text for data in read for text in data.train.texts]),
            *(p for data in read for p in _too_few_to_judge_by(name, len(data.held_out.examples), gate)),
        ),
        unlabelled="; ".join(str(data.unlabelled) for data, need in zip(read, needs, strict=True) if need.unlabelled),
    )


def _too_few_to_judge_by(skill: str, rows: int, gate: GateSettings) -> list[Problem]:
    """The first version needs no gate; every later one does."""
    if rows >= gate.min_rows:
        return []
    message = f"expected {gate.min_rows} held-out rows, by which the gate judges later versions, found {rows}"
    fix = f"name a file of labelled rows as `eval` under [skills.{skill}], or promote with `autogen promote --force`"
    return [Problem("warning", "few-held-out-rows", "agent.toml", None, message, fix)]


def skill_named(config: ProjectConfig, name: str | None) -> list[tuple[str, SkillSettings]]:
    """The skill asked for, or all of them."""
    if name is None:
        return list(config.skills.items())
    if name not in config.skills:
        known = ", ".join(config.skills)
        raise UsageError(f"Expected one of the skills {known}; found {name!r}.{did_you_mean(name, config.skills)}")
    return [(name, config.skills[name])]
