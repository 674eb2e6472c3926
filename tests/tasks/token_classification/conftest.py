from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from autogen import Project
from autogen.progress import TrainingProgress
from autogen.tasks.token_classification.model import EntityModel
from tests.tasks.token_classification.annotated import annotated


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture(scope="package")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_base_model: Path) -> Path:
    """A project whose first version has learnt the words of four topics."""
    folder = tmp_path_factory.mktemp("entities") / "project"
    folder.mkdir()
    write_rows(folder / "train.jsonl", annotated(40, seed=1))
    write_rows(folder / "eval.jsonl", annotated(15, seed=2))
    (folder / "agent.toml").write_text(
        f"""[agent]
name = "entities"
base_model = "{tiny_base_model}"

[skills.finder]
type = "prediction"
task = "token-classification"
train = "train.jsonl"
eval = "eval.jsonl"

[skills.finder.training]
epochs = 4
learning_rate = 5e-3
freeze_embeddings = false
precision = "fp32"
report_to = "none"
""",
        "utf-8",
    )
    Project.open(folder).train(progress=TrainingProgress(quiet=True))
    return folder


@pytest.fixture(scope="package")
def model(trained: Path) -> EntityModel:
    found: EntityModel = Project.open(trained).model("finder")
    return found
