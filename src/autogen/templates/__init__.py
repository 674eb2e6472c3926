"""Projects for `autogen init`: each folder beside this file that holds an `agent.toml` is a template."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from autogen.errors import StorageError, UsageError, did_you_mean

_PROJECT_FILE = "agent.toml"
_STAGING = ".autogen-init-"


def template_names() -> list[str]:
    """The names that `copy_template` takes, sorted."""
    return sorted(entry.name for entry in files(__name__).iterdir() if (entry / _PROJECT_FILE).is_file())


def copy_template(name: str, target: Path) -> None:
    """Make `target`, a folder that is new or empty, a copy of the template.

    The copy is made under a temporary name and then moved into place, so a killed process leaves no half
    project; and nothing is overwritten.
    """
    available = template_names()
    if name not in available:
        names = ", ".join(available)
        raise UsageError(f'There is no template "{name}".{did_you_mean(name, available)} Templates: {names}.')
    make_project(target, partial(_write, files(__name__) / name))


def make_project(target: Path, write: Callable[[Path], None]) -> None:
    """Make `target`, a folder that is new or empty, what `write` writes into the new folder that it is given: whole, or
    not at all. Raises UsageError, StorageError."""
    target = target.absolute()
    try:
        if target.exists() and not _is_empty_folder(target):
            raise _target_taken(target)
        _write_and_move(write, target)
    except OSError as error:
        raise StorageError(f"Cannot make the project in {target}: {error}") from error


def _write_and_move(write: Callable[[Path], None], target: Path) -> None:
    # An existing folder is filled, not replaced: it may be a shell's current folder, or a mount.
    fill = target.exists()
    beside = target if fill else target.parent
    beside.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=_STAGING, dir=beside) as staging:
        copy = Path(staging) / "copy"
        write(copy)
        try:
            if fill:
                for entry in sorted(copy.iterdir(), key=_move_order):
                    entry.rename(target / entry.name)
            else:
                copy.rename(target)
        except OSError as error:
            if target.exists() and not _is_empty_folder(target):
                raise _target_taken(target) from error  # another process was faster
            raise


def _move_order(entry: Path) -> tuple[bool, bool]:
    """Folders first, for moving one onto a folder with files fails; the file that makes it a project last."""
    return entry.name == _PROJECT_FILE, entry.is_file()


def _write(source: Traversable, target: Path) -> None:
    if source.is_dir():
        target.mkdir()
        for entry in source.iterdir():
            _write(entry, target / entry.name)
    else:
        target.write_bytes(source.read_bytes())


def _is_empty_folder(path: Path) -> bool:
    """Also if a killed `copy_template` left its temporary folder there."""
    return path.is_dir() and all(entry.name.startswith(_STAGING) for entry in path.iterdir())


def _target_taken(target: Path) -> UsageError:
    obstacle = "is a folder with files in it" if target.is_dir() else "is a file"
    return UsageError(f"{target} {obstacle}. Nothing was changed: name a folder that is new or empty.")
