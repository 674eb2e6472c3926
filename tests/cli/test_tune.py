"""`autogen tune` as people run it."""

from __future__ import annotations

import re
import shutil
import signal
import sqlite3
import tomllib
from pathlib import Path

import pytest

from autogen.errors import ConfigError
from autogen.project.agent_file import training_lines, write_training
from tests.cli.process import called, read_only, refused, started, until

COMMENTED = """# the bank's agent
[agent]
name = "tiny"   # said to people
base_model = "{base}"

[skills.support]
type = "customer-service"
train   = 'data/train.csv'  # theirs
eval = "data/eval.csv"

[skills.support.training]
epochs = 1              # quick
freeze_embeddings = false

[gate]
margin = 0.02 # two points
"""


@pytest.fixture
def commented(untrained: Path, tiny_base_model: Path) -> Path:
    (untrained / "agent.toml").write_text(COMMENTED.format(base=tiny_base_model), "utf-8")
    return untrained


@pytest.mark.parametrize("time", ["", "10", "10x", "-5m", "0s", "m", "1d", "ten minutes"])
def test_a_time_that_is_none_is_bad_usage(untrained: Path, time: str) -> None:
    refused(called("tune", "-p", untrained, "--time", time, "--json"), 2, "30s, 10m, 2h", repr(time))


def test_other_bad_words_are_bad_usage(untrained: Path) -> None:
    assert called("tune", "-p", untrained, "--trials", "-1").code == 2
    refused(called("tune", "-p", untrained, "--skill", "nobody"), 2, "support")


def test_with_several_skills_it_must_be_told_which(commented: Path) -> None:
    text = (commented / "agent.toml").read_text("utf-8")
    second = '[skills.other]\ntype = "customer-service"\ntrain = "data/train.csv"\n'
    (commented / "agent.toml").write_text(text + second, "utf-8")
    refused(called("tune", "-p", commented), 2, "support, other", "--skill")


def test_the_winner_is_written_and_comments_stay(commented: Path) -> None:
    result = called("tune", "-p", commented, "--trials", "4", "--write", "--force", "--json")
    assert result.code == 0, result.err
    report = result.json
    assert report["trials"][0]["default"] and len(report["trials"]) == 4
    assert (
        report["winner"]["score"] > report["default"]["score"]
    )  # one epoch at the recipe's rate is far too little here
    assert report["written"] and "epochs" not in report["winner"]["settings"]
    text = (commented / "agent.toml").read_text("utf-8")
    assert set(COMMENTED.splitlines()[:3] + COMMENTED.splitlines()[4:]) <= set(text.splitlines())
    training = tomllib.loads(text)["skills"]["support"]["training"]
    assert training == {"epochs": 1, "freeze_embeddings": False, **report["winner"]["settings"]}
    assert report["lines"].splitlines()[0] in text
    # what was written is the user's own now
    refused(called("tune", "-p", commented, "--trials", "1"), 2, "set in [skills.support.training] already")


def test_a_gain_within_noise_is_not_written_unless_forced_and_trials_are_shown_again(commented: Path) -> None:
    before = (commented / "agent.toml").read_bytes()
    interrupted = commented / ".autogen/training/train/support/intent/final/checkpoint-3/trainer_state.json"
    interrupted.parent.mkdir(parents=True)
    interrupted.write_text("{}", "utf-8")
    result = called("tune", "-p", commented, "--trials", "1", "--write")
    assert result.code == 0, result.err
    assert "keep it" in result.out
    assert (commented / "agent.toml").read_bytes() == before
    assert interrupted.is_file()  # a training that can be resumed still can
    shown = called("tune", "-p", commented, "--trials", "0", "--json").json
    assert len(shown["trials"]) == 1 and not shown["written"] and shown["gain"] is None


def test_changed_data_begins_anew_and_says_so(commented: Path) -> None:
    assert called("tune", "-p", commented, "--trials", "1").code == 0
    with (commented / "data/train.csv").open("a", encoding="utf-8") as file:
        file.write("please block my stolen wallet now,lost_card\n")
    result = called("tune", "-p", commented, "--trials", "0", "--json")
    assert "changed since the last one: data" in result.json["began"]
    assert result.json["trials"] == []


def test_ctrl_c_ends_with_130_and_keeps_what_is_done(commented: Path) -> None:
    running = started("tune", "-p", commented, "--time", "5m")
    try:
        until(lambda: finished(commented) >= 1, 200)
        running.send_signal(signal.SIGINT)
        _, output = running.communicate(timeout=200)
    finally:
        running.kill()
    assert running.returncode == 130, output
    assert "Traceback" not in output
    assert called("tune", "-p", commented, "--trials", "0", "--json").json["default"]["state"] == "done"


def finished(project: Path) -> int:
    database = project / ".autogen/tune.db"
    if not database.is_file():
        return 0
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        try:
            return int(connection.execute("SELECT count(*) FROM trials WHERE state = 'COMPLETE'").fetchone()[0])
        except sqlite3.OperationalError:  # not set up yet
            return 0


def test_a_damaged_file_of_trials_is_said_to_be(commented: Path) -> None:
    (commented / ".autogen").mkdir(exist_ok=True)
    (commented / ".autogen/tune.db").write_bytes(b"no database" * 1000)
    refused(called("tune", "-p", commented, "--trials", "0"), 3, "tune.db", "remove that file")


LAYOUTS = {
    "no section": '[agent]\nname = "a"\n[skills.support]\ntype = "x" # kind\n\n[gate]\nmargin = 0.1 # wide\n',
    "inline": '[agent]\nname = "a"\n[skills]\nsupport = { type = "x", training = { epochs = 2 } } # one line\n',
    "inline without": '[agent]\nname = "a"\n[skills]\nsupport = { type = "x" } # one line\n',
    "dotted": '[agent]\nname = "a"\n[skills.support]\ntype = "x"\ntraining.epochs = 2 # few\n',
    "apart": '[skills.support]\ntype = "x"\n[gate]\nmargin = 0.1\n[skills.support.training]\nepochs = 2 # few\n',
    "windows": '[agent]\r\nname = "a"\r\n[skills.support]\r\ntype = "x" # kind\r\ntraining.epochs = 2\r\n',
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_settings_are_written_into_any_layout_and_nothing_else_changes(tmp_path: Path, layout: str) -> None:
    before = LAYOUTS[layout].encode()
    path = tmp_path / "agent.toml"
    path.write_bytes(before)
    try:
        write_training(tmp_path, "support", {"epochs": 4, "learning_rate": 1.5e-4})
    except ConfigError as error:  # left alone, and the lines are given
        assert path.read_bytes() == before
        assert training_lines({"epochs": 4, "learning_rate": 1.5e-4}) in str(error)
        return
    expected = tomllib.loads(before.decode())
    expected["skills"]["support"].setdefault("training", {}).update(epochs=4, learning_rate=1.5e-4)
    assert tomllib.loads(path.read_bytes().decode()) == expected
    assert re.findall(rb"#.*", before) == re.findall(rb"#.*", path.read_bytes())


def test_a_project_that_may_not_be_written_says_so(commented: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(commented, tmp_path / "copy"))
    with read_only(copy):
        result = called("tune", "-p", copy, "--trials", "0")
    assert result.code in (0, 3)  # root may write anywhere


def test_settings_are_written_into_a_file_that_begins_with_a_mark(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text('[agent]\nname = "a"\n\n[skills.support]\ntype = "customer-service"\n', "utf-8-sig")
    write_training(tmp_path, "support", {"epochs": 4})
    assert tomllib.loads(file.read_text("utf-8-sig"))["skills"]["support"]["training"] == {"epochs": 4}
