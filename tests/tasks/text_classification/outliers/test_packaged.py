from __future__ import annotations

from collections import Counter
from importlib.resources import files

import pytest

from autogen.tasks.text_classification.outliers.packaged import (
    FILE,
    MOST,
    choose_outliers,
    languages_of,
    packaged_outliers,
)

QUESTIONS = {
    "en": ["where is my card", "how do I top up", "the money has not arrived"],
    "zh": ["我的卡在哪里", "怎么充值", "钱还没有到"],
    "de": ["wo ist meine karte", "wie lade ich mein konto auf", "das geld ist noch nicht da"],
    "es": ["dónde está mi tarjeta", "cómo recargo mi cuenta", "el dinero no ha llegado"],
    "fr": ["où est ma carte", "comment recharger mon compte", "mon argent est où"],
    "it": ["dov'è la mia carta", "come ricarico il mio conto", "ho perso i miei soldi"],
}


@pytest.mark.parametrize("lang", QUESTIONS)
def test_a_project_is_compared_with_outliers_of_its_language(lang: str) -> None:
    assert languages_of(QUESTIONS[lang]) == {lang}
    assert {outlier.lang for outlier in choose_outliers(QUESTIONS[lang])} == {lang}


def test_a_project_of_two_languages_has_outliers_of_both() -> None:
    assert languages_of([*QUESTIONS["en"], *QUESTIONS["zh"]]) == {"en", "zh"}


def test_english_stands_for_languages_that_are_not_packaged() -> None:
    assert languages_of(["где моя карта", "как пополнить счёт"]) == {"en"}
    assert languages_of([]) == {"en"}


def test_a_text_of_the_project_is_no_outlier() -> None:
    texts = {outlier.text for outlier in choose_outliers(["HELLO", "where is my card"], len(packaged_outliers()))}
    assert "bye" in texts and "hello" not in texts


def test_kinds_have_an_equal_share_while_they_last() -> None:
    chosen = choose_outliers(QUESTIONS["en"])
    counts = Counter(outlier.kind for outlier in chosen)
    all_counts = Counter(outlier.kind for outlier in packaged_outliers() if outlier.lang == "en")
    assert len(chosen) == MOST and len(counts) >= 15
    assert max(counts.values()) - min(counts[kind] for kind in counts if counts[kind] < all_counts[kind]) <= 1


def test_each_text_is_there_once_with_its_kind_and_the_file_is_small() -> None:
    outliers = packaged_outliers()
    assert len({(outlier.text, outlier.lang) for outlier in outliers}) == len(outliers)
    assert all(outlier.text.strip() and outlier.kind and outlier.lang in QUESTIONS for outlier in outliers)
    assert len((files("autogen.tasks.text_classification.outliers") / FILE).read_bytes()) < 400_000
