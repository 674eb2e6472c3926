"""Files that are whole or absent, their checksums, and locks between processes."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from autogen.errors import AutoGenError, Busy, StorageError

_WHAT_TO_DO = {
    errno.ENOSPC: "Free some space on that disk and try again.",
    errno.EDQUOT: "Free some of this user's disk quota and try again.",
    errno.EROFS: "The file system is mounted read-only: use a writable place.",
    errno.EACCES: "Give this user permission to read and write there, or use another folder.",
    errno.EPERM: "Give this user permission to read and write there, or use another folder.",
    errno.EFBIG: "Raise the file size limit of this process (ulimit -f).",
    errno.EIO: "The disk reports a fault: check it, and restore from a backup if it is failing.",
    errno.EMFILE: "Raise the limit of open files (ulimit -n).",
    errno.ENFILE: "The system has too many open files: close some programs.",
    errno.ENOENT: "Check that the path is right and that the folder exists.",
    errno.ENOTDIR: "A part of the path is a file where a folder was expected: use another path.",
    errno.EISDIR: "A folder is in the place of this file: move it away or use another path.",
    errno.EEXIST: "Something else is already there: move it away or use another path.",
    errno.ENAMETOOLONG: "Use a shorter path.",
}


@contextmanager
def explain_os_errors(path: Path) -> Iterator[None]:
    """Turn every `OSError` of the block into a `StorageError` that names the path and says what to do."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        advice = _WHAT_TO_DO.get(error.errno or 0, "Check that disk, then try again.")
        raise StorageError(f"{path} could not be read or written: {reason}. {advice}") from error


def fsync_folder(folder: Path) -> None:
    """Make the names in `folder` survive power loss (a file's own fsync does not cover its name)."""
    if os.name == "nt":  # Windows cannot open a folder, and journals names itself
        return
    with explain_os_errors(folder):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def make_folder(folder: Path) -> None:
    """Make `folder` and its parents, durably. Raises `StorageError`."""
    with explain_os_errors(folder):
        if folder.is_dir():
            return
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
    fsync_folder(folder.parent)


def write_atomically(path: Path, data: bytes) -> None:
    """Write the file so that, whatever happens, `path` holds the old bytes or all the new ones.

    Durable on return. The folder must exist. Raises `StorageError`.
    """
    # Same folder, because a rename is atomic only within one file system.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    with explain_os_errors(path):
        try:
            with draft.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    fsync_folder(path.parent)


def write_json(path: Path, value: object) -> None:
    """Write `value` as readable JSON, atomically. Raises `StorageError`; `ValueError` on NaN or infinity."""
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)
    write_atomically(path, f"{text}\n".encode())


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal. Raises `StorageError`."""
    with explain_os_errors(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def file_lock(path: Path, wait_seconds: float, refusal: AutoGenError) -> Iterator[None]:
    """Hold the lock file at `path`; the system frees it even if this process is killed.

    Raises `refusal` when another process (or thread) has it for longer than `wait_seconds`; `StorageError`.
    """
    lock = FileLock(path, timeout=wait_seconds)
    with explain_os_errors(path):
        try:
            lock.acquire()
        except Timeout:
            raise refusal from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def learning_lock(folder: Path) -> Iterator[None]:
    """Be the only one that learns in `folder`. Raises `Busy` at once when another does; `StorageError`."""
    make_folder(folder)
    refusal = Busy(
        f"Another process is learning in {folder}. Wait until it is done, or stop it, and try again; "
        "nothing was changed."
    )
    with file_lock(folder / "learning.lock", 0, refusal):
        yield
