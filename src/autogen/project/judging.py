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
from autogen.data.columns import has_columns
from autogen.data.problems import Problem
from autogen.data.readers.files import locate, read_rows
from autogen.plugins import skills
from autogen.project.needs import SkillNeed
from autogen.runtime.latency import latency_ratio
from autogen.tasks.task import Fitted
from autogen.versions.comparison import PairedScores
from autogen.versions.gate import Measured, Verdict, judge
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

    def verdict(self, need: SkillNeed, data: Any, protected: Any | None, fitted: Fitted, gate: GateSettings) -> Verdict:
        """On one need that both know. `protected`: data to measure on; None: no such rows of this task."""
        place = need.skill, need.need.name
        was, now = self.champion.known_model(*place), self.candidate.known_model(*place)
        data = need.task.unseen(data, self.champion.trained(*place) | self.candidate.trained(*place))
        measured = Measured(
            latency_ratio=latency_ratio(need.task.timed(now, data), need.task.timed(was, data)),
            size_ratio=self.candidate.bytes(*place) / max(self.champion.bytes(*place), 1),
            parity=fitted.parity,
            parity_unit=fitted.parity_unit,
            same_model=now.digest == was.digest,
            answers_changed=_changed_answers(
                self.champion.manifest.skills[need.skill], self.candidate.manifest.skills[need.skill]
            ),
        )
        scores = zip(need.task.scores(was, data), need.task.scores(now, data), strict=True)
        paired = [self._paired(*both) for both in scores]
        asked = need.task.scores(now, protected) if protected is not None else ()
        return judge(paired, [self._its_own(one, now.answers) for one in asked[:1]], measured, gate)

    def _paired(self, was: Scores, now: Scores) -> PairedScores:
        held = np.array([row in self.before for row in now.rows], bool)
        return PairedScores(was, now, held | ~now.from_feedback)

    def _its_own(self, scores: Scores, answers: Collection[str]) -> Scores:
        """With several skills, each is asked the protected rows whose group it knows, and those that none knows."""
        own = frozenset(answers)
        return scores.where(np.array([name in own or name not in self.answers for name in scores.groups], bool))


def _changed_answers(champion: SkillRecord, candidate: SkillRecord) -> tuple[str, ...]:
    """What people read and is not as it was, by name. Numbers (a threshold, a margin) are no such thing: what they do
    is measured. What a champion's record does not know of yet is as it was."""
    before, now = champion.answering, candidate.answering
    wording = skills()[candidate.type].wording
    return tuple(sorted(name for name in wording & {*before} if before[name] != now.get(name)))


def protected_rows(
    project: Path, config: ProjectConfig, needs: Sequence[SkillNeed]
) -> tuple[Mapping[tuple[str, str], Any], list[Problem]]:
    """The rows that every candidate must answer rightly, by (skill, need): a file is of the needs whose fields it has,
    by the columns of their skill. And what is wrong with it."""
    source = config.gate.protected
    if source is None:
        return {}, []
    rows, _ = read_rows(locate(source, project))
    fitting = [need for need in needs if has_columns(rows, need.task.fields.required, need.need.columns)]
    data = {
        (one.skill, one.need.name): one.task.with_rows(project, one.need, source, project)
        for one in fitting or needs[:1]
    }
    problems = [problem for one in data.values() for problem in one.problems]
    return data, list(dict.fromkeys(problems))
