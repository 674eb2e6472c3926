from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny import WORDS, write_tiny_project

from autogen.project import Project
from autogen.versions.registry import Versions

from .process import ServerProcess


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained project, never changed by a test. Champion 0001 says "version one", 0002 "version two", and 0003 asks
    back whatever it is told."""
    folder = write_tiny_project(tmp_path_factory.mktemp("trained") / "project")
    Project.open(folder).train()
    two = {label: [f"About {label}, version two."] for label in WORDS}
    _add_version(folder, "0002", responses=two)
    _add_version(folder, "0003", clarify_margin=2.0)
    return folder


def _add_version(project: Path, name: str, **answering: Any) -> None:
    """The first version once more, answering otherwise."""
    versions = Versions(project)
    first = versions.manifest("0001")
    skill = first.skills["support"]
    skill = skill.model_copy(update={"answering": {**skill.answering, **answering}})
    verdict = {"passed": True, "summary": "It answers otherwise."}
    with versions.draft() as draft:
        shutil.copytree(versions.folder / "0001" / "models", draft / "models")
        values = {"version": name, "parent": "0001", "skills": {"support": skill}, "verdict": verdict}
        versions.publish(draft, first.model_copy(update=values))


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Path:
    """A copy of the trained project for one test."""
    return _copy(trained, tmp_path / "project")


@pytest.fixture(scope="session")
def server(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that all tests share, which therefore must leave the champion alone."""
    with ServerProcess(_copy(trained, tmp_path_factory.mktemp("shared") / "project")) as running:
        yield running


@pytest.fixture(scope="session")
def asking(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A shared server whose champion always asks back."""
    folder = _copy(trained, tmp_path_factory.mktemp("asking") / "project")
    Versions(folder).promote("0003")
    with ServerProcess(folder) as running:
        yield running


def _copy(trained: Path, target: Path) -> Path:
    return Path(shutil.copytree(trained, target, ignore=shutil.ignore_patterns("base", "weights")))
