"""What kept versions, commands and the server answered, they still answer: see README.md beside this file."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.golden.anew import LEARNT_ANEW, QUICK_ANEW, learn_anew, shapes_of
from tests.golden.commands import serving
from tests.golden.comparing import differences
from tests.golden.questions import (
    COMMANDS,
    EXPECTED,
    PREDICTED,
    PROJECTS,
    TRAINED,
    command_answer,
    http_answers,
    predicted_rows,
    python_answers,
)


def expected(name: str) -> Any:
    return json.loads((EXPECTED / f"{name}.json").read_text("utf-8"))


MOMENT: float = expected("moment")["unix_seconds"]  # a day after the projects were made: clicks fade with the clock
QUESTIONS = [(project, name) for project, commands in COMMANDS.items() for name in commands]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with the base model that kept projects name."""
    shutil.copytree(PROJECTS / "tiny-bert", tmp_path / "tiny-bert")
    return tmp_path


def copied(name: str, place: Path) -> Path:
    """A kept project of the test's own."""
    return Path(shutil.copytree(PROJECTS / name, place / name))


def assert_same(before: Any, now: Any) -> None:
    changed = list(differences(before, now))
    assert not changed, "\n".join(changed[:40])


@pytest.mark.parametrize(("project", "name"), QUESTIONS, ids=[f"{project}-{name}" for project, name in QUESTIONS])
def test_a_command_answers_as_before(project: str, name: str, place: Path) -> None:
    before = expected(f"{project}/commands")[name]
    assert_same(before, command_answer(copied(project, place), COMMANDS[project][name], MOMENT))


@pytest.mark.parametrize("project", PREDICTED)
def test_files_are_answered_as_before(project: str, place: Path) -> None:
    assert_same(expected(f"{project}/predicted"), predicted_rows(copied(project, place), MOMENT))


@pytest.mark.parametrize("project", TRAINED)
def test_every_request_is_answered_as_before(project: str, place: Path) -> None:
    with serving(copied(project, place), MOMENT) as http:
        now = http_answers(project, http)
    assert_same(expected(f"{project}/http"), now)


@pytest.mark.parametrize("project", TRAINED)
def test_the_classes_answer_as_before(project: str, place: Path) -> None:
    assert_same(expected(f"{project}/python"), python_answers(copied(project, place), MOMENT))


@pytest.mark.parametrize("project", TRAINED)
def test_kept_versions_are_what_was_recorded(project: str) -> None:
    """So that nobody changes them unseen: versions are immutable."""
    assert_same(expected(f"{project}/versions"), shapes_of(PROJECTS / project))


def test_a_kept_version_answers_without_torch(place: Path) -> None:
    code = (
        "import sys\nfrom autogen import Agent\n"
        f"assert Agent.load({str(copied('both', place))!r}).respond('my card was stolen').text\n"
        "assert not {'torch', 'transformers', 'scipy', 'sklearn', 'matplotlib'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("project", QUICK_ANEW)
def test_a_kept_champion_is_improved_to_the_same_verdict_and_files(project: str, place: Path) -> None:
    assert_same(expected(f"{project}/improved"), learn_anew(copied(project, place), ("improve",), MOMENT))


@pytest.mark.slow
@pytest.mark.parametrize("project", LEARNT_ANEW)
def test_a_project_is_trained_and_improved_to_the_same_verdict_and_files(project: str, place: Path) -> None:
    assert_same(expected(f"{project}/anew"), learn_anew(copied(project, place), LEARNT_ANEW[project], MOMENT))
