"""A project's data: what each skill learns from, what its feedback adds, and the report on it all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autogen.config import RESERVED_LABEL, GateSettings, ProjectConfig, SkillSettings, TrainingSettings
from autogen.data.problems import Problem
from autogen.data.quality import label_counts, normalise
from autogen.data.rows import Row
from autogen.errors import UsageError, did_you_mean
from autogen.feedback.curation import Assessment, CuratedExample, Curation, curate
from autogen.feedback.events import Decision, Feedback, FeedbackStore
from autogen.project.suitability import base_model_problems
from autogen.runtime.tuned_model import TunedModel
from autogen.skills import SKILLS
from autogen.skills.skill import Need, Skill
from autogen.tasks.text_classification import Example
from autogen.training.learning_data import (
    LabelledRows,
    LearningData,
    joined,
    pick,
    read_learning_data,
    row_fingerprint,
)
from autogen.training.recipe import choose_recipe

FEEDBACK_SOURCE = "feedback"


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


def read_need(project: Path, settings: SkillSettings, need: Need) -> LearningData:
    return read_learning_data(
        project, need.task, need.train, need.eval, need.columns, settings.training.seed, need.unlabelled
    )


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


def _recipe(settings: TrainingSettings, labels: Sequence[str]) -> str:
    """Without looking for a GPU, which would take torch: with one, a great many rows are trained on as fewer are."""
    learnable = {*labels} - {RESERVED_LABEL}
    return str(choose_recipe(settings, labels, continued=False, own_head=False)) if learnable else ""


@dataclass(frozen=True)
class WithFeedback:
    """Learning data after curated feedback has joined it.

    Set-aside rows choose nothing (no epoch, no threshold): they are for the gate and for what is reported.
    """

    data: LearningData
    set_aside: LabelledRows
    feedback: tuple[str, ...]  # ids of all feedback used
    on_held_out: int = 0  # corrections of held-out rows, which were left out

    @property
    def measured(self) -> LabelledRows:
        """What a version is measured on: held-out rows, and what people really asked."""
        return joined(self.data.held_out, self.set_aside)


Owners = Mapping[str, frozenset[str]]  # skill -> the labels it knows


def classifies(settings: SkillSettings) -> bool:
    """Whether the skill learns labels of texts: what corrections, review and protected rows are about."""
    return all(need.task == "text-classification" for need in SKILLS[settings.type].needs(settings))


def label_owners(project: Path, config: ProjectConfig, skills: Mapping[str, Skill]) -> Owners:
    """Which labels each skill knows, by its rows and by the champion's `skills`. Nothing is read for a single skill,
    whose all feedback is."""
    if len(config.skills) == 1:
        return {}
    owners: dict[str, frozenset[str]] = {}
    for name, settings in ((name, one) for name, one in config.skills.items() if classifies(one)):
        rows = [read_need(project, settings, need).train.labels for need in SKILLS[settings.type].needs(settings)]
        models = [model.task.labels for model in skills[name].models.values()] if name in skills else []
        owners[name] = frozenset(label for labels in (*rows, *models) for label in labels) - {RESERVED_LABEL}
    return owners


def belongs_to(skill: str, one: Feedback, decision: Decision | None, owners: Owners) -> bool:
    """A label that exactly one skill knows is for that one to learn, whichever answered; all else is for the skill that
    answered, and for all where none is named."""
    label = (decision.label if decision else None) or one.label
    know = [name for name, labels in owners.items() if label in labels]
    return know == [skill] if len(know) == 1 else one.skill in (None, skill)


def curate_feedback(
    store: FeedbackStore,
    data: LearningData,
    champion: TunedModel,
    skill: str,
    owners: Owners,
    only: frozenset[str] | None = None,
) -> Curation:
    """Sort the feedback that is for this skill; `only` keeps the examples that these ids are behind."""
    decisions = store.decisions()
    curation = curate(
        [one for one in store.all() if belongs_to(skill, one, decisions.get(one.id), owners)],
        decisions,
        train={normalise(example.text): example.label for example in data.train.examples},
        held_out={normalise(text) for text in data.held_out.texts},
        known_labels={*champion.task.labels, *data.train.labels, RESERVED_LABEL},
        assess=lambda texts: _assess(champion, texts),
    )
    if only is None:
        return curation
    kept = [tuple(e for e in part if only & {*e.feedback_ids}) for part in (curation.train, curation.evaluation)]
    return replace(curation, train=kept[0], evaluation=kept[1])


def _assess(champion: TunedModel, texts: Sequence[str]) -> list[Assessment]:
    return [Assessment(found.label, found.confidence, found.in_scope) for found in champion.predict(texts)]


def with_feedback(data: LearningData, curation: Curation) -> WithFeedback:
    """Curated examples join: a correction takes the place of the training row it corrects."""
    replaced = {normalise(example.text) for example in curation.train if example.replaces}
    replaced |= {normalise(example.text) for example in curation.evaluation}  # set aside means never trained on
    stays = [at for at, text in enumerate(data.train.texts) if normalise(text) not in replaced]
    train = joined(pick(data.train, stays), _rows(curation.train))
    return WithFeedback(
        data=replace(data, train=train),
        set_aside=_rows(curation.evaluation),
        feedback=tuple(sorted({one for e in (*curation.train, *curation.evaluation) for one in e.feedback_ids})),
        on_held_out=len(curation.on_held_out),
    )


def unlearnt(data: LearningData, learnt: frozenset[str] = frozenset()) -> LearningData:
    """The data without held-out rows that are learnt from, here or before (`learnt`): they would measure memory."""
    known = learnt | {row_fingerprint(text) for text in data.train.texts}
    fresh = [at for at, text in enumerate(data.held_out.texts) if row_fingerprint(text) not in known]
    return replace(data, held_out=pick(data.held_out, fresh))


def _rows(examples: Sequence[CuratedExample]) -> LabelledRows:
    made = tuple(Example(example.text, example.label) for example in examples)
    rows = tuple(Row({"text": e.text, "label": e.label}, FEEDBACK_SOURCE, at) for at, e in enumerate(made, start=1))
    return LabelledRows(made, rows)


def skill_named(config: ProjectConfig, name: str | None) -> list[tuple[str, SkillSettings]]:
    """The skill asked for, or all of them."""
    if name is None:
        return list(config.skills.items())
    if name not in config.skills:
        known = ", ".join(config.skills)
        raise UsageError(f"Expected one of the skills {known}; found {name!r}.{did_you_mean(name, config.skills)}")
    return [(name, config.skills[name])]
