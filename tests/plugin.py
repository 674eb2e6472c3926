"""The example package, installed as anybody would, in a folder of its own: what else is tested does not see it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from autogen import plugins

SOURCE = Path(__file__).resolve().parent.parent / "examples/plugin"


def install_example(folder: Path) -> Path:
    """Where it was installed to. pip builds it from a copy, for a build leaves files behind."""
    copy = Path(shutil.copytree(SOURCE, folder / "source", ignore=shutil.ignore_patterns("*.egg-info", ".autogen")))
    target = folder / "site-packages"
    words = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--target"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", *words, target, copy], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return target


@contextmanager
def installed(folder: Path) -> Iterator[Path]:
    """Meanwhile AutoGen knows the example's task and skill, in this process and in those that it starts."""
    target = install_example(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(target)
        patch.setenv("PYTHONPATH", os.fspath(target), prepend=os.pathsep)
        _look_up_anew()
        yield target
    _look_up_anew()


def _look_up_anew() -> None:
    plugins.tasks.cache_clear()
    plugins.skills.cache_clear()
