"""A version's manifest: what the version is made of, with the sha256 of every file. Written last, so that its existence
means the version is whole."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from autogen.errors import VersionDamaged
from autogen.markup import join_markup, metrics_table, table
from autogen.storage.files import explain_os_errors, fsync_folder, sha256_of, write_atomically
from autogen.versions.verdict import mark_of

MANIFEST_FILE = "manifest.json"
T = TypeVar("T")
FORMAT = 1  # raised when an older AutoGen could not read what a newer one wrote


class FileRecord(BaseModel):
    sha256: str
    bytes: int


def merge_need_figures(values: Mapping[str, Mapping[str, T]]) -> dict[str, T]:
    """The figures of a skill's needs as one flat mapping: by name, or as NEED_name where several needs have it."""
    times = Counter(name for figures in values.values() for name in figures)
    return {
        name if times[name] == 1 else f"{need}_{name}": value
        for need, figures in values.items()
        for name, value in figures.items()
    }


class ModelRecord(BaseModel):
    """One tuned model of a skill: where it lies in the version, its data's fingerprints, how it was trained."""

    folder: str
    task: str
    train_rows: int
    train_fingerprint: str
    held_out_rows: int
    held_out_fingerprint: str
    cross_validated: bool
    metrics: dict[str, float]
    training: dict[str, Any]  # the report of the run, for people and tools to read; nothing here depends on it


class SkillRecord(BaseModel):
    type: str
    answering: dict[str, Any]  # the skill's own settings for answering; the skill validates them
    models: dict[str, ModelRecord]

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics of the skill's models together."""
        return merge_need_figures({need: model.metrics for need, model in self.models.items()})


class LeftOutPart(BaseModel):
    """A part of a batch of feedback that was found to harm: why, and its ids. Whose it is tells the database."""

    evidence: str
    feedback: list[str]


class Manifest(BaseModel):
    version: str
    format: int = FORMAT
    agent: str
    created_at: str
    made_by: str  # train, improve, or AutoGen.save
    parent: str | None  # the champion when it was made
    config: dict[str, Any]  # agent.toml as it was, for the record
    feedback_until: str = ""  # when the feedback was read: what was decided later is news to it
    feedback: list[str] = []  # ids of the feedback it learnt from or was judged by
    learnt_from: dict[str, int] = {}  # how much of it is the owner's, reviewed, of users vouched for, of strangers
    instead_of: str | None = None  # the version turned down with the same batch, before parts of it were left out
    left_out: list[LeftOutPart] = []  # parts of the batch that harm; one turned down has learnt them
    corrections_of_held_out: int = 0  # feedback that was left out, since held-out rows may not teach
    skills: dict[str, SkillRecord]
    verdict: dict[str, Any] | None = None  # the gate's report; None for a project's first version
    files: dict[str, FileRecord] = {}

    @property
    def passed(self) -> bool:
        return self.verdict is None or bool(self.verdict.get("passed"))

    def _repr_html_(self) -> str:
        """In Jupyter: each skill's metrics, and what the gate says."""
        titles = {name: f"{self.agent}, version {self.version}: {name}" for name in self.skills}
        parts = [metrics_table(record.metrics, caption=titles[name]) for name, record in self.skills.items()]
        if self.verdict:
            rows = [(mark_of(c), c["name"], c["finding"]) for c in self.verdict.get("checks", ())]
            parts.append(table(("", "check", "finding"), rows, str(self.verdict.get("summary", ""))))
        return join_markup(parts)


def seal(folder: Path, manifest: Manifest) -> Manifest:
    """Record every file of the folder in the manifest and write it, durably."""
    files = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST_FILE):
        files[path.relative_to(folder).as_posix()] = FileRecord(sha256=sha256_of(path), bytes=path.stat().st_size)
        _sync(path)
    for inner in (path for path in folder.rglob("*") if path.is_dir()):
        fsync_folder(inner)
    complete = manifest.model_copy(update={"files": files})
    write_atomically(folder / MANIFEST_FILE, complete.model_dump_json(indent=1).encode())
    return complete


def _sync(path: Path) -> None:
    with explain_os_errors(path), path.open("rb") as file:
        os.fsync(file.fileno())


def read_manifest(folder: Path) -> Manifest:
    """Raises VersionDamaged when there is no readable manifest."""
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST_FILE).read_bytes())
    except OSError as error:
        raise VersionDamaged(f"Version {folder.name} has no readable manifest: {error.strerror}.") from error
    except ValidationError as error:
        raise VersionDamaged(
            f"The manifest of version {folder.name} was altered: {error.errors()[0]['msg']}."
        ) from None
    if manifest.format > FORMAT:
        raise VersionDamaged(f"Version {manifest.version} was made by a newer AutoGen; update this one to read it.")
    return manifest


def check_files(folder: Path, manifest: Manifest, answering_only: bool = False) -> None:
    """Raises VersionDamaged naming each file that is missing or was altered.

    `answering_only` leaves out the trained weights, most of a version's bytes, which only learning reads.
    """
    problems = []
    for name, record in manifest.files.items():
        path = folder / name
        if answering_only and "/weights/" in name:
            continue
        if not path.is_file():
            problems.append(f"{name} is missing")
        elif path.stat().st_size != record.bytes or sha256_of(path) != record.sha256:
            problems.append(f"{name} was altered")
    if problems:
        raise VersionDamaged(
            f"Version {manifest.version} is damaged: {'; '.join(problems)}. "
            "Go back to a whole version with `autogen rollback`, put the file back from a backup, or make a new "
            "version with `autogen train`."
        )
