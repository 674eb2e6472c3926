"""Measuring a version through the code that answers people, skill by skill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autogen.agents.loading import OpenVersion
from autogen.config.project import ProjectConfig
from autogen.data.problems import raise_for
from autogen.data.readers.files import locate
from autogen.errors import UsageError
from autogen.feedback.memory import Memory
from autogen.markup import join_markup, metrics_table
from autogen.plugins import skills
from autogen.project.needs import SkillNeed, curation_policy, fitting_needs, labels_by_skill, needs_of
from autogen.skills.kind import OffPolicy
from autogen.tasks.evaluation import Evaluation
from autogen.tasks.task import FeedbackOn
from autogen.versions.manifest import merge_need_figures


@dataclass(frozen=True)
class SkillEvaluation:
    """Of each need that the rows can measure, by its name. `off_policy`: clicks per answer, where chance had a
    share."""

    needs: Mapping[str, Evaluation]
    off_policy: Mapping[str, Any] | None = None

    @property
    def metrics(self) -> dict[str, float]:
        """Flat, each in 0–1, of all needs together."""
        return merge_need_figures({need: evaluation.metrics for need, evaluation in self.needs.items()})

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        return merge_need_figures({need: evaluation.intervals for need, evaluation in self.needs.items()})

    @property
    def source(self) -> str:
        return "; ".join(dict.fromkeys(evaluation.source for evaluation in self.needs.values()))

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(warning for evaluation in self.needs.values() for warning in evaluation.warnings)

    def to_json(self) -> dict[str, Any]:
        """Of a skill with one need its evaluation; of one with several, all metrics, and the rest by need."""
        parts = {name: evaluation.to_json() for name, evaluation in self.needs.items()}
        values: dict[str, Any] = next(iter(parts.values())) if len(parts) == 1 else {}
        if len(parts) != 1:
            values = {"metrics": self.metrics, "source": self.source, "warnings": self.warnings, "needs": parts}
        return values if self.off_policy is None else {**values, "off_policy": self.off_policy}


@dataclass(frozen=True)
class VersionEvaluation:
    """`data`: the file that was measured on; None: the eval rows. In Jupyter it shows its tables."""

    version: str
    skills: Mapping[str, SkillEvaluation]
    data: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "skills": {name: evaluation.to_json() for name, evaluation in self.skills.items()},
        }

    def _repr_html_(self) -> str:
        captions = {
            name: f"{name}, version {self.version}: {evaluation.source}" for name, evaluation in self.skills.items()
        }
        return join_markup(
            metrics_table(evaluation.metrics, evaluation.intervals, captions[name])
            for name, evaluation in self.skills.items()
        )


@dataclass(frozen=True)
class Measurement:
    """What is measured: a version of a project, on its own eval rows or on the rows of a file (`source`)."""

    folder: Path
    config: ProjectConfig
    version: OpenVersion
    memory: Memory | None  # None: no feedback is read, and the database is left alone
    source: str | None = None
    labels: dict[str, frozenset[str]] = field(default_factory=dict)

    def run(self, skill: str | None) -> VersionEvaluation:
        """Raises DataError, VersionDamaged; UsageError where there is nothing to measure on."""
        needs = needs_of(self.config, skill)
        evaluations = {
            name: self._skill(name, self._measurable([need for need in needs if need.skill == name]))
            for name in dict.fromkeys(need.skill for need in needs)
        }
        return VersionEvaluation(self.version.manifest.version, evaluations, self.source)

    def _measurable(self, needs: Sequence[SkillNeed]) -> Sequence[SkillNeed]:
        """Of a skill's needs, those that the rows of the file can measure."""
        if self.source is None or len(needs) == 1:
            return needs
        return fitting_needs(locate(self.source, Path()), needs)

    def _skill(self, name: str, needs: Sequence[SkillNeed]) -> SkillEvaluation:
        evaluations = {need.need.name: self._need(need) for need in needs}
        kind, settings = skills()[needs[0].settings.type], needs[0].settings
        if self.source is not None or not isinstance(kind, OffPolicy):
            return SkillEvaluation(evaluations)
        skill = self.version.skills[name]
        return SkillEvaluation(evaluations, kind.evaluated(settings, name, skill, self.version.manifest, self.folder))

    def _need(self, need: SkillNeed) -> Evaluation:
        model = self.version.known_model(need.skill, need.need.name)
        if self.source is not None:
            data = need.task.with_rows(self.folder, need.need, self.source, Path())
            raise_for(data.problems)
            return need.task.evaluate(model, data)
        data = need.task.read(self.folder, need.need)
        raise_for(data.problems)
        record = self.version.record(need.skill, need.need.name)
        if record is not None and record.cross_validated and not data.identity().eval_rows:
            return Evaluation(record.metrics, record.train_rows, "cross-validation when it was trained")
        unseen = need.task.unseen(self._with_feedback(need, data), self.version.trained(need.skill, need.need.name))
        if not unseen.identity().eval_rows:
            raise UsageError("All held-out rows have been learnt from: name other ones with --data.")
        return need.task.evaluate(model, unseen)

    def _with_feedback(self, need: SkillNeed, data: Any) -> Any:
        """With what the version was judged by of what people really asked."""
        if self.memory is None:
            return data
        learnt_feedback = frozenset(self.version.manifest.feedback)
        policy = curation_policy(self.config)
        left_out = self.memory.undecided_left_out(learnt_feedback)
        feedback = FeedbackOn(self.memory, need.skill, self._labels(), learnt_feedback, policy, left_out)
        return need.task.with_feedback(data, feedback, self.version.known_model(need.skill, need.need.name))

    def _labels(self) -> Mapping[str, frozenset[str]]:
        if not self.labels and len(self.config.skills) > 1:
            needs = needs_of(self.config)
            data = {(need.skill, need.need.name): need.task.read(self.folder, need.need) for need in needs}
            self.labels.update(labels_by_skill(self.config, data, self.version))
        return self.labels
