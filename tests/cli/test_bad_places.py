"""Disks that are full or read only, two trainings at once: one clear message, and the project still answers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from autogen.storage.files import learning_lock
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
)

MOUNT = 'mkdir -p "$1" && mount -t tmpfs -o size="$2"k tmpfs "$1"'


def _may_mount() -> bool:
    """Whether this user may make a small disk, in a name space of its own that is gone with the process."""
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(
        ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False
    )
    return tried.returncode == 0


# Where no disk can be made, a limit on the size of files stands in for it alone.
DISKS = [8_192, 65_536, *([pytest.param(n, marks=pytest.mark.slow) for n in (122_880, 300_000)])]
FREE = [300, *([pytest.param(n, marks=pytest.mark.slow) for n in (20, 150, 500)])] if _may_mount() else []


@pytest.mark.parametrize("file_bytes", DISKS)
def test_a_training_that_cannot_write_says_so_and_changes_nothing(project: Path, file_bytes: int) -> None:
    before = autogen("versions", "-p", project, "--json").json
    done = autogen("train", "-p", project, program=limited_to(file_bytes))
    _failed_for_want_of_space(done.code, done.err, "File too large", "disk I/O error")
    assert autogen("versions", "-p", project, "--json").json == before
    assert answers(project)


@pytest.mark.parametrize("free", FREE)
def test_a_disk_that_fills_up_while_training_harms_nothing(project: Path, tmp_path: Path, free: int) -> None:
    disk = tmp_path / "disk"
    kilobytes = sum(path.stat().st_size // 4096 * 4 + 4 for path in project.rglob("*") if path.is_file()) + free
    train, chat = command("train", "-p", disk), command("chat", "-p", disk, "--json")
    steps = f'{MOUNT} && cp -r "$3/." "$1" && shift 3 && "$@"; echo "train: $?" >&2; echo my card | "$0" "$ASK" chat'
    script = steps.replace('"$0" "$ASK" chat', " ".join(map(_quoted, chat)))
    words = ["unshare", "-rm", "sh", "-c", script, "sh", str(disk), str(kilobytes), str(project), *train]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    _failed_for_want_of_space(3 if "train: 3" in done.stderr else 0, done.stderr, "No space left", "disk I/O error")
    assert '"intent"' in done.stdout  # the answer of `chat`, on the full disk


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"


def _failed_for_want_of_space(code: int, err: str, *reasons: str) -> None:
    assert code == 3, err
    assert any(reason in err for reason in reasons), err
    assert "AUTOGEN_DEBUG" not in err
    assert "Traceback" not in err


def test_a_read_only_project_can_be_read_and_says_what_cannot_be_written(project: Path) -> None:
    before = files_of(project)
    with read_only(project):
        for reading in ("check", "versions", "evaluate"):
            assert autogen(reading, "-p", project, "--json", program=WITHOUT_PRIVILEGES).code == 0, reading
        for writing in ("train", "chat", "rollback", "promote --version 1", "feedback import --input data/train.csv"):
            words = [word.replace("data/", f"{project}/data/") for word in writing.split()]
            refused(autogen(*words, "-p", project, typed="hello\n", program=WITHOUT_PRIVILEGES), 3, ".autogen")
    assert files_of(project) == before
    assert answers(project)


def test_a_project_in_a_folder_that_may_not_be_written_is_not_begun(untrained: Path) -> None:
    with read_only(untrained):
        refused(autogen("train", "-p", untrained, program=WITHOUT_PRIVILEGES), 3, ".autogen", "permission")
        refused(autogen("init", untrained / "bank", program=WITHOUT_PRIVILEGES), 3, "bank")
    assert not (untrained / ".autogen").exists()


def test_of_two_trainings_at_once_the_second_is_turned_away(project: Path) -> None:
    with learning_lock(project / ".autogen"):
        for learning in ("train", "improve"):
            refused(autogen(learning, "-p", project, "--json"), 3, "Another process is learning", "nothing was changed")
        assert answers(project)
    assert called("versions", "-p", project, "--json").json["champion"] == "0001"
