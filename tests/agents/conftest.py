from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from autogen.versions.registry import Versions
from tests.tiny import TOPICS


def add_version(project: Path, kind: str = "customer-service", **answering: Any) -> str:
    """The first version's model once more, never declining, with its number in every answer."""
    versions = Versions(project)
    first, name = versions.manifest("0001"), versions.next_name()
    responses = {label: [f"{label} by {name}"] for label in TOPICS}
    settings = {"threshold": -1000, "clarify_margin": 0, "responses": responses, **answering}
    skill = first.skills["support"]
    skill = skill.model_copy(update={"type": kind, "answering": {**skill.answering, **settings}})
    values = {"version": name, "parent": "0001", "skills": {"support": skill}, "verdict": {"passed": True}}
    with versions.draft() as draft:
        shutil.copytree(versions.folder / "0001/models", draft / "models", ignore=shutil.ignore_patterns("weights"))
        versions.publish(draft, first.model_copy(update=values))
    return name


@pytest.fixture(scope="session")
def three(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with versions 2 to 4 besides the first; 4 always asks back. Read only."""
    folder = Path(shutil.copytree(trained, tmp_path_factory.mktemp("agents") / "project"))
    for _ in range(2):
        add_version(folder)
    add_version(folder, clarify_margin=1)
    Versions(folder).promote("2")
    return folder


@pytest.fixture
def project(three: Path, tmp_path: Path) -> Path:
    """A project of the test's own, champion 2."""
    return Path(shutil.copytree(three, tmp_path / "project"))
