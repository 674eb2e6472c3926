"""What a packaged base model is: wheels of an ordinary package index, and how a transformers folder is made of them."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from autogen.errors import StorageError

CACHE_VARIABLE = "AUTOGEN_CACHE"


@dataclass(frozen=True)
class Package:
    """A wheel, and of its files those that are needed: the path inside the wheel → sha256."""

    name: str
    version: str
    files: Mapping[str, str]
    platform: str | None = None  # the wheel's tag, where it is built for one platform: its data serve all of them

    @property
    def pin(self) -> str:
        return f"{self.name}=={self.version}"


@dataclass(frozen=True)
class PackagedModel:
    """One entry of the table. `make(source, target)` turns the packages' files, which lie under `source` with the paths
    that they have in their wheels, into the files of a transformers folder, for which `target` is there already."""

    name: str
    kind: Literal["encoder", "generator"]
    packages: tuple[Package, ...]
    make: Callable[[Path, Path], None]
    sha256: Mapping[str, str]  # of the folder's files
    licence: str
    languages: str
    parameters: str
    download_mb: int
    disk_mb: int
    description: str
    gguf_file: str | None = None  # the folder's one file, where the model is kept in llama.cpp's format
    needs: tuple[str, ...] = ()  # modules without which it cannot be loaded
    module: str | None = None  # a module whose folder `inside` is the model, where pip has put it
    inside: str = ""

    def location(self) -> Path | None:
        """Its folder: the one that `autogen models install` made, else the package's own. None: not installed."""
        cached = cache_folder() / self.name
        return cached if cached.is_dir() else self._in_environment()

    def _in_environment(self) -> Path | None:
        """Found without importing it."""
        spec = importlib.util.find_spec(self.module) if self.module else None
        return Path(spec.origin).parent / self.inside if spec and spec.origin else None

    def verify(self) -> list[str]:
        """What is wrong with the installed files; empty when they are the ones we know."""
        folder = self.location()
        return ["not installed"] if folder is None else verify_files(folder, self.sha256)


def cache_folder(kind: str = "models") -> Path:
    """Where base models, or other files that can be made again, are kept: `$AUTOGEN_CACHE/models`, else
    `autogen/models` in the user's cache. Raises StorageError where there is no home."""
    from_environment, cache = os.environ.get(CACHE_VARIABLE), os.environ.get("XDG_CACHE_HOME")
    if from_environment:
        return Path(from_environment).expanduser().absolute() / kind
    folder = Path(os.path.expanduser(cache or "~/.cache"))  # noqa: PTH111 Path's own raises where there is no home
    if not folder.is_absolute():
        raise StorageError(f"Expected a cache folder for {kind}, found no home: set {CACHE_VARIABLE} to a folder.")
    return folder / "autogen" / kind


def verify_files(folder: Path, digests: Mapping[str, str]) -> list[str]:
    """A line for each file under `folder` that is missing or has another sha256."""
    return [problem for name, digest in digests.items() if (problem := _verify_file(folder / name, digest))]


def _verify_file(path: Path, digest: str) -> str | None:
    try:
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return f"{path.name}: {error.strerror}"
    return None if actual == digest else f"{path.name}: expected sha256 {digest[:12]}…, found {actual[:12]}…"
