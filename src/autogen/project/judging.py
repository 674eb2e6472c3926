"""A candidate against the champion: the scores of both on rows that neither has learnt from, protected rows, latency,
size, and the gate's verdict on them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autogen.agents.loading import OpenVersion
from autogen.config.project import GateSettings, ProjectConfig
from autogen.data.problems import Problem
from autogen.data.readers.files import locate
from autogen.feedback.claims import Trust, trust_in
from autogen.feedback.memory import Memory
from autogen.plugins import skills
from autogen.project.needs import SkillNeed, fitting_needs
from autogen.runtime.latency import latency_ratio
from autogen.tasks.task import Fitted
from autogen.versions.comparison import PairedScores
from autogen.versions.fingerprints import count_looks
from autogen.versions.gate import Batch, CandidateFigures, judge
from autogen.versions.manifest import SkillRecord
from autogen.versions.registry import Versions
from autogen.versions.scores import Scores
from autogen.versions.verdict import Verdict

ENOUGH_ROWS = 500  # held out before a batch: they resolve 3 points, and nothing needs to be cross-fitted


@dataclass(frozen=True)
class Evidence:
    """What is known of a batch besides what it was measured on. `strangers`: feedback in it that is neither the owner's
    nor reviewed; `cross_fit`: scores of older rows without the batch and with it, None where the task has none."""

    strangers: int
    cross_fit: Callable[[], tuple[Scores, Scores] | None]


def count_strangers(memory: Memory, ids: Collection[str]) -> int:
    """Of the feedback with these ids, how much is neither the owner's nor reviewed."""
    decisions = memory.feedback.decisions()
    batch = [item for item in memory.feedback.all() if item.id in ids] if ids else []
    return sum(trust_in(item, decisions.get(item.id)) < Trust.OWNER for item in batch)


@dataclass(frozen=True)
class Rivals:
    """Champion and candidate, both opened. `before`: fingerprints of what earlier versions were measured on;
    `answers`: what the candidate's models may answer with, all together."""

    versions: Versions
    champion: OpenVersion
    candidate: OpenVersion
    before: frozenset[str]
    answers: frozenset[str]

    def verdict(
        self,
        need: SkillNeed,
        data: Any,
        protected: Sequence[Any],
        fitted: Fitted,
        gate: GateSettings,
        evidence: Evidence,
    ) -> Verdict:
        """On one need that both know. `protected`: data to measure on, of each file of such rows that is for it."""
        key = need.skill, need.need.name
        champion_model, candidate_model = self.champion.known_model(*key), self.candidate.known_model(*key)
        data = need.task.unseen(data, self.champion.trained(*key) | self.candidate.trained(*key))
        measured = CandidateFigures(
            latency_ratio=latency_ratio(need.task.timed(candidate_model, data), need.task.timed(champion_model, data)),
            size_ratio=self.candidate.bytes(*key) / max(self.champion.bytes(*key), 1),
            parity=fitted.parity,
            parity_unit=fitted.parity_unit,
            same_model=candidate_model.digest == champion_model.digest,
            answers_changed=changed_answers(
                self.champion.manifest.skills[need.skill], self.candidate.manifest.skills[need.skill]
            ),
        )
        scores = zip(need.task.scores(champion_model, data), need.task.scores(candidate_model, data), strict=True)
        paired = [self._pair_scores(*both) for both in scores]
        protected_scores = [need.task.scores(candidate_model, rows)[0] for rows in protected]
        batch = self._batch(need, paired[0], measured, evidence, gate.min_rows)
        return judge(
            paired,
            [self._own_groups(group, candidate_model.answers) for group in protected_scores],
            measured,
            gate,
            batch,
        )

    def _batch(
        self, need: SkillNeed, paired: PairedScores, measured: CandidateFigures, evidence: Evidence, fewest: int
    ) -> Batch:
        """What the gate is told of the rows learnt anew. They are cross-fitted where few rows were held out before.
        `fewest`: rows that a verdict needs."""
        few = int(paired.from_earlier_eval.sum()) < ENOUGH_ROWS
        scores = evidence.cross_fit() if few and not measured.same_model else None
        return Batch(
            strangers=evidence.strangers,
            cross_fitted=PairedScores(*scores, np.ones(len(scores[0]), bool)) if scores else None,
            look=count_looks(self.versions, need.place, paired.candidate.rows, fewest),
        )

    def _pair_scores(self, champion: Scores, candidate: Scores) -> PairedScores:
        held_out_before = np.array([row in self.before for row in candidate.rows], bool)
        return PairedScores(champion, candidate, held_out_before | ~candidate.from_feedback)

    def _own_groups(self, scores: Scores, answers: Collection[str]) -> Scores:
        """With several skills, each is asked the protected rows with a group that it knows, and those with none that
        any knows."""
        return scores.where(scores.in_groups(answers) | ~scores.in_groups(self.answers))


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
            rows = need.task.with_rows(project, need.need, source, project)
            problems |= dict.fromkeys(rows.problems)
            data.setdefault((need.skill, need.need.name), []).append(rows)
    return data, [*problems]
