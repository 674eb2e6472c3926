"""What all tests share: a tiny base model, and a project trained on it once. Tests that change a project copy it."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from tests.shop import write_shop
from tests.tasks.token_classification.annotated import write_finder
from tests.tiny import write_tiny_base_model, write_tiny_project

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # as the command line does: tests share the processor with servers
os.environ["HF_HUB_OFFLINE"] = "1"  # nothing is downloaded in tests
os.environ["COLUMNS"] = "200"


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder `name` that `make` fills, made by the first of the processes that share the tests."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, whole = shared / name, shared / f"{name}.whole"
    with FileLock(shared / f"{name}.lock"):
        if not whole.exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            whole.touch()
    return folder


def train(folder: Path) -> None:
    from autogen.progress import TrainingProgress
    from autogen.project import Project

    Project.open(folder).train(progress=TrainingProgress(quiet=True))


@pytest.fixture(scope="module", autouse=True)
def _libraries_are_not_searched_for_garbage() -> None:
    """Every training collects garbage, which takes a second of a process that has seen many tests."""
    gc.freeze()


@pytest.fixture(scope="session")
def tiny_base_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory, "tiny-bert", write_tiny_base_model)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_base_model: Path) -> Path:
    """A project with one version, champion. Read only: take `project` to change one."""
    return made_once(tmp_path_factory, "trained", lambda folder: train(write_tiny_project(folder, tiny_base_model)))


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
    return made_once(tmp_path_factory, "trained-shop", lambda folder: train(write_shop(folder, tiny_base_model)))


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
    return made_once(tmp_path_factory, "trained-finder", lambda folder: train(write_finder(folder, tiny_base_model)))
