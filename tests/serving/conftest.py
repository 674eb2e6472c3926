from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autogen.versions.registry import Versions
from tests.serving.process import ASKS, ONE, TWO, ServerProcess
from tests.tiny import TOPICS


@pytest.fixture(scope="session")
def versions(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained project with three more versions of the same model: ONE, champion, and TWO always answer, with their
    name in the answer; ASKS asks back whatever it is told. Read only."""
    folder = _copy(trained, tmp_path_factory.mktemp("versions") / "project")
    for name, ending in ((ONE, "version one"), (TWO, "version two")):
        _add_version(folder, name, responses={label: [f"{label}, {ending}"] for label in TOPICS}, clarify_margin=0)
    _add_version(folder, ASKS, clarify_margin=2)
    Versions(folder).promote(ONE)
    return folder


def _add_version(project: Path, name: str, **answering: Any) -> None:
    """The first version once more, answering otherwise, and never declining."""
    versions = Versions(project)
    first = versions.manifest("0001")
    skill = first.skills["support"]
    skill = skill.model_copy(update={"answering": {**skill.answering, "threshold": -1000, **answering}})
    verdict = {"passed": True, "summary": "It answers otherwise."}
    with versions.draft() as draft:
        shutil.copytree(versions.folder / "0001" / "models", draft / "models")
        values = {"version": name, "parent": "0001", "skills": {"support": skill}, "verdict": verdict}
        versions.publish(draft, first.model_copy(update=values))


@pytest.fixture
def project(versions: Path, tmp_path: Path) -> Path:
    """A project of the test's own, champion ONE."""
    return _copy(versions, tmp_path / "project")


@pytest.fixture(scope="session")
def server(versions: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that many tests share, which therefore leave its champion alone."""
    with ServerProcess(_copy(versions, tmp_path_factory.mktemp("shared") / "project")) as running:
        yield running


@pytest.fixture(scope="session")
def asking(versions: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A shared server whose champion always asks back."""
    folder = _copy(versions, tmp_path_factory.mktemp("asking") / "project")
    Versions(folder).promote(ASKS)
    with ServerProcess(folder) as running:
        yield running


def _copy(project: Path, target: Path) -> Path:
    return Path(shutil.copytree(project, target))
