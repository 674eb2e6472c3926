"""What all tests share: a tiny base model, and a project trained on it once. Tests that change a project copy it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.shop import write_shop
from tests.tasks.token_classification.annotated import write_finder
from tests.tiny import write_tiny_base_model, write_tiny_project

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # as the command line does: tests share the processor with servers
os.environ["HF_HUB_OFFLINE"] = "1"  # nothing is downloaded in tests
os.environ["COLUMNS"] = "200"


@pytest.fixture(scope="session")
def tiny_base_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base_model(tmp_path_factory.mktemp("base") / "tiny-bert")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_base_model: Path) -> Path:
    """A project with one version, champion. Read only: take `project` to change one."""
    from autogen.progress import TrainingProgress
    from autogen.project import Project

    folder = write_tiny_project(tmp_path_factory.mktemp("trained") / "project", tiny_base_model)
    Project.open(folder).train(progress=TrainingProgress(quiet=True))
    return folder


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Path:
    """A trained project of the test's own."""
    return Path(shutil.copytree(trained, tmp_path / "project"))


@pytest.fixture
def untrained(tmp_path: Path, tiny_base_model: Path) -> Path:
    """A project that nothing has been trained in."""
    return write_tiny_project(tmp_path / "untrained", tiny_base_model)


@pytest.fixture(scope="session")
def trained_shop(tmp_path_factory: pytest.TempPathFactory, tiny_base_model: Path) -> Path:
    """A project that recommends, with one version. Read only: take `shop` to change one."""
    from autogen.progress import TrainingProgress
    from autogen.project import Project

    folder = write_shop(tmp_path_factory.mktemp("shop") / "project", tiny_base_model)
    Project.open(folder).train(progress=TrainingProgress(quiet=True))
    return folder


@pytest.fixture
def shop(trained_shop: Path, tmp_path: Path) -> Path:
    """A trained project that recommends, of the test's own."""
    return Path(shutil.copytree(trained_shop, tmp_path / "shop"))


@pytest.fixture
def untrained_shop(tmp_path: Path, tiny_base_model: Path) -> Path:
    """A project that recommends, in which nothing has been trained."""
    return write_shop(tmp_path / "untrained-shop", tiny_base_model)


@pytest.fixture(scope="session")
def trained_finder(tmp_path_factory: pytest.TempPathFactory, tiny_base_model: Path) -> Path:
    """A project that finds entities, with one version. Read only."""
    from autogen.progress import TrainingProgress
    from autogen.project import Project

    folder = write_finder(tmp_path_factory.mktemp("finder") / "project", tiny_base_model)
    Project.open(folder).train(progress=TrainingProgress(quiet=True))
    return folder
