from __future__ import annotations

from pathlib import Path

import pytest

from autogen import Project
from autogen.tasks.token_classification.model import EntityModel


@pytest.fixture
def trained(trained_finder: Path) -> Path:
    return trained_finder


@pytest.fixture(scope="session")
def model(trained_finder: Path) -> EntityModel:
    found: EntityModel = Project.open(trained_finder).model("finder")
    return found
