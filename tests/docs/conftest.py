"""A small base model, one trained project of each template that pages begin in, and what pages leave to readers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import Page
from tests.docs.runner import Runner, copy_project, quicken
from tests.docs.small_model import write_small_model
from tests.tiny import rows


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_model(tmp_path_factory.mktemp("small") / "model")


@pytest.fixture(scope="session")
def trained_template(tmp_path_factory: pytest.TempPathFactory, small_model: Path) -> Callable[[str], Path]:
    """A project of the template with one version, made once a session. Read only."""
    from autogen.progress import TrainingProgress
    from autogen.project import Project
    from autogen.templates import copy_template

    made: dict[str, Path] = {}

    def of(template: str) -> Path:
        if template not in made:
            folder = tmp_path_factory.mktemp("template") / template
            copy_template(template, folder)
            quicken(folder, small_model)
            Project.open(folder).train(progress=TrainingProgress(quiet=True))
            made[template] = folder
        return made[template]

    return of


@pytest.fixture
def runner(tmp_path: Path, small_model: Path, tiny_base_model: Path) -> Callable[[Page, Callable[[str], Path]], Runner]:
    def of(page: Page, trained: Callable[[str], Path]) -> Runner:
        folder = tmp_path / "reader"
        folder.mkdir()
        if page.template and page.template[1]:
            folder = copy_project(trained(page.template[0]), folder / page.template[0])
        return Runner(folder, tmp_path / "tools", small_model, _given(tiny_base_model))

    return of


def _given(tiny_base_model: Path) -> dict[str, Any]:
    """A reader's own model, tokenizer and data: real, and tiny."""
    from transformers import AutoModel, AutoTokenizer

    train, dev, test = rows(10, seed=1), rows(5, seed=2), rows(5, seed=3)
    return {
        "model": AutoModel.from_pretrained(tiny_base_model, add_pooling_layer=False),
        "tokenizer": AutoTokenizer.from_pretrained(tiny_base_model),
        "train_data": train,
        "dev_data": dev,
        "test_data": test,
    }
