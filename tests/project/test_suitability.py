from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autogen.project import Project
from autogen.project.suitability import base_model_problems
from tests.tiny import rows, write_csv

CHINESE = [("请帮我打开这个应用", "app"), ("明天北京的天气怎么样", "weather")]


def test_a_base_model_for_another_language_is_a_warning_that_says_what_to_do(tmp_path: Path) -> None:
    (problem,) = base_model_problems(tmp_path, "minilm", [text for text, _ in CHINESE])
    assert (problem.severity, problem.kind) == ("warning", "language-not-covered")
    assert problem.message.startswith('expected texts in the languages of base_model = "minilm" (English), found')
    assert "% of their letters in characters that it does not know" in problem.message
    assert "autogen models install multilingual-e5-small" in problem.fix
    assert 'base_model = "multilingual-e5-small"' in problem.fix


def test_a_base_model_that_suits_its_data_is_no_news(tmp_path: Path) -> None:
    assert base_model_problems(tmp_path, "minilm", ["My card has not arrived yet.", "Where is it now?"]) == []


def test_a_model_that_must_come_from_the_hub_is_a_warning_that_names_the_packaged_ones(tmp_path: Path) -> None:
    (problem,) = base_model_problems(tmp_path, "owner/some-model", [text for text, _ in CHINESE])
    assert (problem.severity, problem.kind) == ("warning", "base-model")
    assert "found none: it will be downloaded" in problem.message
    assert "minilm" in problem.fix


def test_a_base_model_that_is_not_installed_is_an_error_with_the_command_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOGEN_CACHE", str(tmp_path))
    (problem,) = base_model_problems(tmp_path, "multilingual-e5-small", ["hello"])
    assert (problem.severity, problem.kind) == ("error", "base-model")
    assert "is not installed" in problem.message
    assert "autogen models install multilingual-e5-small" in problem.fix


def test_a_tokenizer_that_cannot_be_read_is_an_error(tiny_base_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_base_model, tmp_path / "bert")
    (folder / "tokenizer.json").write_text("{", "utf-8")
    (problem,) = base_model_problems(tmp_path, "bert", ["hello"])
    assert (problem.severity, problem.kind) == ("error", "base-model")
    assert "unreadable" in problem.message


def test_the_project_s_check_warns(untrained: Path) -> None:
    (skill_check,) = Project.open(untrained).check()
    assert skill_check.problems == ()
    write_csv(untrained / "data/train.csv", [*rows(25, seed=1), *CHINESE * 30])
    (skill_check,) = Project.open(untrained).check()
    assert "language-not-covered" in {problem.kind for problem in skill_check.problems}
