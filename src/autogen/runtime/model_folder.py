"""The folder of a tuned model that reads texts: what all such models keep beside their graph, and how it is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autogen.errors import VersionDamaged
from autogen.runtime.encoding import TOKENIZER_FILE
from autogen.storage.files import sha256_of

TASK_FILE = "task.json"
WEIGHTS_FOLDER = "weights"


@dataclass(frozen=True)
class ModelCard:
    """What `task.json` says of the model, whatever its task. A task with more to say has a card of its own."""

    task: str
    base_model: str
    method: str
    precision: str  # of the exported graph: fp32, int8 or int8-blocks
    max_length: int  # tokens that are read at once
    pad_id: int


def read_task_file(folder: Path) -> dict[str, Any]:
    """What `task.json` holds: the card under "model", and what the task has put beside it."""
    values: dict[str, Any] = json.loads((folder / TASK_FILE).read_text("utf-8"))
    return values


def write_task_file(folder: Path, card: ModelCard, key: str, reading: Mapping[str, Any]) -> None:
    """`reading`: how the task reads the graph's outputs; it stands under `key`."""
    values = {"model": asdict(card), key: reading}
    (folder / TASK_FILE).write_text(json.dumps(values, indent=1, ensure_ascii=False), "utf-8")


@contextmanager
def as_version_damage(folder: Path) -> Iterator[None]:
    """Raise VersionDamaged, with the folder's name, for whatever the block could not read."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise VersionDamaged(f"{folder} does not hold a whole tuned model: {error}") from error
    except Exception as error:  # the tokenizers library raises bare Exception for a file it cannot read
        raise VersionDamaged(f"{folder}: the tokenizer cannot be read: {error}") from error


def digest_of(folder: Path | None, reading: Mapping[str, Any]) -> str:
    """Of the weights, the tokenizer, the form of the export, and `reading`, how outputs are read. Not of the graph: an
    exporter numbers nodes as it goes."""
    digest = hashlib.sha256(json.dumps(reading, sort_keys=True).encode())
    if folder is not None:
        files = (folder / TASK_FILE, folder / TOKENIZER_FILE, *(folder / WEIGHTS_FOLDER).rglob("*"))
        for path in sorted(path for path in files if path.is_file()):
            digest.update(f"{path.relative_to(folder)} {sha256_of(path)}\n".encode())
    return digest.hexdigest()
