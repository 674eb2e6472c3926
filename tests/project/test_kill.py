"""A process killed at any moment leaves a project that works: real processes, real kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autogen import Agent
from autogen.feedback.events import FeedbackStore
from autogen.storage.database import Database
from autogen.versions.manifest import check_files
from autogen.versions.registry import Versions
from tests.tiny import rows, write_csv

COMMAND = [sys.executable, "-c", "from autogen.cli.main import main; main()"]


def start(project: Path, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*COMMAND, *words, "-p", str(project)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(project: Path, *words: str) -> int:
    return subprocess.run([*COMMAND, *words, "-p", str(project)], capture_output=True, check=False).returncode


def works(project: Path) -> None:
    """It answers, with the champion it names, and every version it lists is whole."""
    versions = Versions(project)
    for name in versions.names():
        check_files(versions.folder / name, versions.manifest(name))
    assert Agent.load(project).respond("card delivery by post").version == versions.champion()


def kill_after(project: Path, seconds: float, *words: str) -> None:
    process = start(project, *words)
    time.sleep(seconds)
    process.kill()
    process.communicate()


def spread(count: int, longest: float) -> list[float]:
    return [longest * (at + 1) / count for at in range(count)]


def test_train_killed_anywhere_leaves_the_champion_answering(project: Path) -> None:
    for seconds in spread(6, 12.0):
        kill_after(project, seconds, "train")
        works(project)
    assert finish(project, "train") == 0
    works(project)


@pytest.mark.slow
def test_train_and_improve_killed_at_many_points(project: Path) -> None:
    write_csv(project / "more.csv", rows(30, seed=20))
    assert finish(project, "feedback", "import", "--input", str(project / "more.csv")) == 0
    for seconds in spread(12, 14.0):
        for word in ("train", "improve"):
            kill_after(project, seconds, word)
            works(project)
    assert finish(project, "train") == 0


def test_promote_and_rollback_killed_anywhere_leave_one_champion(project: Path) -> None:
    assert finish(project, "train") == 0
    for seconds in spread(8, 0.7):
        kill_after(project, seconds, "promote", "--version", "2", "--force")
        assert Versions(project).champion() in ("0001", "0002")
        kill_after(project, seconds, "rollback")
        assert Versions(project).champion() in ("0001", "0002")
    works(project)


def test_an_import_killed_anywhere_is_whole_or_absent(project: Path) -> None:
    wanted = 400
    write_csv(project / "many.csv", rows(wanted // 4, seed=21))
    store = FeedbackStore(Database.open(project / ".autogen/agent.db"))
    for seconds in spread(8, 1.6):
        before = len(store.all())
        kill_after(project, seconds, "feedback", "import", "--input", str(project / "many.csv"))
        assert len(store.all()) - before in (0, wanted)
    works(project)


def test_ctrl_c_leaves_a_training_that_resumes(untrained: Path) -> None:
    config = (untrained / "agent.toml").read_text("utf-8").replace("epochs = 6", "epochs = 400")
    (untrained / "agent.toml").write_text(config, "utf-8")
    process = start(untrained, "train")
    state = untrained / ".autogen/training/train"
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and not list(state.glob("**/checkpoint-*/trainer_state.json")):
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=90)
    assert process.returncode == 130, said
    assert b"--resume" in said and b"Traceback" not in said
    assert finish(untrained, "train", "--resume") == 0
    works(untrained)
