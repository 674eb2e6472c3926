"""A task and a skill of another package go through all that AutoGen does, with nothing of AutoGen changed for them."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autogen.errors import ConfigError
from autogen.plugins import tasks
from tests.cli.process import FinishedCommand, autogen, refused
from tests.plugin import SOURCE, installed
from tests.serving.process import ServerProcess, words

SKILL, UNKNOWN = "mood", "I am irate about tomorrow"  # a word that only the corrections have
KNOWN = "I am livid about tomorrow"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with installed(tmp_path_factory.mktemp("package")) as target:
        yield target


@pytest.fixture(scope="module")
def trained_moods(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001 it must be there
    """The example's project with one version. Read only: take `moods` to change one."""
    folder = Path(shutil.copytree(SOURCE / "project", tmp_path_factory.mktemp("moods") / "project"))
    with (folder / "agent.toml").open("a", encoding="utf-8") as file:
        file.write("\n[gate]\nlatency_ratio = 100.0  # a test may share the processor\n")
    done = autogen("train", "-p", folder, "--json")
    assert done.code == 0, done.err
    assert done.json["version"] == "0001"
    return folder


@pytest.fixture
def moods(trained_moods: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained_moods, tmp_path / "moods"))


def answered(done: FinishedCommand) -> Any:
    assert done.code == 0, done.err
    return done.json


def test_its_data_is_checked(moods: Path) -> None:
    skill = answered(autogen("check", "-p", moods, "--json"))["skills"][SKILL]
    assert skill["labels"]["glad"] == {"train": 40, "eval": 25} and not skill["problems"]
    assert skill["recipe"] == "logistic regression on the words of 120 rows"
    with (moods / "data/train.csv").open("a", encoding="utf-8") as file:
        file.write('"",glad\n')
    done = autogen("check", "-p", moods, "--json")
    (problem,) = done.json["skills"][SKILL]["problems"]
    assert (done.code, problem["row"], problem["kind"]) == (1, 122, "missing-value")


def test_its_own_settings_are_known_and_others_are_not(moods: Path) -> None:
    text = (moods / "agent.toml").read_text("utf-8")
    (moods / "agent.toml").write_text(
        text.replace("[gate]", "[skills.mood.training]\nmin_rows = 40\n\n[gate]"), "utf-8"
    )
    assert answered(autogen("check", "-p", moods, "--json"))["skills"][SKILL]["settings"]["min_rows"] == 40
    (moods / "agent.toml").write_text(text.replace("ignored", "ignoried"), "utf-8")
    refused(autogen("check", "-p", moods), 2, "ignoried", 'Did you mean "ignored"?')


def test_its_champion_is_evaluated_and_a_report_is_drawn(moods: Path) -> None:
    found = answered(autogen("evaluate", "-p", moods, "--json"))
    metrics = found["skills"][SKILL]["metrics"]
    assert {*metrics} == {"accuracy", "macro_f1"} and 0.7 < metrics["accuracy"] < 0.95
    page = Path(found["report"]).read_text("utf-8")
    assert "The heaviest words" in page and "Hardest labels" in page and "<svg" in page
    train = answered(autogen("evaluate", "-p", moods, "--json", "--data", moods / "data/train.csv"))
    assert train["skills"][SKILL]["metrics"]["accuracy"] == 1


def test_rows_are_answered_with_its_own_columns(moods: Path, tmp_path: Path) -> None:
    target = tmp_path / "answered.csv"
    assert answered(autogen("predict", "-p", moods, "--input", moods / "data/train.csv", "--output", target, "--json"))
    with target.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 120 and all(row["prediction"] == row["label"] for row in rows)
    assert {"confidence", "words"} < {*rows[0]} and "the" not in rows[0]["words"].split()


def test_it_talks_asks_back_and_takes_feedback(moods: Path) -> None:
    typed = f"{KNOWN}\n/up\n{UNKNOWN}\ncross\nzzz\n/label fuming\n"
    done = autogen("chat", "-p", moods, "--json", typed=typed)
    assert done.code == 0, done.err
    known, _, unsure, chosen, none, _ = done.objects
    assert (known["action"], known["intent"], known["text"]) == ("answer", "cross", "I am sorry to hear that.")
    assert known["details"]["words"][0]["word"] == "livid"
    assert unsure["action"] == "clarify" and "cross" in unsure["text"]
    assert (chosen["action"], chosen["intent"], chosen["confidence"]) == ("answer", "cross", 1.0)
    assert none["action"] == "decline" and none["conversation_id"] == known["conversation_id"]
    listed = autogen("feedback", "export", "-p", moods, "--output", moods / "feedback.jsonl", "--json")
    assert listed.code == 0, listed.err
    rows = [json.loads(line) for line in (moods / "feedback.jsonl").read_text("utf-8").splitlines()]
    assert [(row["text"], row["label"]) for row in rows] == [(KNOWN, None), ("zzz", "fuming")]


def test_a_stranger_s_correction_waits_for_review(moods: Path) -> None:
    row = {"text": UNKNOWN, "label": "glad", "user": "somebody", "trusted": "false"}
    (moods / "stranger.jsonl").write_text(json.dumps(row) + "\n" + json.dumps({**row, "label": "cross"}), "utf-8")
    assert autogen("feedback", "import", "-p", moods, "--input", moods / "stranger.jsonl").code == 0
    found = answered(autogen("review", "-p", moods, "--json"))
    assert {one["reason"] for one in found["waiting"]} == {"conflict"}, found


def test_corrections_make_a_better_version_that_is_promoted_and_taken_back(moods: Path) -> None:
    done = autogen("feedback", "import", "-p", moods, "--input", moods / "data/corrections.csv", "--json")
    assert answered(done)["imported"] == 60
    candidate = answered(autogen("improve", "-p", moods, "--json"))
    assert candidate["version"] == "0002" and candidate["verdict"]["passed"], candidate["verdict"]
    typed = f"{UNKNOWN}\n"
    assert autogen("chat", "-p", moods, "--json", typed=typed).json["version"] == "0001"
    assert answered(autogen("promote", "-p", moods, "--json"))["champion"] == "0002"
    better = autogen("chat", "-p", moods, "--json", typed=typed).json
    assert (better["version"], better["action"], better["intent"]) == ("0002", "answer", "cross")
    was, now = (
        answered(autogen("evaluate", "-p", moods, "--version", version, "--no-report", "--json"))["skills"][SKILL]
        for version in ("0001", "0002")
    )
    assert now["metrics"]["accuracy"] > was["metrics"]["accuracy"]
    assert now["rows"] > was["rows"]  # feedback set aside is measured on
    assert answered(autogen("rollback", "-p", moods, "--json"))["champion"] == "0001"


def test_without_new_feedback_there_is_nothing_to_improve(moods: Path) -> None:
    refused(autogen("improve", "-p", moods), 1, "No feedback")


def test_a_reply_that_was_rewritten_makes_another_version(moods: Path) -> None:
    text = (moods / "agent.toml").read_text("utf-8")
    (moods / "agent.toml").write_text(text.replace("How lovely!", "Wonderful!"), "utf-8")
    verdict = answered(autogen("train", "-p", moods, "--json"))["verdict"]
    assert "answers changed: replies" in json.dumps(verdict)


def test_it_is_served_without_torch_and_has_its_own_route(moods: Path) -> None:
    with ServerProcess(moods) as server:
        completion = server.say(KNOWN)
        assert words(completion) == "I am sorry to hear that."
        assert completion["autogen"]["details"]["words"][0]["word"] == "livid"
        unsure = server.say(UNKNOWN)
        conversation = unsure["autogen"]["conversation_id"]
        assert words(server.say("worried", conversation)) == "Take a breath; tell me more."
        kept = server.http.post("/v1/feedback", json={"response_id": completion["id"], "label": "fuming"})
        assert kept.status_code == 200 and "no sentiment yet" in kept.json()["note"]
        assert server.http.post("/v1/parse", json={"text": KNOWN}).json()["intent"]["name"] == "cross"
        lexicon = server.http.get("/v1/lexicon", params={"n": 3})
        assert lexicon.status_code == 200 and len(lexicon.json()["sentiments"]["glad"]) == 3
        assert server.http.get("/v1/lexicon", params={"n": 0}).status_code in (400, 422)
        assert "/v1/lexicon" in server.http.get("/openapi.json").json()["paths"]
        assert server.stop() == []


def test_it_has_its_own_command(moods: Path) -> None:
    found = answered(autogen("lexicon", "-p", moods, "-n", 2, "--json"))
    assert found["version"] == "0001" and {*found["sentiments"]} == {"cross", "glad", "worried"}
    assert "angry" in json.dumps(found["sentiments"]["cross"]) + autogen("lexicon", "-p", moods).out
    assert "lexicon" in autogen("--help").out
    refused(autogen("lexicon", "-p", moods, "--skill", "other"), 2, "'other'", SKILL)


@pytest.mark.usefixtures("package")
def test_a_task_that_tunes_no_transformers_model_says_so_to_auto_gen(tiny_base_model: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    from autogen import AutoGen

    assert "sentiment-lexicon" in tasks()
    model, tokenizer = AutoModel.from_pretrained(tiny_base_model), AutoTokenizer.from_pretrained(tiny_base_model)
    words = r"'sentiment-lexicon'\. It tunes no transformers model: learn it in a project"
    with pytest.raises(ConfigError, match=words):
        AutoGen(model, tokenizer, task="sentiment-lexicon")


def test_without_the_package_its_project_and_its_versions_are_refused_by_name(
    moods: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH")
    refused(autogen("check", "-p", moods), 2, "'sentiment'")
    refused(autogen("chat", "-p", moods, typed="hello\n"), 3, "sentiment")


@pytest.mark.usefixtures("package")
def test_its_own_tests_pass(tmp_path: Path) -> None:
    own = shutil.copytree(SOURCE / "tests", tmp_path / "tests")
    shutil.copytree(SOURCE / "project", tmp_path / "project")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", own],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rows_of_its_project_are_those_that_its_script_makes(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SOURCE / "project", tmp_path / "project"))
    before = {path.name: path.read_bytes() for path in (folder / "data").iterdir()}
    for path in (folder / "data").iterdir():
        path.unlink()
    subprocess.run([sys.executable, folder / "make_rows.py"], check=True)
    assert {path.name: path.read_bytes() for path in (folder / "data").iterdir()} == before
