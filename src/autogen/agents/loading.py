"""A version, opened: its skills and models ready to answer, each loaded once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from autogen.errors import UsageError, VersionDamaged
from autogen.plugins import skills, tasks
from autogen.skills.skill import Skill
from autogen.tasks.task import TaskModel
from autogen.versions.fingerprints import TRAIN_ROWS_FILE, read_fingerprints
from autogen.versions.manifest import Manifest, ModelRecord


@dataclass(frozen=True)
class OpenVersion:
    """A version's folder with its manifest, whose files the caller has checked."""

    folder: Path
    manifest: Manifest

    @cached_property
    def skills(self) -> Mapping[str, Skill]:
        """Ready to answer. Raises VersionDamaged."""
        return load_skills(self.folder, self.manifest)

    def record(self, skill: str, need: str) -> ModelRecord | None:
        """None where the version does not know the need."""
        skill_record = self.manifest.skills.get(skill)
        return skill_record.models.get(need) if skill_record else None

    def model(self, skill: str, need: str) -> TaskModel | None:
        """As it answers, the skill's own settings applied; None where the version does not know the need."""
        return None if self.record(skill, need) is None else self.skills[skill].models[need]

    def known_model(self, skill: str, need: str) -> TaskModel:
        """Raises UsageError where the version does not know the need."""
        model = self.model(skill, need)
        if model is None:
            raise UsageError(
                f"Version {self.manifest.version} has no skill {skill!r}: run `autogen train` to learn it."
            )
        return model

    def model_folder(self, skill: str, need: str) -> Path:
        record = self.record(skill, need)
        assert record is not None
        return self.folder / record.folder

    def trained(self, skill: str, need: str) -> frozenset[str]:
        """Fingerprints of the rows that the model has learnt from. Raises VersionDamaged."""
        return read_fingerprints(self.model_folder(skill, need) / TRAIN_ROWS_FILE)

    def bytes(self, skill: str, need: str) -> int:
        """The size of what answers: without the weights, which only learning reads."""
        folder = self.model_folder(skill, need)
        files = (path for path in folder.rglob("*") if path.is_file())
        return sum(path.stat().st_size for path in files if "weights" not in path.relative_to(folder).parts)


def load_skills(folder: Path, manifest: Manifest) -> dict[str, Skill]:
    """The skills of a version's folder, ready to answer. Raises VersionDamaged."""
    ready: dict[str, Skill] = {}
    for name, record in manifest.skills.items():
        models = {need: _load(entry.task, folder / entry.folder) for need, entry in record.models.items()}
        try:
            ready[name] = skills()[record.type].ready(record.answering, models)
        except (KeyError, ValueError) as error:  # pydantic's ValidationError is a ValueError
            raise VersionDamaged(
                f"Version {manifest.version}: the skill {name!r} ({record.type}) is not one that this AutoGen can "
                f"answer with: {error}. It may be of a newer one: update this one."
            ) from error
    return ready


def _load(task: str, folder: Path) -> TaskModel:
    if task not in tasks():
        raise VersionDamaged(f"{folder} was made for the task {task!r}, by a newer AutoGen: update this one to use it.")
    model: TaskModel = tasks()[task].load(folder)
    return model
