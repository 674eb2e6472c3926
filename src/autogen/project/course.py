"""What every task's way from rows to a judged model has in common: the run it is part of, and what it must offer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol

from autogen.agents.agent import load_skills
from autogen.config.project import ProjectConfig
from autogen.feedback.memory import Memory
from autogen.progress import TrainingProgress
from autogen.tasks.text_classification.feedback import Owners, label_owners
from autogen.tasks.text_classification.rows import Example
from autogen.versions.gate import Verdict
from autogen.versions.manifest import Manifest, ModelRecord

Origin = Literal["train", "improve"]

INTERRUPTED = {
    "train": "Interrupted. What was learnt so far is kept: `autogen train --resume` goes on from here.",
    "improve": "Interrupted. Nothing was changed, and all feedback is kept: `autogen improve` starts anew.",
}


@dataclass(frozen=True)
class Champion:
    """The version to be bettered, opened."""

    folder: Path
    manifest: Manifest

    def knows(self, skill: str, need: str) -> bool:
        record = self.manifest.skills.get(skill)
        return record is not None and need in record.models

    def model_folder(self, skill: str, need: str) -> Path:
        return self.folder / self.manifest.skills[skill].models[need].folder


@dataclass
class Run:
    """One run of `train` or `improve`: whose, from where, and where its unfinished state (`state`) and its trackers'
    logs (`logs`) lie."""

    folder: Path
    config: ProjectConfig
    origin: Origin
    memory: Memory
    progress: TrainingProgress
    champion: Champion | None
    state: Path
    logs: Path
    protected: tuple[Example, ...] = field(default=())

    @cached_property
    def owners(self) -> Owners:
        """Which skill knows which labels, where there are several."""
        skills = load_skills(self.champion.folder, self.champion.manifest) if self.champion else {}
        return label_owners(self.folder, self.config, skills)


class Course(Protocol):
    """One need of a skill, its data read. Making one raises DataError."""

    @property
    def feedback(self) -> tuple[str, ...]:
        """Ids of all feedback used."""

    @property
    def on_held_out(self) -> int:
        """Corrections of held-out rows, which were left out."""

    @property
    def labels(self) -> Collection[str]:
        """What the model that was learnt may answer with, where protected rows name it."""

    @property
    def texts(self) -> Sequence[str]:
        """What the base model will have to read."""

    def record(self) -> Mapping[str, Any]:
        """What is learnt from, for resumption: `data` (digests), `learnt` (fingerprints), `labels`."""

    def learn(self, draft: Path, place: str) -> ModelRecord:
        """Into the folder `draft / place`. Raises TrainingFailed, ParityError, Interrupted."""

    def measure(self, draft: Path, manifest: Manifest) -> dict[str, float] | None:
        """The metrics of the version as it will answer; None: those that learning gave stay."""

    def judge(
        self, draft: Path, manifest: Manifest, before: frozenset[str], all_labels: Collection[str]
    ) -> Verdict | None:
        """Candidate against champion; None where the champion has nothing to compare with. `before`: fingerprints of
        what earlier versions were measured on."""
