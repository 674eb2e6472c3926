from __future__ import annotations

from autogen.data.quality.keywords import names, words

SWALLOWED = ["the atm swallowed my card", "an atm has swallowed the card", "card swallowed by that atm"]
AGE = ["how old must I be", "is there an age limit", "what is the minimum age", "age for children"]
KNOWN = ["where is my card", "my card has not arrived", "which currencies can I hold"]


def test_a_name_is_made_of_the_words_that_set_a_group_apart() -> None:
    swallowed, age = names([SWALLOWED, AGE], KNOWN, [])
    assert set(swallowed.split("_")) == {"atm", "swallowed", "card"}
    assert "age" in age.split("_")


def test_no_name_is_taken_twice() -> None:
    first = names([SWALLOWED], KNOWN, [])[0]
    again = names([SWALLOWED, SWALLOWED], KNOWN, [first.upper()])
    assert again == [f"{first}_2", f"{first}_3"]


def test_texts_without_words_get_a_name_too() -> None:
    assert names([["123", "?!"], ["the of"]], [], []) == ["new_intent", "new_intent_2"]


def test_writing_without_spaces_is_read_in_pairs() -> None:
    assert words("信用卡丢了") == ["信用", "用卡", "卡丢", "丢了"]
    assert names([["信用卡丢了", "信用卡不见了"]], ["今天天气好"], [])[0].startswith("信用")
