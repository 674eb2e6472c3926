"""`check --deep` as people and programs see it."""

from __future__ import annotations

from pathlib import Path

from tests.cli.process import autogen, called
from tests.tiny import rows, write_csv


def test_deep_findings_are_warnings_with_tables_for_people_and_keys_for_programs(untrained: Path) -> None:
    labelled = rows(40, seed=4)
    labelled[5] = (labelled[5][0], "top_up")
    write_csv(untrained / "data/train.csv", labelled)
    result = autogen("check", "-p", untrained, "--deep", "--json")
    assert result.code == 0, result.err
    skill = result.json["skills"]["support"]
    deep = skill["deep"]
    keys = {"label_errors", "near_duplicates", "leakage", "confusable", "imbalance", "learning_curve", "seconds"}
    assert keys <= deep.keys()
    lists = ("label_errors", "near_duplicates", "leakage", "confusable")
    assert result.json["warnings"] == len(skill["problems"]) + sum(len(deep[key]) for key in lists)
    shown = called("check", "-p", untrained, "--deep")
    assert shown.code == 0
    assert "would more data help?" in shown.out and "Looked at 300 rows" in shown.out


def test_without_deep_nothing_of_it_is_said_or_written(untrained: Path) -> None:
    result = called("check", "-p", untrained, "--json")
    assert "deep" not in result.json["skills"]["support"]
    assert not (untrained / ".autogen").exists()


def test_check_says_whose_feedback_counts_and_how_to_change_it(untrained: Path) -> None:
    shown = " ".join(called("check", "-p", untrained).out.split())
    assert "other people's waits in `autogen review`" in shown
    assert '`learn_from` under [feedback] in agent.toml (now "reviewed")' in shown
    with (untrained / "agent.toml").open("a", encoding="utf-8") as file:
        file.write('\n[feedback]\nlearn_from = "owner"\n')
    assert called("check", "-p", untrained, "--json").json["learn_from"] == "owner"


def test_errors_come_first(untrained: Path) -> None:
    (untrained / "data/train.csv").write_text("text,label\n,a\nhello,\n", "utf-8")
    result = called("check", "-p", untrained, "--deep", "--json")
    assert result.code == 1
    assert "deep" not in result.json["skills"]["support"]
