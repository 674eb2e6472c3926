"""What a base model cannot see of rows."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer

from autogen.data.problems import Problem
from autogen.data.rows import Row
from autogen.project import Project
from autogen.project.cutting import cutting_problems
from tests.tiny import write_csv


def check(base_model: Path, rows: list[tuple[str, str]], max_length: int = 16) -> list[Problem]:
    tokenizer = Tokenizer.from_file(str(base_model / "tokenizer.json"))
    labelled = [(text, None, label, Row({}, "train.csv", at)) for at, (text, label) in enumerate(rows, start=2)]
    return cutting_problems("tiny", base_model, tokenizer, labelled, max_length)


def test_texts_that_are_cut_are_counted_and_those_the_same_once_cut_are_named(tiny_base_model: Path) -> None:
    start = "please tell me about " * 5
    cut, same = check(tiny_base_model, [("lost card", "lost"), (start + "lost", "lost"), (start + "rate", "rate")])
    assert (cut.severity, cut.kind, cut.row) == ("warning", "cut-text", 3)
    assert "at most 16 tokens (max_length), found 2 of 3" in cut.message
    assert (same.severity, same.kind, same.row) == ("warning", "same-once-cut", 3)
    assert '2 of several labels that are the same once cut, such as "lost" here and "rate" in row 4' in same.message


def test_texts_of_one_label_that_are_the_same_once_cut_are_cut_and_no_conflict(tiny_base_model: Path) -> None:
    start = "please tell me about " * 5
    (cut,) = check(tiny_base_model, [(start + "lost", "lost"), (start + "stolen", "lost")])
    assert cut.kind == "cut-text"


def test_the_base_model_may_read_less_than_max_length(tiny_base_model: Path) -> None:
    (cut,) = check(tiny_base_model, [("please tell me " * 200, "lost")], max_length=32_768)
    assert cut.kind == "cut-text" and "32768" not in cut.message


def test_texts_that_the_tokenizer_reads_as_the_same_are_a_warning(tiny_base_model: Path) -> None:
    (problem,) = check(
        tiny_base_model, [("👍🎉", "praise"), ("💔", "complaint"), ("😀", "praise"), ("my card", "lost")]
    )
    assert (problem.severity, problem.kind) == ("warning", "same-tokens")
    assert 'found 3 that "tiny" reads as the same' in problem.message
    assert '"praise", "complaint"' in problem.message


def test_rows_that_differ_and_fit_are_no_finding(tiny_base_model: Path) -> None:
    assert check(tiny_base_model, [("my card", "lost"), ("My  card", "lost"), ("exchange rate", "rate")]) == []


def test_check_and_train_say_it_of_a_project(untrained: Path) -> None:
    write_csv(
        untrained / "data/train.csv", [("👍", "praise"), ("💔", "complaint"), ("🎉", "praise"), ("💀", "complaint")]
    )
    (check_of_skill,) = Project.open(untrained).check()
    assert "same-tokens" in {problem.kind for problem in check_of_skill.problems}
