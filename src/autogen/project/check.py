"""`autogen check`: what a project would learn from, and what is wrong with it. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from autogen.config.project import ProjectConfig, SkillSettings
from autogen.config.settings import CONFIG_NAME
from autogen.data.problems import Problem
from autogen.plugins import skills
from autogen.project.judging import protected_rows
from autogen.project.needs import SkillNeed, needs_of
from autogen.project.suitability import base_model_problems
from autogen.tasks.task import CutRows, Summary, TaskData


@dataclass(frozen=True)
class NeedCheck:
    """One need: what its data is, and what `train` would do, every setting chosen."""

    need: str
    summary: Summary
    plan: str


@dataclass(frozen=True)
class SkillCheck:
    """What `autogen check` says of one skill."""

    skill: str
    needs: tuple[NeedCheck, ...]
    settings: Mapping[str, Any]
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.severity == "error"]

    def to_json(self) -> dict[str, Any]:
        """Of a skill with one need its data's own keys; of one with several, these by need."""
        data = {need_check.need: need_check.summary.json for need_check in self.needs}
        return {
            **(next(iter(data.values())) if len(data) == 1 else {"needs": data}),
            "settings": dict(self.settings),
            "recipe": "; ".join(need_check.plan for need_check in self.needs if need_check.plan),
            "problems": [asdict(problem) for problem in self.problems],
        }


def check_project(project: Path, config: ProjectConfig) -> list[SkillCheck]:
    """Read everything that each skill would learn from, and report on it. What is wrong with protected rows is said
    with the first skill."""
    needs = needs_of(config)
    checks = [
        _check_skill(project, config, name, settings, [need for need in needs if need.skill == name])
        for name, settings in config.skills.items()
    ]
    protected = protected_rows(project, config, needs)[1]
    return [replace(checks[0], problems=tuple(dict.fromkeys((*checks[0].problems, *protected)))), *checks[1:]]


def _check_skill(
    project: Path, config: ProjectConfig, name: str, settings: SkillSettings, needs: Sequence[SkillNeed]
) -> SkillCheck:
    data = {need.need.name: need.task.read(project, need.need) for need in needs}
    problems = (
        *(problem for rows in data.values() for problem in rows.problems),
        *skills()[settings.type].check(settings, project, data),
        *(problem for need in needs for problem in model_problems(project, need, data[need.need.name])),
        *(problem for need in needs for problem in _too_few_eval_rows(config, need, data[need.need.name])),
    )
    return SkillCheck(
        skill=name,
        needs=tuple(
            NeedCheck(need.need.name, data[need.need.name].summary(), need.task.plan(data[need.need.name], need.need))
            for need in needs
        ),
        settings=settings.training.model_dump(),
        problems=tuple(dict.fromkeys(problems)),  # needs may share a file
    )


def model_problems(project: Path, need: SkillNeed, data: TaskData) -> list[Problem]:
    """Whether the base model is there, covers the texts' language, and can tell the rows apart; nothing where it reads
    no text."""
    if not data.texts and need.task.reads != "text":
        return []
    cut = data.cut_rows() if isinstance(data, CutRows) else []
    return base_model_problems(project, need.need.base_model, data.texts, cut, need.need.training.max_length)


def _too_few_eval_rows(config: ProjectConfig, need: SkillNeed, data: Any) -> Iterator[Problem]:
    """The first version needs no gate; every later one does."""
    rows, fewest = data.identity().eval_rows, config.gate.min_rows
    if rows < fewest:
        message = f"expected {fewest} held-out rows, by which the gate judges later versions, found {rows}"
        fix = (
            f"name a file of labelled rows as `eval` under [skills.{need.skill}], or promote with "
            "`autogen promote --force`"
        )
        yield Problem("warning", "few-held-out-rows", CONFIG_NAME, None, message, fix)
