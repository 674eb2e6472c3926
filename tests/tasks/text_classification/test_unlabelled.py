from __future__ import annotations

import json
from pathlib import Path

from autogen.tasks.text_classification.unlabelled import Unlabelled, read_unlabelled

LOGS = ["My card was stolen", "what is the rate", "my  CARD was stolen", "hello there", "held out text"]


def write_log(path: Path, texts: list[object], column: str = "text") -> Path:
    path.write_text("\n".join(json.dumps({column: text}) for text in texts), "utf-8")
    return path


def read(folder: Path, *names: str, **columns: str) -> tuple[Unlabelled, list[str]]:
    unlabelled, problems = read_unlabelled(folder, names, columns, 1_000)
    return unlabelled, [f"{problem.severity} {problem.kind}" for problem in problems]


def test_each_text_is_read_once_however_many_files_have_it(tmp_path: Path) -> None:
    write_log(tmp_path / "one.jsonl", LOGS[:3])
    (tmp_path / "two.csv").write_text("text,when\nhello there,monday\nwhat is the RATE,tuesday\n", "utf-8")
    unlabelled, problems = read(tmp_path, "one.jsonl", "two.csv")
    assert unlabelled.texts == ("My card was stolen", "what is the rate", "hello there")
    assert (unlabelled.read, unlabelled.duplicates, problems) == (5, 2, [])


def test_what_is_labelled_or_measured_on_is_left_out_and_counted(tmp_path: Path) -> None:
    write_log(tmp_path / "log.jsonl", LOGS)
    unlabelled = read(tmp_path, "log.jsonl")[0].without(["WHAT is the rate"], ["held  out text", "never logged"])
    assert unlabelled.texts == ("My card was stolen", "hello there")
    assert str(unlabelled) == "2 of 5 texts (left out: 1 duplicates, 1 labelled already, 1 measured on)"


def test_the_column_is_mapped_as_for_training_rows_or_called_text(tmp_path: Path) -> None:
    write_log(tmp_path / "mapped.jsonl", LOGS[:1], "utterance")
    write_log(tmp_path / "plain.jsonl", LOGS[1:2])
    unlabelled, problems = read(tmp_path, "mapped.jsonl", "plain.jsonl", text="utterance", label="intent")
    assert (unlabelled.texts, problems) == (tuple(LOGS[:2]), [])


def test_rows_without_a_text_are_one_warning_a_file(tmp_path: Path) -> None:
    write_log(tmp_path / "log.jsonl", ["fine", "", None, 7])
    unlabelled, problems = read(tmp_path, "log.jsonl")
    assert (unlabelled.texts, unlabelled.read, problems) == (("fine",), 4, ["warning no-text"])


def test_a_file_without_the_column_is_an_error(tmp_path: Path) -> None:
    write_log(tmp_path / "log.jsonl", ["fine"], "words")
    assert read(tmp_path, "log.jsonl", "none.csv")[1] == ["error missing-column", "error missing-file"]
