"""Writing a transformers folder byte for byte the same on every machine, so that its sha256 can be known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autogen.errors import StorageError


def write_tensors(folder: Path, tensors: Mapping[str, NDArray[np.float32]]) -> None:
    """`model.safetensors`. Raises StorageError."""
    from safetensors import SafetensorError  # the learning wing's: the table is read without it too
    from safetensors.numpy import save_file

    path = folder / "model.safetensors"
    try:
        save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, path, {"format": "pt"})
        path.chmod(0o644)  # others may share the cache; safetensors lets only its owner read
    except SafetensorError as error:  # the library's word for a full disk too
        raise StorageError(f"{path} could not be written: {error}. Free some space and try again.") from error


def write_config(folder: Path, config: Mapping[str, Any], tokenizer_config: Mapping[str, Any]) -> None:
    """`config.json` and `tokenizer_config.json`; transformers' own writer would add its version."""
    for name, values in (("config.json", config), ("tokenizer_config.json", tokenizer_config)):
        (folder / name).write_bytes(f"{json.dumps(values, indent=2, sort_keys=True)}\n".encode())
