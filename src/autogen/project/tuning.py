"""The search for a skill's training settings: on the rows that `train` would learn from, kept in the project."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

from autogen.config.project import ProjectConfig
from autogen.errors import UsageError
from autogen.feedback.memory import Memory
from autogen.models.base_models import BaseModel, find_base_model
from autogen.plugins import learner_of
from autogen.progress import TrainingProgress
from autogen.project.learning import Learning
from autogen.project.work import Work
from autogen.storage.files import explain_os_errors, sha256_of
from autogen.tasks.task import Tunable
from autogen.training.search.study import Budget, SearchResult, SettingsSearch
from autogen.versions.registry import Versions

STUDIES_FILE = "tune.db"
BASE_MODEL_FILES = (".json", ".safetensors", ".bin", ".txt", ".model")


def tune(
    folder: Path, config: ProjectConfig, skill: str, budget: Budget, memory: Memory, progress: TrainingProgress
) -> SearchResult:
    """Search for settings of this skill. The caller holds the learning lock.

    Raises DataError, TrainingFailed, StorageError, Interrupted; UsageError where every setting is the user's own.
    """
    learning = Learning(folder, config, "train", memory, progress)
    work, learner = _searchable(learning, skill)
    need, state = work.need, Versions(folder).state.resolve()
    # the checkpoints of an interrupted `train` are not ours
    trial = learner.trial(replace(learning.job(work, state / "tuning/model"), state=state / "tuning/trial"))
    bound_to = {
        "data": _digest(*work.identity.order[:2]),
        "base model": base_model_digest(find_base_model(need.need.base_model, folder)),
        "settings": _digest(json.dumps(need.need.training.model_dump(exclude_unset=True), sort_keys=True)),
    }
    search = SettingsSearch(trial, state / STUDIES_FILE, need.name, bound_to, progress)
    if not search.space:
        raise UsageError(
            f"Every setting that could be searched is set in [skills.{skill}.training] already, and what is set there "
            "is left alone. Take out the ones to search."
        )
    return search.run(budget)


def _searchable(learning: Learning, skill: str) -> tuple[Work, Tunable]:
    """The skill's first need whose settings can be searched, and its learner. Raises UsageError for a skill without."""
    own = [work for work in learning.read() if work.need.skill == skill]
    for work in own:
        learner = learner_of(work.need.task)
        if isinstance(learner, Tunable):
            return work, learner
    needs = ", ".join(f"{work.need.need.name}: {work.need.need.task}" for work in own)
    raise UsageError(f"Expected a skill whose training settings can be searched, found {skill!r} ({needs}).")


def base_model_digest(base: BaseModel) -> str:
    """One for all files that a local base model is made of; of one on the hub only its name is known."""
    if not isinstance(base.source, Path):
        return _digest(base.source)
    with explain_os_errors(base.source):
        files = sorted(path for path in base.source.iterdir() if path.suffix in BASE_MODEL_FILES)
    return _digest(*(f"{path.name} {sha256_of(path)}" for path in files))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
