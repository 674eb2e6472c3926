"""Disks that are full or read only, two trainings at once: one clear message, and the project still answers."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from autogen import Agent
from autogen.versions.registry import Versions
from tests.cli.process import (
    WITHOUT_PRIVILEGES,
    answers,
    autogen,
    called,
    command,
    files_of,
    limited_to,
    read_only,
    refused,
    started,
    until,
)

SMALL_DISK = ["unshare", "-rm", "sh", "-c"]  # a name space of its own: the disk is gone with the process
SCRIPT = """
mount -t tmpfs -o size="$1"k tmpfs "$2" && cp -r "$3/." "$2" && shift 3
"$@" train -p . ; echo "train ended with $?" >&2
echo my card | "$@" chat -p . --json
"""
MORE_ROOM = """
echo "chat ended with $?" >&2
mount -o remount,size=64m . && echo my card | "$@" chat -p . --json
"""


def slow(file_bytes: int) -> ParameterSet:
    return pytest.param(file_bytes, marks=pytest.mark.slow)


@pytest.mark.parametrize("file_bytes", [65_536, slow(8_192), slow(122_880), slow(300_000)])
def test_a_training_that_cannot_write_says_so_and_changes_nothing(project: Path, file_bytes: int) -> None:
    before = called("versions", "-p", project, "--json").json
    result = autogen("train", "-p", project, program=limited_to(file_bytes))
    assert result.code == 3
    _names_the_disk(result.err, "File too large", "disk I/O error")
    assert called("versions", "-p", project, "--json").json == before
    assert answers(project)


def _may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = [*SMALL_DISK, "mount -t tmpfs tmpfs /mnt"]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


if _may_mount():  # elsewhere the limit on file sizes stands for a full disk alone

    def on_a_small_disk(project: Path, disk: Path, free: int, script: str) -> subprocess.CompletedProcess[str]:
        """What a script says on a disk that has `free` KB beside the project."""
        disk.mkdir()
        kilobytes = free + sum(path.stat().st_size // 4096 * 4 + 4 for path in project.rglob("*") if path.is_file())
        script = script.replace("-p .", f"-p {disk}").replace("size=64m .", f"size=64m {disk}")
        words = [*SMALL_DISK, f"cd / && {script}", "sh", str(kilobytes), str(disk), str(project), *command(fresh=True)]
        return subprocess.run(words, capture_output=True, text=True, check=False)

    @pytest.mark.parametrize("free", [slow(150), slow(300), slow(500)])
    def test_the_champion_still_answers_after_a_training_filled_the_disk(
        project: Path, tmp_path: Path, free: int
    ) -> None:
        done = on_a_small_disk(project, tmp_path / "disk", free, SCRIPT)
        assert "train ended with 3" in done.stderr
        _names_the_disk(done.stderr, "No space left", "disk I/O error")
        assert json.loads(done.stdout)["version"] == "0001"

    @pytest.mark.slow
    def test_without_room_for_a_response_chat_says_so_and_with_room_again_it_answers(
        project: Path, tmp_path: Path
    ) -> None:
        done = on_a_small_disk(project, tmp_path / "disk", 20, SCRIPT + MORE_ROOM)
        before, after = done.stderr.split("chat ended with")
        assert "train ended with 3" in before
        _names_the_disk(before.split("train ended with")[1], "disk is full", "disk I/O error")
        assert json.loads(done.stdout.splitlines()[-1])["version"] == "0001" and "refused" not in after


def _names_the_disk(err: str, *reasons: str) -> None:
    assert any(reason in err for reason in reasons), err
    assert "AUTOGEN_DEBUG" not in err  # that is for what nobody foresaw
    assert "Traceback" not in err


def test_a_read_only_project_can_be_read_and_says_what_cannot_be_written(project: Path) -> None:
    before = files_of(project)
    with read_only(project):
        for reading in ("check", "versions", "evaluate", "feedback list"):
            assert autogen(*reading.split(), "-p", project, "--json", program=WITHOUT_PRIVILEGES).code == 0, reading
        for writing in ("chat", "rollback", "promote --version 1", "feedback import --input data/train.csv"):
            words = [word.replace("data/", f"{project}/data/") for word in writing.split()]
            refused(autogen(*words, "-p", project, typed="hello\n", program=WITHOUT_PRIVILEGES), 3, ".autogen")
    assert files_of(project) == before
    assert answers(project)


def test_feedback_of_a_read_only_project_is_listed_also_what_is_only_in_the_log(project: Path) -> None:
    Agent.load(project).feedback(Agent.load(project).respond("my card was stolen").id, label="lost_card")
    with read_only(project):
        result = autogen("feedback", "list", "-p", project, "--json", program=WITHOUT_PRIVILEGES)
        assert [entry["label"] for entry in result.json["feedback"]] == ["lost_card"], result.err
        exported = autogen("feedback", "export", "-p", project, program=WITHOUT_PRIVILEGES).objects
        assert [entry["label"] for entry in exported] == ["lost_card"]


def test_a_project_in_a_folder_that_may_not_be_written_is_not_begun(untrained: Path) -> None:
    with read_only(untrained):
        refused(autogen("train", "-p", untrained, program=WITHOUT_PRIVILEGES), 3, ".autogen", "permission")
        refused(autogen("init", untrained / "bank", program=WITHOUT_PRIVILEGES), 3, "bank")
    assert not (untrained / ".autogen").exists()


def test_of_two_trainings_at_once_the_second_is_turned_away(project: Path) -> None:
    first = started("train", "-p", project)
    until((project / ".autogen/training/train/run.json").is_file, 120)
    for learning in ("train", "improve"):
        refused(called(learning, "-p", project, "--json"), 3, "Another process is learning", "nothing was changed")
    assert answers(project)
    first.communicate()
    assert first.returncode == 0
    assert Versions(project).names() == ["0001", "0002"]
