"""A process killed at any moment leaves a project that works: real processes, real kill -9."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from autogen import Agent, Project
from autogen.feedback.events import FeedbackStore
from autogen.progress import TrainingProgress
from autogen.storage.database import Database
from autogen.versions.manifest import Manifest, check_files
from autogen.versions.registry import Versions
from tests.cli.process import called, command, refused, until
from tests.tiny import rows, write_csv


def start(project: Path, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command(*words, "-p", project), stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(project: Path, *words: str) -> int:
    return subprocess.run(command(*words, "-p", project), capture_output=True, check=False).returncode


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


def add_version(project: Path, name: str) -> None:
    """The first version once more, as a candidate that has passed."""
    versions = Versions(project)
    first = versions.manifest("0001")
    with versions.draft() as draft:
        shutil.copytree(versions.folder / "0001/models", draft / "models")
        values = {"version": name, "parent": "0001", "verdict": {"passed": True, "summary": "It is the same."}}
        versions.publish(draft, first.model_copy(update=values))


def spread(count: int, longest: float) -> list[float]:
    return [longest * (at + 1) / count for at in range(count)]


def test_train_killed_anywhere_leaves_the_champion_answering(project: Path) -> None:
    for seconds in spread(4, 5.0):
        kill_after(project, seconds, "train")
        works(project)
    new_version = Project.open(project).train(progress=TrainingProgress(quiet=True)).version
    assert new_version in Versions(project).names()
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
    add_version(project, "0002")
    for seconds in spread(8, 0.7):
        kill_after(project, seconds, "promote", "--version", "2", "--force")
        assert Versions(project).champion() in ("0001", "0002")
        kill_after(project, seconds, "rollback")
        assert Versions(project).champion() in ("0001", "0002")
    works(project)


def test_an_import_killed_anywhere_is_whole_or_absent(project: Path) -> None:
    row_count = 400
    write_csv(project / "many.csv", rows(row_count // 4, seed=21))
    store = FeedbackStore(Database.open(project / ".autogen/agent.db"))
    for seconds in spread(8, 1.6):
        before = len(store.all())
        kill_after(project, seconds, "feedback", "import", "--input", str(project / "many.csv"))
        assert len(store.all()) - before in (0, row_count)
    works(project)


def test_ctrl_c_leaves_a_training_that_resumes(untrained: Path) -> None:
    config = (untrained / "agent.toml").read_text("utf-8").replace("epochs = 6", "epochs = 10")
    (untrained / "agent.toml").write_text(config, "utf-8")
    process = start(untrained, "train")
    state = untrained / ".autogen/training/train"
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and not list(state.glob("**/checkpoint-*/trainer_state.json")):
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGINT)
    _, output = process.communicate(timeout=90)
    assert process.returncode == 130, output
    assert b"--resume" in output and b"Traceback" not in output
    assert finish(untrained, "train", "--resume") == 0
    works(untrained)


@pytest.mark.slow
def test_ctrl_c_at_any_moment_ends_with_130_and_one_line(untrained: Path) -> None:
    for seconds in spread(12, 9.0):
        process = start(untrained, "train")
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        _, output = process.communicate(timeout=90)
        assert process.returncode == 130 or (process.returncode == 0 and seconds > 5), output
        assert b"Traceback" not in output, (seconds, output)
    assert finish(untrained, "train") == 0
    works(untrained)


@pytest.mark.slow
def test_a_resumed_training_ends_as_one_that_was_never_interrupted(untrained: Path) -> None:
    whole = Path(shutil.copytree(untrained, untrained.with_name("whole")))
    state = untrained / ".autogen/training/train"
    process = start(untrained, "train")
    until(lambda: any(state.glob("**/checkpoint-*/trainer_state.json")), 90)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=90)
    assert process.returncode == 130
    data = untrained / "data/train.csv"
    before = data.read_bytes()
    data.write_bytes(before + b"one row more,top_up\n")
    refused(called("train", "--resume", "-p", untrained), 2, "have changed since the interrupted training began")
    data.write_bytes(before)
    resumed = Project.open(untrained).train(resume=True, progress=TrainingProgress(quiet=True))
    uninterrupted = Project.open(whole).train(progress=TrainingProgress(quiet=True))
    assert weights(resumed) == weights(uninterrupted)


def weights(manifest: Manifest) -> dict[str, str]:
    return {name: file.sha256 for name, file in manifest.files.items() if name.endswith((".safetensors", ".onnx"))}
