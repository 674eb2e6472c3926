"""The task and the skill are as AutoGen expects them: what to run first when you change one."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from autogen import Project
from autogen.progress import TrainingProgress
from autogen.testing import check_skill, check_task
from autogen_sentiment.skill import SKILL
from autogen_sentiment.task import TASK

PROJECT = Path(__file__).parents[1] / "project"


def rows(name: str) -> list[dict[str, str]]:
    with (PROJECT / "data" / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(shutil.copytree(PROJECT, tmp_path_factory.mktemp("moods") / "project"))
    Project.open(folder).train(progress=TrainingProgress(quiet=True))
    return folder


def test_the_task_keeps_its_contract() -> None:
    held_out = rows("eval.csv")
    correction_of_an_eval_row = {**held_out[0], "label": held_out[-1]["label"]}
    check_task(
        TASK,
        rows={"train": rows("train.csv"), "eval": held_out},
        feedback=[*rows("corrections.csv"), correction_of_an_eval_row],
    )


def test_the_skill_keeps_its_contract(trained: Path) -> None:
    check_skill(SKILL, trained, ["I am livid about tomorrow", "I am irate", "zzz"], rows("eval.csv")[:3])
