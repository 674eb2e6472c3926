"""A project's data: what each skill learns from, what its feedback adds, and the report on it all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autogen.config.project import ProjectConfig, SkillSettings
from autogen.config.settings import RESERVED_LABEL
from autogen.config.training import TrainingSettings
from autogen.data.fingerprints import row_fingerprint
from autogen.data.rows import Row
from autogen.data.text import normalise
from autogen.feedback.curation import Assessment, CuratedExample, Curation, curate
from autogen.feedback.events import Decision, Feedback, FeedbackStore
from autogen.skills import SKILLS
from autogen.skills.skill import Skill
from autogen.tasks.task import Need
from autogen.tasks.text_classification.model import TunedModel
from autogen.tasks.text_classification.recipe import choose_recipe
from autogen.tasks.text_classification.rows import Example, LabelledRows, LearningData, joined, pick, read_learning_data

FEEDBACK_SOURCE = "feedback"


def read_need(project: Path, settings: SkillSettings, need: Need) -> LearningData:
    return read_learning_data(project, need.train, need.eval, need.columns, settings.training.seed, need.unlabelled)


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
