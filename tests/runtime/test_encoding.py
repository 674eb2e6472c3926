from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from autogen.models.base_models import find_base_model
from autogen.runtime.encoding import TOKENIZER_FILE, Encoded, TextEncoder
from tests.tiny import words

TEXTS = st.lists(
    st.one_of(st.text(max_size=60), st.lists(st.sampled_from(words()), max_size=30).map(" ".join)), max_size=8
)


@pytest.fixture(scope="module")
def encoder(tiny_base_model: Path) -> TextEncoder:
    return TextEncoder.load(tiny_base_model, max_length=12, pad_id=0)


@pytest.mark.parametrize("name", ["tiny", "minilm"])
def test_the_ids_are_those_of_transformers_own_tokenizer(tiny_base_model: Path, name: str) -> None:
    from transformers import AutoTokenizer

    folder = tiny_base_model if name == "tiny" else Path(find_base_model(name).source)
    reference, encoder = AutoTokenizer.from_pretrained(folder), TextEncoder.load(folder, max_length=12, pad_id=0)

    @given(TEXTS)
    def check(texts: list[str]) -> None:
        for pairs in (None, texts[::-1]):
            rows = encoder.encode(texts, pairs)
            if texts:
                expected = reference(texts, pairs, truncation=True, max_length=12, padding=True, return_tensors="np")
                arrays = encoder.pad(rows)
                assert np.array_equal(arrays["input_ids"], expected["input_ids"])
                assert np.array_equal(arrays["attention_mask"], expected["attention_mask"])
                if "token_type_ids" in expected:
                    assert np.array_equal(arrays["token_type_ids"], expected["token_type_ids"])

    check()


@given(TEXTS)
def test_one_text_is_encoded_as_it_is_among_others(encoder: TextEncoder, texts: list[str]) -> None:
    assert [encoder.encode([text])[0] for text in texts] == encoder.encode(texts)


def test_a_long_text_is_cut_to_the_limit_with_its_special_tokens(encoder: TextEncoder) -> None:
    (row,) = encoder.encode(["card " * 500])
    start, end = encoder.encode(["card"])[0].ids[0], encoder.encode(["card"])[0].ids[-1]
    assert len(row) == 12 and (row.ids[0], row.ids[-1]) == (start, end)


def test_a_pair_is_told_from_the_text_by_its_type(encoder: TextEncoder) -> None:
    (row,) = encoder.encode(["lost card"], ["top up"])
    assert row.type_ids == [0, 0, 0, 0, 1, 1, 1]


def test_rows_are_padded_to_the_longest_of_them_with_the_padding_id(tiny_base_model: Path) -> None:
    encoder = TextEncoder.load(tiny_base_model, max_length=12, pad_id=9)
    arrays = encoder.pad([Encoded([1, 2, 3], [0, 0, 1]), Encoded([4], [0])])
    assert arrays["input_ids"].tolist() == [[1, 2, 3], [4, 9, 9]]
    assert arrays["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert arrays["token_type_ids"].tolist() == [[0, 0, 1], [0, 0, 0]]
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.int64)}


def test_a_tokenizer_that_pads_and_cuts_by_itself_does_neither_here(tiny_base_model: Path) -> None:
    tokenizer = Tokenizer.from_file(str(tiny_base_model / TOKENIZER_FILE))
    tokenizer.enable_padding(length=50)
    tokenizer.enable_truncation(5)
    assert len(TextEncoder(tokenizer, 12, 0).encode(["lost card top up add money"])[0]) == 8


@given(st.lists(st.integers(1, 30), max_size=40), st.integers(1, 9))
def test_sorted_batches_have_every_row_once_and_rows_of_like_length_together(lengths: list[int], size: int) -> None:
    encoder = TextEncoder(Tokenizer.from_str(EMPTY), 30, 0)
    rows = [Encoded([7] * length, [0] * length) for length in lengths]
    batches = list(encoder.sorted_batches(rows, size))
    assert sorted(at for places, _ in batches for at in places) == list(range(len(rows)))
    assert [lengths[at] for places, _ in batches for at in places] == sorted(lengths)
    for places, arrays in batches:
        assert len(places) <= size
        assert arrays["attention_mask"].sum(axis=1).tolist() == [lengths[at] for at in places]


EMPTY = Tokenizer.from_str('{"version":"1.0","model":{"type":"WordLevel","vocab":{"a":0},"unk_token":"a"}}').to_str()
