"""A candidate against the champion: the scores of both on rows that neither has learnt from, protected rows, latency,
size, and the gate's verdict on them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autogen.agents.loading import OpenVersion
from autogen.config.project import GateSettings, ProjectConfig
from autogen.data.problems import Problem
from autogen.data.readers.files import locate
from autogen.plugins import skills
from autogen.project.needs import SkillNeed, fitting_needs
from autogen.runtime.latency import latency_ratio
from autogen.tasks.task import Fitted
from autogen.versions.comparison import PairedScores
from autogen.versions.gate import CandidateFigures, Verdict, judge
from autogen.versions.manifest import SkillRecord
from autogen.versions.scores import Scores


@dataclass(frozen=True)
class Rivals:
    """Champion and candidate, both opened. `before`: fingerprints of what earlier versions were measured on;
    `answers`: what the candidate's models may answer with, all together."""

    champion: OpenVersion
    candidate: OpenVersion
    before: frozenset[str]
    answers: frozenset[str]

    def verdict(
        self, need: SkillNeed, data: Any, protected: Sequence[Any], fitted: Fitted, gate: GateSettings
    ) -> Verdict:
        """On one need that both know. `protected`: data to measure on, of each file of such rows that is for it."""
        place = need.skill, need.need.name
        was, now = self.champion.known_model(*place), self.candidate.known_model(*place)
        data = need.task.unseen(data, self.champion.trained(*place) | self.candidate.trained(*place))
        measured = CandidateFigures(
            latency_ratio=latency_ratio(need.task.timed(now, data), need.task.timed(was, data)),
            size_ratio=self.candidate.bytes(*place) / max(self.champion.bytes(*place), 1),
            parity=fitted.parity,
            parity_unit=fitted.parity_unit,
            same_model=now.digest == was.digest,
            answers_changed=changed_answers(
                self.champion.manifest.skills[need.skill], self.candidate.manifest.skills[need.skill]
            ),
        )
        scores = zip(need.task.scores(was, data), need.task.scores(now, data), strict=True)
        paired = [self._paired(*both) for both in scores]
        asked = [need.task.scores(now, one)[0] for one in protected]
        return judge(paired, [self._its_own(one, now.answers) for one in asked], measured, gate)

    def _paired(self, was: Scores, now: Scores) -> PairedScores:
        held = np.array([row in self.before for row in now.rows], bool)
        return PairedScores(was, now, held | ~now.from_feedback)

    def _its_own(self, scores: Scores, answers: Collection[str]) -> Scores:
        """With several skills, each is asked the protected rows whose group it knows, and those that none knows."""
        own = frozenset(answers)
        return scores.where(np.array([name in own or name not in self.answers for name in scores.groups], bool))


def changed_answers(champion: SkillRecord, candidate: SkillRecord) -> tuple[str, ...]:
    """What people read and is not as it was, by name. Numbers (a threshold, a margin) are no such thing: what they do
    is measured. What a champion's record does not know of yet is as it was."""
    before, now = champion.answering, candidate.answering
    wording = skills()[candidate.type].wording
    return tuple(sorted(name for name in wording & {*before} if before[name] != now.get(name)))


Protected = Mapping[tuple[str, str], Sequence[Any]]  # by skill and need: data of each file


def protected_rows(project: Path, config: ProjectConfig, needs: Sequence[SkillNeed]) -> tuple[Protected, list[Problem]]:
    """The rows that every candidate must answer rightly: a file is of the needs whose fields it has, by the columns of
    their skill. And what is wrong with it."""
    data: dict[tuple[str, str], list[Any]] = {}
    problems: dict[Problem, None] = {}
    for source in config.gate.protected or ():
        for need in fitting_needs(locate(source, project), needs):
            found = need.task.with_rows(project, need.need, source, project)
            problems |= dict.fromkeys(found.problems)
            data.setdefault((need.skill, need.need.name), []).append(found)
    return data, [*problems]
