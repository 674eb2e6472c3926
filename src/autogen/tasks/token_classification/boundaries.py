"""Where a text may be cut: not within what a reader sees as one character, and seldom within a word."""

from __future__ import annotations

import re
import unicodedata

_JOINER, _SKIN_TONES = "\u200d", range(0x1F3FB, 0x1F400)
# Thai, Lao, Burmese, Khmer, kana and Chinese characters: scripts that write no space between words
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


def cuts_character(text: str, at: int) -> bool:
    """Whether `at` lies before an accent, a variation selector, a joiner or a skin tone, or behind a joiner."""
    if not 0 < at < len(text) or text[at - 1].isspace():
        return False
    here = text[at]
    return (
        unicodedata.category(here) in ("Mn", "Me")  # variation selectors are Mn
        or here == _JOINER
        or ord(here) in _SKIN_TONES
        or text[at - 1] == _JOINER
    )


def cuts_word(text: str, at: int) -> bool:
    """Whether `at` lies between two letters or digits of a script that puts spaces between words."""
    if not 0 < at < len(text):
        return False
    around = text[at - 1 : at + 1]
    if not around.isascii() and _UNSPACED.search(around):
        return False
    return all(map(_in_word, around)) or cuts_character(text, at)


def _in_word(char: str) -> bool:
    return char.isalnum() or unicodedata.category(char).startswith("M")  # marks: accents, vowel signs
