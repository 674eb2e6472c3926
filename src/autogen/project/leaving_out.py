"""A batch is not all or nothing: where the gate said no, the parts of the batch that harm are found by quick models, so
that the rest can be learnt and a person decides on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from autogen.agents.loading import OpenVersion
from autogen.feedback.curated import CuratedExample, Curation
from autogen.feedback.harm import Harm, ScoresWithout, find_harm
from autogen.feedback.left_out import LeftOut
from autogen.feedback.memory import Memory
from autogen.feedback.parts import Part, groups_of, split_batch
from autogen.project.needs import SkillNeed
from autogen.tasks.task import Curated, FeedbackOn
from autogen.versions.manifest import LeftOutPart
from autogen.versions.verdict import NOT_TAUGHT, Verdict, failed_checks


def harmed_skills(verdict: Verdict) -> frozenset[str]:
    """The skills (titles of needs, or "" for the only one) that were turned down for what the batch taught: with other
    rows to learn from, these could pass. Nothing where something else failed too, such as too few rows to judge by."""
    failed = failed_checks(verdict.to_json())
    names = {name for own in failed.values() for name in own}
    return frozenset(failed) if not names & NOT_TAUGHT else frozenset()


@dataclass(frozen=True)
class LearntBatch:
    """What a need has learnt of the feedback on it that the champion has not. `read`: its data without feedback."""

    need: SkillNeed
    read: Any
    feedback: FeedbackOn
    champion: OpenVersion

    def find_harm(self, scores_without: ScoresWithout) -> list[Harm]:
        """The parts of it that harm, by quick models. What a person has decided on, evidence in hand, is in none."""
        return find_harm(self.parts(), scores_without)

    def parts(self) -> list[Part]:
        examples = self._new_examples()
        ids = {feedback_id for example in examples for feedback_id in example.feedback_ids}
        by_id = {item.id: item for item in self.feedback.rows()}
        return split_batch(examples, by_id, groups_of(self._curate(ids), ids))

    def _new_examples(self) -> list[CuratedExample]:
        curation = self._curate(())
        known = self.feedback.memory.decided_left_out() | {*self.champion.manifest.feedback}
        return [e for e in (*curation.train, *curation.evaluation) if not known & {*e.feedback_ids}]

    def _curate(self, left_out: Collection[str]) -> Curation:
        """With this feedback waiting, as it would be shown to a person."""
        waiting = dict.fromkeys(left_out, LeftOut("", "", ""))
        feedback = replace(self.feedback, left_out={**self.feedback.left_out, **waiting})
        assert isinstance(self.need.task, Curated)
        model = self.champion.known_model(self.need.skill, self.need.need.name)
        curation: Curation = self.need.task.curate(self.read, feedback, model)
        return curation


def left_out_part(harm: Harm, memory: Memory) -> LeftOutPart:
    """As the manifest has it."""
    part = harm.part
    users = count_users(memory, part.feedback)
    return LeftOutPart(part=part.title, evidence=harm.evidence, users=users, feedback=sorted(part.feedback))


def count_users(memory: Memory, feedback_ids: frozenset[str]) -> dict[str, int]:
    """How much of the feedback with these ids is whose, "" for those without a name; the most first."""
    counts = Counter(item.user or "" for item in memory.feedback.all() if item.id in feedback_ids)
    return dict(counts.most_common())
