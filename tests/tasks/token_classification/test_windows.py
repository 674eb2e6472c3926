from __future__ import annotations

import unicodedata
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from autogen.tasks.token_classification.boundaries import cuts_character, cuts_word
from autogen.tasks.token_classification.rows import AnnotatedText, Span
from autogen.tasks.token_classification.shapes import NONE, SHAPES, shapes_of
from autogen.tasks.token_classification.windows import Unit, WindowEncoder, units_of, words_suffice

CORPUS = ["fly from New York to Zürich please", "the café in Genève is at 5pm", "東京 へ 行く", "U.S. e-mail 😀 ok"] * 3
TEXTS = [
    *CORPUS[:4],
    "  two  spaces\nand a line ",
    "cafe\u0301 cafe\u0301s",
    "👩\u200d🚀👍🏽❤\ufe0f",
    "東京タワーに行きたい",
    "a\u0300\u0301\u0302b",
    "tab\tin\u00a0between",
    "\u200bzero\u200bwidth",
    "ﬁne ½ Å",
    "",
    " ",
]


def word_piece() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokenizer.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=150, special_tokens=special))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def byte_level() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet)
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0), trim_offsets=False)
    return tokenizer


def sentence_piece() -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(vocab_size=120, special_tokens=special, unk_token="<unk>")
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def bare() -> Tokenizer:
    """One that adds no special tokens."""
    tokenizer = word_piece()
    tokenizer.post_processor = processors.Sequence([])
    return tokenizer


TOKENIZERS = {"WordPiece": word_piece(), "byte-level": byte_level(), "SentencePiece": sentence_piece(), "bare": bare()}


@pytest.fixture(params=TOKENIZERS)
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return Tokenizer.from_str(TOKENIZERS[request.param].to_str())


def check_units(text: str, units: tuple[Unit, ...]) -> None:
    end = 0
    for unit in units:
        inside = text[unit.start : unit.end]
        assert inside and inside == inside.strip()
        assert unit.start >= end
        assert not cuts_character(text, unit.start) and not cuts_character(text, unit.end)
        end = unit.end
    covered = {at for unit in units for at in range(unit.start, unit.end)}
    assert all(at in covered for at, char in enumerate(text) if char.isalnum())


@pytest.mark.parametrize("text", TEXTS)
def test_units_are_whole_characters_in_order_that_leave_out_no_letter(tokenizer: Tokenizer, text: str) -> None:
    for whole_words in (False, True):
        (encoded,) = WindowEncoder(tokenizer, 64, 0, whole_words).encode([text])
        check_units(text, encoded.units)
        assert not (whole_words and any(cuts_word(text, at) for u in encoded.units for at in (u.start, u.end)))


@given(
    st.text(st.sampled_from("ab Zü\u0301\u200d😀🏽東1.\n\t\ufe0fé"), max_size=40), st.sampled_from(sorted(TOKENIZERS))
)
@settings(deadline=None)
def test_so_they_are_whatever_the_text(text: str, kind: str) -> None:
    (encoded,) = WindowEncoder(Tokenizer.from_str(TOKENIZERS[kind].to_str()), 12, 0, False).encode([text])
    units = encoded.units
    assert [u for u in units if cuts_character(text, u.start) or cuts_character(text, u.end)] == []
    assert all(a.end <= b.start and a.token < b.token for a, b in pairwise(units))
    assert sum(len(window.positions) for window in encoded.windows) == len(units)


def test_a_space_before_a_word_belongs_to_no_unit() -> None:
    text = "to Bern"
    assert units_of(text, [(0, 2), (2, 7)], True) == (Unit(0, 0, 2), Unit(1, 3, 7))
    assert units_of(text, [(0, 2), (2, 3), (3, 7)], True) == (Unit(0, 0, 2), Unit(2, 3, 7))


def test_tokens_of_one_character_are_one_unit() -> None:
    assert units_of("😀 a", [(0, 1), (0, 1), (0, 1), (2, 3)], False) == (Unit(0, 0, 1), Unit(3, 2, 3))


def test_an_accent_that_the_tokenizer_drops_belongs_to_its_letter() -> None:
    text = "cafe\u0301 x"
    assert unicodedata.normalize("NFC", text) == "café x"
    assert units_of(text, [(0, 4), (6, 7)], False) == (Unit(0, 0, 5), Unit(1, 6, 7))


def test_the_tokens_of_a_word_are_one_unit_where_words_suffice() -> None:
    text, offsets = "5pm in Zürich", [(0, 1), (1, 3), (4, 6), (7, 9), (9, 13)]
    assert units_of(text, offsets, False) == tuple(Unit(at, *place) for at, place in enumerate(offsets))
    assert units_of(text, offsets, True) == (Unit(0, 0, 3), Unit(2, 4, 6), Unit(3, 7, 13))


def test_words_suffice_unless_entities_begin_or_end_within_them() -> None:
    whole, hour = AnnotatedText("at 5pm in Bern", (Span(3, 6, "time"), Span(10, 14, "city"))), Span(3, 4, "hour")
    assert words_suffice([whole])
    assert not words_suffice([whole, AnnotatedText("at 5pm", (hour,))])
    assert words_suffice([*[whole] * 100, AnnotatedText("at 5pm", (hour,))])
    assert words_suffice([AnnotatedText("東京に行く", (Span(0, 2, "city"),))])
    assert words_suffice([])


def long_text(words: int) -> str:
    return " ".join(CORPUS[at % 4].split()[at % 3] for at in range(words))


@pytest.mark.parametrize("max_length", [3, 5, 16, 64])
@pytest.mark.parametrize("words", [1, 20, 21, 200])
def test_a_long_text_is_read_to_its_end_in_windows(tokenizer: Tokenizer, max_length: int, words: int) -> None:
    """Each unit is answered for once, and by the token that is its own."""
    text = long_text(words)
    (encoded,) = WindowEncoder(tokenizer, max_length, 0).encode([text])
    plain = Tokenizer.from_str(tokenizer.to_str()).encode(text, add_special_tokens=False)
    assert all(len(window) <= max_length for window in encoded.windows)
    assert [window.first for window in encoded.windows] == list(
        np.cumsum([0, *[len(window.positions) for window in encoded.windows]])[:-1]
    )
    answered = [window.ids[place] for window in encoded.windows for place in window.positions]
    assert answered == [plain.ids[unit.token] for unit in encoded.units]


def test_a_unit_is_answered_for_where_it_has_context_on_both_sides() -> None:
    (encoded,) = WindowEncoder(word_piece(), 34, 0).encode([long_text(200)])
    assert len(encoded.windows) > 3
    for window in encoded.windows[1:-1]:  # 32 tokens of text, of which 8 are in the next window too
        assert window.positions.min() >= 1 + 3 and window.positions.max() < 33 - 3


def test_padding_has_no_attention_and_no_shape() -> None:
    encoder = WindowEncoder(word_piece(), 64, 0)
    rows = encoder.encode(["New York", "fly from New York please"])
    arrays = encoder.pad([row.windows[0] for row in rows])
    lengths = [len(row.windows[0]) for row in rows]
    assert {values.shape for values in arrays.values()} == {(2, max(lengths))}
    assert arrays["attention_mask"].sum(axis=1).tolist() == lengths
    assert not arrays["input_ids"][0, lengths[0] :].any() and not arrays["word_shapes"][0, lengths[0] :].any()
    assert arrays["input_ids"][1].tolist() == rows[1].windows[0].ids
    assert [SHAPES[at] for at in arrays["word_shapes"][0, : lengths[0]]][:2] == ["none", "Upper"]


def test_a_window_without_room_for_text_is_an_error() -> None:
    with pytest.raises(ValueError, match="special tokens"):
        WindowEncoder(word_piece(), 2, 0)


def test_the_encoder_is_loaded_from_a_tokenizer_s_file(tmp_path: Path) -> None:
    word_piece().save(str(tmp_path / "tokenizer.json"))
    loaded = WindowEncoder.load(tmp_path, 64, 0)
    assert loaded.encode(TEXTS)[0].units == WindowEncoder(word_piece(), 64, 0).encode(TEXTS)[0].units


@pytest.mark.parametrize(
    ("word", "shape"),
    [
        ("may", "lower"),
        ("May", "Upper"),
        ("IT", "UPPER"),
        ("I", "U"),
        ("McDonald", "MiXed"),
        ("iPhone", "MiXed"),
        ("1999", "digits"),
        ("5pm", "digits and letters"),
        ("%", "no letter"),
        ("東京", "no case"),
        ("ß", "lower"),
        ("É", "U"),
    ],
)
def test_the_shape_of_a_word_says_how_it_is_written(word: str, shape: str) -> None:
    assert {SHAPES[at] for at in shapes_of(word)} == {shape}


def test_every_character_has_the_shape_of_its_word() -> None:
    shapes = shapes_of("The U.S. e-mail")
    assert [SHAPES[at] for at in shapes] == [
        *["Upper"] * 3,
        "none",
        *["U", "no letter"] * 2,
        "none",
        *["lower", "no letter", *["lower"] * 4],
    ]
    assert shapes[3] == NONE
