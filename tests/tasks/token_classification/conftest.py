from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autogen import Project
from autogen.tasks.token_classification.model import EntityModel


@pytest.fixture
def trained(trained_finder: Path) -> Path:
    return trained_finder


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Path:
    """A trained project of the test's own."""
    return Path(shutil.copytree(trained, tmp_path / "project"))


@pytest.fixture(scope="session")
def model(trained_finder: Path) -> EntityModel:
    entity_model: EntityModel = Project.open(trained_finder).model("finder")
    return entity_model
