from __future__ import annotations

import pytest

from autogen.tasks.token_classification.boundaries import cuts_character, cuts_word


def cuts(text: str, rule: object) -> list[int]:
    return [at for at in range(-1, len(text) + 2) if rule(text, at)]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("Zürich 東京", []),
        ("cafe\u0301", [4]),
        (" \u0301a", []),  # an accent on nothing
        ("👩\u200d🚀!", [1, 2]),
        ("👍🏽❤\ufe0f", [1, 3]),
    ],
)
def test_a_character_is_what_a_reader_sees_as_one(text: str, inside: list[int]) -> None:
    assert cuts(text, cuts_character) == inside


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("to Bern", [1, 4, 5, 6]),
        ("5pm", [1, 2]),
        ("U.S. e-mail", [8, 9, 10]),
        ("東京タワー", []),
        ("iPhone用", [1, 2, 3, 4, 5]),
        ("Zu\u0308g", [1, 2, 3]),
    ],
)
def test_a_word_is_letters_and_digits_of_a_script_with_spaces(text: str, inside: list[int]) -> None:
    assert cuts(text, cuts_word) == inside
