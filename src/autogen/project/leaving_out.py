"""A batch is not all or nothing: where the gate said no, the parts of the batch that harm are found by quick models, so
that the rest can be learnt and a person decides on them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from autogen.agents.loading import OpenVersion
from autogen.feedback.curated import CuratedExample, Curation
from autogen.feedback.left_out import LeftOut
from autogen.feedback.parts import Part, groups_of, split_batch
from autogen.plugins import learner_of
from autogen.progress import TrainingProgress
from autogen.project.harm import Harm, find_harm
from autogen.project.work import Work
from autogen.tasks.task import Curated, Job, LeavesOut
from autogen.versions.verdict import NOT_JUDGED, NOT_TAUGHT, Verdict, failed_checks


def needs_harmed(verdict: Verdict) -> frozenset[str]:
    """The needs (by title; "" for an only one) that were turned down for what the batch taught: with other rows to
    learn from, these could pass. None where there were too few rows to judge by: nothing could pass."""
    failed = failed_checks(verdict.to_json())
    if any(NOT_JUDGED & {*names} for names in failed.values()):
        return frozenset()
    return frozenset(title for title, names in failed.items() if {*names} - NOT_TAUGHT)


def find_harmful_parts(work: Work, champion: OpenVersion, job: Job, progress: TrainingProgress) -> list[Harm]:
    """The parts of a batch that harm a need. Where that cannot be told, or none is shown to, it is said."""
    learner, need = learner_of(work.need.task), work.need
    if champion.record(need.skill, need.need.name) is None:
        return []
    if not isinstance(learner, LeavesOut) or not isinstance(need.task, Curated):
        progress.say(f"Which part of the batch harms {need.skill} cannot be told of the task {need.need.task}.")
        return []
    learnt = champion.trained(need.skill, need.need.name)
    scores_without = learner.leave_out(job, work.read, learnt, progress)
    if scores_without is None:
        progress.say("Which part of the batch harms cannot be told: too few older rows, or too many rows in all.")
        return []
    harms = find_harm(LearntBatch(work, champion).parts(), scores_without)
    if not harms:
        progress.say("No part of the batch is shown to harm by itself.")
    return harms


@dataclass(frozen=True)
class LearntBatch:
    """What a need has learnt of the feedback on it that the champion has not."""

    work: Work
    champion: OpenVersion

    def parts(self) -> list[Part]:
        """What a person has decided on, having seen that it harms, is in none."""
        examples = self._new_examples()
        ids = {feedback_id for example in examples for feedback_id in example.feedback_ids}
        by_id = {item.id: item for item in self.work.feedback.rows()}
        return split_batch(examples, by_id, groups_of(self._curate(ids), ids))

    def _new_examples(self) -> list[CuratedExample]:
        curation = self._curate(())
        known = self.work.feedback.memory.decided_left_out() | {*self.champion.manifest.feedback}
        return [e for e in (*curation.train, *curation.evaluation) if not known & {*e.feedback_ids}]

    def _curate(self, left_out: Collection[str]) -> Curation:
        """With this feedback waiting, as it would be shown to a person."""
        need, waiting = self.work.need, dict.fromkeys(left_out, LeftOut("", "", ""))
        feedback = replace(self.work.feedback, left_out={**self.work.feedback.left_out, **waiting})
        assert isinstance(need.task, Curated)
        model = self.champion.known_model(need.skill, need.need.name)
        return need.task.curate(self.work.read, feedback, model)
