from __future__ import annotations

import numpy as np
import pytest

from autogen.knowledge.title_words import TitleWords, stem_of

TITLES = [
    "Young Saver Account",
    "Everyday Account",
    "Premium Account",
    "Gold Card",
    "The Matrix",
    "The Matrix Reloaded",
]


@pytest.fixture(scope="module")
def words() -> TitleWords:
    return TitleWords(TITLES)


@pytest.mark.parametrize(
    ("word", "relative"),
    [("savings", "saver"), ("save", "saving"), ("cards", "card"), ("glasses", "glass"), ("loans", "loan")],
)
def test_relatives_have_one_stem(word: str, relative: str) -> None:
    assert stem_of(word) == stem_of(relative)


@pytest.mark.parametrize("word", ["her", "bus", "class", "red"])
def test_little_words_are_left_whole(word: str) -> None:
    assert stem_of(word) == word


def test_a_word_of_a_title_is_found_though_it_is_not_all_of_it(words: TitleWords) -> None:
    assert TITLES[int(words.rarity_shared(["savings"]).argmax())] == "Young Saver Account"
    assert np.flatnonzero(words.rarity_shared(["matrix"])).tolist() == [4, 5]
    assert "savings" in words and "qwerty" not in words


def test_rare_words_say_more_and_words_without_a_title_leave_less(words: TitleWords) -> None:
    assert words.rarity_shared(["saver"])[0] == pytest.approx(1)
    assert 0 < words.rarity_shared(["account"])[0] < words.rarity_shared(["saver"])[0]
    assert words.rarity_shared(["saver", "qwerty"])[0] == pytest.approx(0.5)
    assert not words.rarity_shared(["qwerty"]).any() and not words.rarity_shared([]).any()


def test_a_catalogue_of_nothing_has_no_words() -> None:
    assert TitleWords([]).rarity_shared(["saver"]).tolist() == []
