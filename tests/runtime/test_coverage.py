"""On the tokenizer of the default base model, an English one."""

from __future__ import annotations

import csv
import random
from importlib.resources import files
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from autogen.models.base_models import find_base_model
from autogen.runtime.coverage import MOST_TEXTS, Coverage, coverage

GERMAN = [
    "Eine Gruppe von Männern lädt Baumwolle auf einen Lastwagen.",
    "Ein Mann schläft in einem grünen Raum auf einem Sofa.",
    "Ein Junge mit Kopfhörern sitzt auf den Schultern einer Frau.",
    "Zwei Männer bauen eine blaue Eisfischerhütte auf einem zugefrorenen See auf.",
    "Ein Mann mit beginnender Glatze, der eine rote Rettungsweste trägt, sitzt in einem kleinen Boot.",
    "Eine Frau in einem rotem Mantel, die eine vermutlich aus Asien stammende Handtasche trägt, springt hoch.",
]
FRENCH = [
    "Un groupe d'hommes chargent du coton dans un camion.",
    "Un homme dormant dans une chambre verte sur un canapé.",
    "Un garçon avec un casque est assis sur les épaules d'une femme.",
    "Deux hommes installent une cabane de pêche bleue sur un lac gelé.",
    "Un homme dégarni portant un gilet de sauvetage rouge est assis dans une petite barque.",
    "Une femme habillée d'un manteau rouge, tenant probablement un sac à main de provenance asiatique, saute en l'air.",
]
OTHER = {
    "Chinese": ["请帮我打开这个应用", "明天北京的天气怎么样", "我想买一张去上海的火车票"],
    "Japanese": ["カードの暗証番号を変更するにはどうすればいいですか", "昨日カードをなくしました"],
    "Korean": ["카드 비밀번호를 어떻게 바꾸나요", "어제 카드를 잃어버렸어요"],
    "Russian": ["Как мне поменять пин-код моей карты?", "Вчера я потерял свою карту, что мне делать?"],
    "Greek": ["Πώς μπορώ να αλλάξω τον κωδικό της κάρτας μου;", "Έχασα την κάρτα μου χθες το βράδυ"],
    "Arabic": ["كيف يمكنني تغيير الرقم السري لبطاقتي", "فقدت بطاقتي أمس"],
    "Hindi": ["मैं अपने कार्ड का पिन कैसे बदल सकता हूँ", "कल मेरा कार्ड खो गया"],
    "Thai": ["ฉันจะเปลี่ยนรหัสบัตรได้อย่างไร"],
}


@pytest.fixture(scope="module")
def english() -> Tokenizer:
    return Tokenizer.from_file(str(Path(find_base_model("minilm").source) / "tokenizer.json"))


@pytest.fixture(scope="module")
def questions() -> list[str]:
    """Real bank customers' questions, in English."""
    path = files("autogen.templates") / "customer-service/data/train.csv"
    return [row["text"] for row in csv.DictReader(path.read_text("utf-8").splitlines())]


def misspelt(text: str, chance: random.Random, share: float) -> str:
    """Some letters left out, doubled or taken for others."""
    ways = ("", text[:1] * 2, chance.choice("abcdefghijklmnopqrstuvwxyz"))
    return "".join(chance.choice(ways) if chance.random() < share else letter for letter in text)


def test_english_is_covered(english: Tokenizer, questions: list[str]) -> None:
    shares = coverage(english, questions)
    assert shares.unknown == 0
    assert shares.fragments < 0.05
    assert shares.lacking is None


@pytest.mark.parametrize("texts", [GERMAN, FRENCH], ids=["German", "French"])
def test_another_language_in_the_same_letters_is_not(english: Tokenizer, texts: list[str]) -> None:
    lacking = coverage(english, texts * 2).lacking
    assert lacking is not None and "of the letters of repeated words in scraps of at most 3" in lacking


@pytest.mark.parametrize("language", OTHER)
def test_other_scripts_are_not(english: Tokenizer, language: str) -> None:
    assert coverage(english, OTHER[language]).lacking


def test_neither_numbers_nor_emoji_nor_misspelt_words_are_another_language(
    english: Tokenizer, questions: list[str]
) -> None:
    chance = random.Random(0)
    for noisy in (
        [f"{text} {chance.randrange(10**9)} 12/03/2026 €9,50 AB{chance.randrange(10**6)}X" for text in questions],
        [f"{text} 😀🎉👍🏽 🇩🇪 ❤️" for text in questions],
        [misspelt(text, chance, 0.08) for text in questions],
        ["😀", "12345", "?!", ""],
    ):
        assert coverage(english, noisy).lacking is None


def test_a_tenth_of_the_rows_in_another_language_is_too_few_to_say_so_and_half_is_not(
    english: Tokenizer, questions: list[str]
) -> None:
    chinese = OTHER["Chinese"] * 50
    assert coverage(english, questions[:1500] + chinese[:15]).lacking is None
    assert coverage(english, questions[:150] + chinese).lacking


def test_characters_that_are_pieces_of_their_own_are_known_and_a_foreign_word_among_them_is_no_sign() -> None:
    """As in the models made for Chinese alone."""
    characters = sorted({letter for text in OTHER["Chinese"] for letter in text})
    vocabulary = {piece: at for at, piece in enumerate(["[UNK]", "u", "##c", *characters])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    assert coverage(tokenizer, [*OTHER["Chinese"], "请帮我打开uc"]).lacking is None


def test_a_character_cut_into_bytes_is_an_unknown_one() -> None:
    letters = pre_tokenizers.ByteLevel.alphabet()
    tokenizer = Tokenizer(models.BPE({piece: at for at, piece in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    assert coverage(tokenizer, OTHER["Chinese"]).unknown == 1


def test_the_large_vocabularies_of_many_languages_may_cut_words_finer() -> None:
    assert Coverage(unknown=0.0, fragments=0.3, vocabulary=30_000).lacking
    assert Coverage(unknown=0.0, fragments=0.3, vocabulary=250_000).lacking is None
    assert Coverage(unknown=0.3, fragments=0.0, vocabulary=250_000).lacking


def test_of_many_texts_some_are_looked_at(english: Tokenizer) -> None:
    assert coverage(english, ["What is this?"] * (3 * MOST_TEXTS)).lacking is None
    assert coverage(english, []).lacking is None
