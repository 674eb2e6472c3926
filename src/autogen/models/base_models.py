"""Base models: found by packaged name, local path or hub id, through one function, `find_base_model`.

Packaged models come from an ordinary package index, so that a company with an index mirror and no hub can use
them; their files are checked against a known sha256 before they are trusted.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autogen.errors import BaseModelError, did_you_mean
from autogen.models.packaged import PACKAGED, PackagedModel


@dataclass(frozen=True)
class BaseModel:
    """A base model found: `source` is a local folder, or a hub id when `local` is False.

    With a `gguf_file`, transformers is told its name: `from_pretrained(source, gguf_file=…, dtype=torch.float32,
    quantization_config=GgufConfig(dequantize=True))`.
    """

    name: str
    source: Path | str
    local: bool
    gguf_file: str | None = None


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
    folder = model.location()
    if folder is None:
        raise BaseModelError(
            f'Base model "{model.name}" is not installed. Run `autogen models install {model.name}` '
            f"({model.download_mb} MB from the package index)."
        )
    problems = model.verify()
    if problems:
        raise BaseModelError(
            f'Base model "{model.name}" in {folder} is damaged: {"; ".join(problems)}. '
            f"Run `autogen models install {model.name}` to put it right."
        )
    return BaseModel(model.name, folder, local=True, gguf_file=model.gguf_file)


def _places(reference: str, project: Path | None) -> list[Path]:
    path = Path(reference).expanduser()
    return [path] if path.is_absolute() or project is None else [project / path, path]
