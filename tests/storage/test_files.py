from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from autogen.errors import Busy, StorageError
from autogen.storage.files import learning_lock, make_folder, sha256_of, write_atomically, write_json


@pytest.fixture
def read_only_folder() -> Iterator[Path]:
    """A folder this process may not write to, even when the tests run as root."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        was = os.geteuid()
        os.seteuid(65534 if was == 0 else was)
        try:
            yield folder
        finally:
            os.seteuid(was)
            folder.chmod(0o755)


def test_a_file_is_replaced_whole_and_leaves_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_json_reads_back_as_it_was_written(tmp_path: Path) -> None:
    value = {"name": "Zürich", "scores": [0.1, 1e-9]}
    write_json(tmp_path / "a.json", value)
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert json.loads(text) == value
    assert "Zürich" in text


def test_a_number_that_json_does_not_know_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", 1)
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", float("nan"))
    assert json.loads((tmp_path / "a.json").read_text()) == 1


def test_a_checksum_is_the_files_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 300_000)
    assert sha256_of(tmp_path / "a") == hashlib.sha256(b"x" * 300_000).hexdigest()


def test_a_missing_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"absent could not be .*No such file.*Check that the path"):
        sha256_of(tmp_path / "absent")


def test_a_read_only_folder_is_a_storage_error_that_says_what_to_do(read_only_folder: Path) -> None:
    with pytest.raises(StorageError, match=r"a\.json could not be .*Permission denied.*Give this user permission"):
        write_atomically(read_only_folder / "a.json", b"{}")
    with pytest.raises(StorageError, match="Permission denied"):
        make_folder(read_only_folder / "sub" / "sub")


def test_a_file_in_the_place_of_a_folder_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        make_folder(tmp_path / "file" / "sub")


def test_when_a_file_may_not_grow_the_old_one_stays_whole(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    write_atomically(path, b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(StorageError, match=r"File too large.*ulimit -f"):
            write_atomically(path, b"x" * 10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_killed_writer_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "champion.json"
    old, new = b"a" * 100_000, b"b" * 100_000
    write_atomically(path, old)
    script = f"""
from pathlib import Path
from autogen.storage.files import write_atomically
print("go", flush=True)
while True:
    write_atomically(Path({str(path)!r}), {new[:1]!r} * 100_000)
    write_atomically(Path({str(path)!r}), {old[:1]!r} * 100_000)
"""
    for _ in range(5):
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.readline()
            child.kill()
        assert path.read_bytes() in (old, new)


def test_only_one_may_learn_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / ".autogen"
    busy = pytest.raises(Busy, match=rf"{folder}.*Wait until it is done")
    with learning_lock(folder), busy, learning_lock(folder):
        pass
    with learning_lock(folder):
        pass


def test_a_killed_learner_frees_the_lock(tmp_path: Path) -> None:
    script = f"""
import sys
from pathlib import Path
from autogen.storage.files import learning_lock
with learning_lock(Path({str(tmp_path)!r})):
    print("learning", flush=True)
    sys.stdin.read()
"""
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with pytest.raises(Busy), learning_lock(tmp_path):
            pass
        child.kill()
    with learning_lock(tmp_path):
        pass


def test_the_lock_is_freed_when_learning_fails(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), learning_lock(tmp_path):
        raise RuntimeError
    with learning_lock(tmp_path):
        pass
