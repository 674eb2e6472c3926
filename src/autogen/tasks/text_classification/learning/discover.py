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

from autogen.config.settings import RESERVED_LABEL
from autogen.data.problems import raise_for
from autogen.data.quality.clusters import Cluster, clusters
from autogen.data.quality.keywords import names
from autogen.data.quality.neighbours import Floats, neighbours
from autogen.errors import UsageError
from autogen.models.base_models import find_base_model
from autogen.progress import TrainingProgress
from autogen.storage.files import explain_os_errors, write_atomically
from autogen.tasks.task import Need
from autogen.tasks.text_classification.model import TunedModel
from autogen.tasks.text_classification.rows import MAX_TEXT, LabelledText, LearningData
from autogen.tasks.text_classification.unlabelled import Unlabelled, read_unlabelled
from autogen.training.embedding import frozen_embeddings

MOST_READ = 20_000  # texts embedded; more are sampled
MOST_GROUPED = 5_000  # grouping compares every text with every other
UNLIKE = 0.1  # of held-out rows, those that would count as fitting no label
APART = 0.5  # cosine distance between groups where no label has two rows to learn it from
GRAIN = 1.1
EXAMPLES = 5


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
        values = {k: v for k, v in vars(self).items() if k not in ("strange", "proposals")}
        return {**values, "proposals": [proposal.to_json() for proposal in self.proposals]}


@dataclass(frozen=True)
class IntentSearch:
    """Where new intents are looked for: a skill's data as read, the rows of `source`, and `unsure`, messages that the
    agent was unsure of. `version`, `model`: the champion; None where there is none. `cache`: for embeddings."""

    skill: str
    need: Need
    data: LearningData
    project: Path
    cache: Path
    source: str | None = None
    unsure: Sequence[str] = ()
    version: str | None = None
    model: TunedModel | None = None
    smallest: int = 10  # texts of a group

    def run(self) -> Discovery:
        """Raises DataError, UsageError (no texts), BaseModelError."""
        if self.smallest < 2:
            raise UsageError(f"Expected a smallest group of at least 2 texts; found {self.smallest}.")
        unlabelled = self._texts()
        chance = random.Random(self.need.training.seed)
        texts = _sample(unlabelled.texts, MOST_READ, chance)
        train_rows = [row for row in self.data.train.examples if row.label != RESERVED_LABEL]
        eval_texts = [row.text for row in self.data.eval.examples if row.label != RESERVED_LABEL]
        labels = [row.label for row in train_rows]
        points, rows, eval_points = self._embedded(texts, [row.text for row in train_rows], eval_texts)
        strange_at = np.flatnonzero(_unlike(points, rows, eval_points) | self._declined(texts))
        grouped_at = _sample([int(at) for at in strange_at], MOST_GROUPED, chance)
        groups = clusters(points[grouped_at], self.smallest, _grain(rows, labels))
        grouped_texts = [texts[at] for at in grouped_at]
        proposals = _proposals(groups, grouped_texts, rows, [row.text for row in train_rows], labels)
        figures = len(unlabelled.texts), len(texts), len(strange_at), len(grouped_at)
        return Discovery(self.skill, self.version, str(unlabelled), *figures, tuple(grouped_texts), proposals)

    def _texts(self) -> Unlabelled:
        """All there are, without those that have a label or are measured on."""
        logged, problems = read_unlabelled(Path(), [self.source] if self.source else [], self.need.columns, MAX_TEXT)
        raise_for(problems)
        unlabelled = (self.data.unlabelled or Unlabelled()).with_texts(logged.texts, logged.read)
        unlabelled = unlabelled.with_texts(self.unsure, len(self.unsure))
        unlabelled = unlabelled.without(self.data.train.texts, self.data.eval.texts)
        if not unlabelled.texts:
            raise UsageError(
                "Expected texts without labels, found none: name a file with --input, or as `unlabelled` of the skill "
                "in agent.toml, or let people talk to the agent first."
            )
        return unlabelled

    def _embedded(self, *groups: Sequence[str]) -> list[Floats]:
        """The base model's embeddings of each group of texts, of length one."""
        base = find_base_model(self.need.base_model, self.project)
        examples = [LabelledText(text, "") for group in groups for text in group]
        training = self.need.training
        with TrainingProgress() as progress:
            embeddings = frozen_embeddings(
                base, examples, training.max_length, training.precision, self.cache, progress
            )
        return np.split(embeddings, np.cumsum([len(group) for group in groups])[:-1])

    def _declined(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Which texts the champion would decline."""
        if self.model is None:
            return np.zeros(len(texts), bool)
        return np.array([not prediction.in_scope for prediction in self.model.predict(texts)], bool)


def _unlike(points: Floats, rows: Floats, eval_points: Floats) -> NDArray[np.bool_]:
    """Which points lie further from their nearest training row than all but a few held-out rows do, or, where none are
    held out, than all but a few training rows do from their nearest other one."""
    usual = neighbours(eval_points, rows, 1) if len(eval_points) else neighbours(rows, rows, 1, others=True)
    limit = np.quantile(usual[1][:, 0], UNLIKE)
    return np.asarray(neighbours(points, rows, 1)[1][:, 0] < limit)


def _grain(rows: Floats, labels: Sequence[str]) -> float:
    """How far rows of one label usually lie from each other (mean cosine distance, the median label's), and a little
    more: groups are to be as fine as the labels are."""
    gold = np.array(labels)
    within = []
    for label in sorted(set(labels)):
        label_rows = rows[gold == label]
        count = len(label_rows)
        if count > 1:
            cosines = float(np.square(label_rows.sum(axis=0)).sum()) - count  # of all pairs, each counted twice
            within.append(1 - cosines / (count * (count - 1)))
    return GRAIN * float(np.median(within)) if within else APART


def _proposals(
    clusters: Sequence[Cluster], texts: Sequence[str], rows: Floats, train_texts: Sequence[str], labels: Sequence[str]
) -> tuple[Proposal, ...]:
    gold, label_names = np.array(labels), sorted(set(labels))
    centres = np.stack([rows[gold == label].mean(axis=0) for label in label_names])
    centres = centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
    groups = [tuple(texts[at] for at in cluster.rows) for cluster in clusters]
    group_names = names(groups, train_texts, [*label_names, RESERVED_LABEL])
    cosines = [centres @ cluster.centre for cluster in clusters]
    return tuple(
        Proposal(
            name,
            len(group),
            cluster.cohesion,
            label_names[int(group_cosines.argmax())],
            float(group_cosines.max()),
            group,
        )
        for name, group, cluster, group_cosines in zip(group_names, groups, clusters, cosines, strict=True)
    )


def _sample(values: Sequence[Any], most: int, chance: random.Random) -> list[Any]:
    return list(values) if len(values) <= most else chance.sample(values, most)


def check_target(target: Path) -> None:
    """Raises UsageError where the proposals cannot be written in the form that the name asks for."""
    if target.suffix.lower() != ".csv":
        raise UsageError(f"Expected an output file ending in .csv; found {target.name!r}.")


def write_proposals(discovery: Discovery, target: Path, columns: Mapping[str, str]) -> int:
    """All texts of the proposals as rows `text,label` of a CSV file, for a person to correct: how many. The file
    appears whole. Raises UsageError, StorageError."""
    check_target(target)
    rows = [(text, proposal.name) for proposal in discovery.proposals for text in proposal.texts]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([(columns.get("text", "text"), columns.get("label", "label")), *rows])
    with explain_os_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, buffer.getvalue().encode())
    return len(rows)
