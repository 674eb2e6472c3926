"""Embeddings of a frozen base model, kept in a file so that the same texts are embedded once."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from autogen.errors import StorageError
from autogen.models.base_models import BaseModel
from autogen.progress import TrainingProgress
from autogen.storage.files import explain_os_errors, make_folder, write_atomically

CHUNK = 512  # rows between two steps of the progress bar
STORED_TYPE = np.float16  # more digits than bf16 computes with

Vectors = NDArray[np.float32]


class TextRow(Protocol):
    """A text, perhaps with a second one."""

    @property
    def text(self) -> str: ...

    @property
    def text_pair(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class PlainText:
    """A text alone."""

    text: str
    text_pair: str | None = None


def frozen_embeddings(
    base: BaseModel,
    examples: Sequence[TextRow],
    max_length: int,
    precision: str,
    cache: Path,
    progress: TrainingProgress,
) -> Vectors:
    """Mean token vectors of length one, (rows, width), of the base model as it is.

    `cache`: the folder where embeddings are kept between runs; it holds those of the latest texts only. Of a model on
    the hub nothing is kept: its files may change. Raises BaseModelError.
    """
    file = cache / f"{_model_key(base, max_length)}.npz" if base.local else None
    keys = [_key(example) for example in examples]
    vectors = _read(file) if file else {}
    new_rows = list({key: row for row, key in enumerate(keys) if key not in vectors}.values())
    if new_rows:
        new_vectors = _embed(base, [examples[row] for row in new_rows], max_length, precision, progress)
        vectors |= {keys[row]: vector for row, vector in zip(new_rows, new_vectors, strict=True)}
        if file:
            _keep(file, {key: vectors[key] for key in keys}, progress)
    return np.stack([vectors[key] for key in keys]).astype(np.float32)


def _embed(
    base: BaseModel, examples: Sequence[TextRow], max_length: int, precision: str, progress: TrainingProgress
) -> NDArray[np.float16]:
    from autogen.models.network import TextEmbedder  # torch, which a second run on the same texts does without
    from autogen.models.sources import PretrainedEncoder
    from autogen.runtime.encoding import TextEncoder
    from autogen.training.loop.answers import network_outputs
    from autogen.training.loop.precision import choose_precision

    source = PretrainedEncoder(base)
    tokenizer, pad_id, limit = source.tokenizer()
    encoder = TextEncoder(tokenizer, min(limit, max_length), pad_id)
    model = TextEmbedder(source.encoder(seed=0))
    bf16 = choose_precision(precision) == "bf16"
    order = sorted(range(len(examples)), key=lambda row: len(examples[row].text) + len(examples[row].text_pair or ""))
    vectors: list[Any] = [None] * len(examples)
    progress.start("embed", len(examples))
    for start in range(0, len(order), CHUNK):
        places = order[start : start + CHUNK]
        pairs = [examples[row].text_pair or "" for row in places]
        rows = encoder.encode([examples[row].text for row in places], pairs if any(pairs) else None)
        for row, vector in zip(places, network_outputs(model, encoder, rows, bf16)[0], strict=True):
            vectors[row] = vector
        progress.advance(len(places))
    return np.stack(vectors).astype(STORED_TYPE)


def _model_key(base: BaseModel, max_length: int) -> str:
    """What the embeddings depend on besides the text: every file of the model's folder, and the cut."""
    digest = hashlib.sha256(str(max_length).encode())
    folder = Path(base.source)
    with explain_os_errors(folder):
        for path in sorted(path for path in folder.iterdir() if path.is_file()):
            digest.update(path.name.encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


def _key(example: TextRow) -> bytes:
    """Exactly this text: models tell cases and spaces apart that people do not."""
    content = f"{len(example.text)}\t{example.text}\t{example.text_pair or ''}"
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).digest()[:16]


def _read(file: Path) -> dict[bytes, NDArray[np.float16]]:
    """What was kept; nothing where there is no file, or one that is broken: it is made anew."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            keys, vectors = arrays["keys"], arrays["vectors"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}
    return {key.tobytes(): vector for key, vector in zip(keys, vectors, strict=True)}


def _keep(file: Path, vectors: dict[bytes, NDArray[np.float16]], progress: TrainingProgress) -> None:
    """A project that cannot be written to can be checked all the same."""
    try:
        _write(file, vectors)
    except StorageError as error:
        progress.say(f"warning: embeddings are not kept for the next time: {error}")


def _write(file: Path, vectors: dict[bytes, NDArray[np.float16]]) -> None:
    buffer = io.BytesIO()
    keys = np.frombuffer(b"".join(vectors), dtype=np.uint8).reshape(len(vectors), -1)
    np.savez(buffer, keys=keys, vectors=np.stack(list(vectors.values())))
    make_folder(file.parent)
    for old_file in file.parent.glob("*.npz"):
        if old_file != file:
            with explain_os_errors(old_file):
                old_file.unlink(missing_ok=True)
    write_atomically(file, buffer.getvalue())
