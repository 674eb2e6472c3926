"""Intents that nobody has named yet: unlabelled texts that fit no label, in groups, each proposed with a name.

A text fits no label when it is further from every training row than held-out rows are (by the base model's embeddings,
which know nothing of the labels: a tuned model pulls every text towards one it knows), or when the champion declines
it. Such texts are grouped as finely as the labels there are. Nothing is learnt and no file of the project is changed:
the proposals are for a person to correct and to add to the training rows.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autogen.config.project import SkillSettings
from autogen.config.settings import RESERVED_LABEL
from autogen.data.problems import raise_for
from autogen.data.quality.clusters import Cluster, clusters
from autogen.data.quality.keywords import names
from autogen.data.quality.neighbours import Floats, neighbours
from autogen.errors import UsageError
from autogen.feedback.memory import DATABASE_FILE
from autogen.models.base_models import find_base_model
from autogen.progress import TrainingProgress
from autogen.project.check import skill_named
from autogen.project.project import Project
from autogen.skills import SKILLS
from autogen.storage.files import explained, write_atomically
from autogen.tasks.text_classification.feedback import classifies, read_need
from autogen.tasks.text_classification.rows import MAX_TEXT, Example, LearningData
from autogen.tasks.text_classification.unlabelled import Unlabelled, read_unlabelled
from autogen.training.embedding import frozen_embeddings
from autogen.versions.registry import STATE_FOLDER

MOST_READ = 20_000  # texts embedded; more are sampled
MOST_GROUPED = 5_000  # grouping compares every text with every other
UNLIKE = 0.1  # of held-out rows, those that would count as fitting no label
APART = 0.5  # cosine distance between groups where no label has two rows to learn it from
GRAIN = 1.1
EXAMPLES = 5
UNSURE = ("decline", "clarify")


@dataclass(frozen=True)
class Proposal:
    """A group of texts that may be an intent."""

    name: str
    size: int
    cohesion: float  # mean cosine to the group's centre
    nearest_label: str
    nearest_cosine: float  # of the group's centre to that label's
    texts: tuple[str, ...]  # the most typical first

    @property
    def examples(self) -> tuple[str, ...]:
        return self.texts[:EXAMPLES]

    def to_json(self) -> dict[str, Any]:
        return {**{k: v for k, v in asdict(self).items() if k != "texts"}, "examples": list(self.examples)}


@dataclass(frozen=True)
class Discovery:
    """What was found among how many texts."""

    skill: str
    version: str | None  # the champion that was asked; None: there is none
    read: str  # in words
    texts: int
    looked_at: int  # fewer than `texts` where there were too many
    unfit: int  # fit no label
    grouped: int  # fewer than `unfit` where there were too many
    strange: tuple[str, ...]  # those grouped
    proposals: tuple[Proposal, ...]

    def to_json(self) -> dict[str, Any]:
        kept = {k: v for k, v in vars(self).items() if k not in ("strange", "proposals")}
        return {**kept, "proposals": [one.to_json() for one in self.proposals]}


def discover(project: Project, skill: str | None = None, source: str | None = None, smallest: int = 10) -> Discovery:
    """Look for new intents in the skill's unlabelled texts, the rows of `source`, and what the agent was unsure of.

    Raises DataError, UsageError (no texts), BaseModelError, VersionDamaged.
    """
    if smallest < 2:
        raise UsageError(f"Expected a smallest group of at least 2 texts; found {smallest}.")
    name, settings = skill_named(project.config, skill)[0]
    if not classifies(settings):
        raise UsageError(f"Expected a skill with intents, found {name!r} ({settings.type}): name another with --skill.")
    data = read_need(project.folder, settings, SKILLS[settings.type].needs(settings)[0])
    raise_for(data.problems)
    unlabelled = _texts(project, name, settings, data, source)
    chance = random.Random(settings.training.seed)
    texts = _sample(unlabelled.texts, MOST_READ, chance)
    known = [row for row in data.train.examples if row.label != RESERVED_LABEL]
    held = [row.text for row in data.held_out.examples if row.label != RESERVED_LABEL]
    labels = [row.label for row in known]
    points, rows, measured = _embedded(project, settings, texts, [row.text for row in known], held)
    version, declined = _declined(project, name, texts)
    strange = np.flatnonzero(_unlike(points, rows, measured) | declined)
    grouped = _sample([int(at) for at in strange], MOST_GROUPED, chance)
    found = clusters(points[grouped], smallest, _grain(rows, labels))
    chosen = [texts[at] for at in grouped]
    proposals = _proposals(found, chosen, rows, [row.text for row in known], labels)
    figures = len(unlabelled.texts), len(texts), len(strange), len(grouped)
    return Discovery(name, version, str(unlabelled), *figures, tuple(chosen), proposals)


def _texts(project: Project, skill: str, settings: SkillSettings, data: LearningData, source: str | None) -> Unlabelled:
    """All there are, without those that have a label or are measured on."""
    more, problems = read_unlabelled(Path(), [source] if source else [], settings.columns, MAX_TEXT)
    raise_for(problems)
    asked: list[str] = []
    if (project.folder / STATE_FOLDER / DATABASE_FILE).is_file():
        asked = project.memory.responses.messages(skill, UNSURE)
    found = data.unlabelled.joined(more.texts, more.read).joined(asked, len(asked))
    found = found.without(data.train.texts, data.held_out.texts)
    if not found.texts:
        raise UsageError(
            "Expected texts without labels, found none: name a file with --input, or as `unlabelled` of the skill in "
            "agent.toml, or let people talk to the agent first."
        )
    return found


def _embedded(project: Project, settings: SkillSettings, *groups: Sequence[str]) -> list[Floats]:
    """The base model's embeddings of each group of texts, of length one."""
    base = find_base_model(project.config.agent.base_model, project.folder)
    examples = [Example(text, "") for group in groups for text in group]
    kept = project.versions.state / "embeddings" / "discover"
    training = settings.training
    with TrainingProgress() as progress:
        every = frozen_embeddings(base, examples, training.max_length, training.precision, kept, progress)
    return np.split(every, np.cumsum([len(group) for group in groups])[:-1])


def _declined(project: Project, skill: str, texts: Sequence[str]) -> tuple[str | None, NDArray[np.bool_]]:
    """The champion, and which texts it would decline."""
    version = project.versions.alias().champion
    model = project.model(skill, version) if version else None
    if model is None:
        return None, np.zeros(len(texts), bool)
    return version, np.array([not found.in_scope for found in model.predict(texts)], bool)


def _unlike(points: Floats, rows: Floats, measured: Floats) -> NDArray[np.bool_]:
    """Which points lie further from their nearest training row than all but a few held-out rows do, or, where none are
    held out, than all but a few training rows do from their nearest other one."""
    usual = neighbours(measured, rows, 1) if len(measured) else neighbours(rows, rows, 1, others=True)
    limit = np.quantile(usual[1][:, 0], UNLIKE)
    return np.asarray(neighbours(points, rows, 1)[1][:, 0] < limit)


def _grain(rows: Floats, labels: Sequence[str]) -> float:
    """How far rows of one label usually lie from each other (mean cosine distance, the median label's), and a little
    more: groups are to be as fine as the labels are."""
    gold = np.array(labels)
    within = []
    for label in sorted(set(labels)):
        own = rows[gold == label]
        if len(own) > 1:
            within.append(1 - (float(np.square(own.sum(axis=0)).sum()) - len(own)) / (len(own) * (len(own) - 1)))
    return GRAIN * float(np.median(within)) if within else APART


def _proposals(
    found: Sequence[Cluster], texts: Sequence[str], rows: Floats, known: Sequence[str], labels: Sequence[str]
) -> tuple[Proposal, ...]:
    gold, every = np.array(labels), sorted(set(labels))
    centres = np.stack([rows[gold == label].mean(axis=0) for label in every])
    centres = centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
    groups = [tuple(texts[at] for at in one.rows) for one in found]
    called = names(groups, known, [*every, RESERVED_LABEL])
    nearest = [centres @ one.centre for one in found]
    return tuple(
        Proposal(name, len(group), one.cohesion, every[int(near.argmax())], float(near.max()), group)
        for name, group, one, near in zip(called, groups, found, nearest, strict=True)
    )


def _sample(values: Sequence[Any], most: int, chance: random.Random) -> list[Any]:
    return list(values) if len(values) <= most else chance.sample(values, most)


def check_target(target: Path) -> None:
    """Raises UsageError where the proposals cannot be written in the form that the name asks for."""
    if target.suffix.lower() != ".csv":
        raise UsageError(f"Expected an output file ending in .csv; found {target.name!r}.")


def write_proposals(found: Discovery, target: Path, columns: Mapping[str, str]) -> int:
    """All texts of the proposals as rows `text,label` of a CSV file, for a person to correct: how many. The file
    appears whole. Raises UsageError, StorageError."""
    check_target(target)
    rows = [(text, one.name) for one in found.proposals for text in one.texts]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([(columns.get("text", "text"), columns.get("label", "label")), *rows])
    with explained(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, buffer.getvalue().encode())
    return len(rows)
