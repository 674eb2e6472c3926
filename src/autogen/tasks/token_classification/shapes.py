"""How a word is written, for base models whose tokenizer throws the case away.

"May" and "may", "IT" and "it" are one token to an uncased tokenizer, while names depend on the case more than on
anything else. The shape of each token's word is an input of its own beside the token.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

SHAPES = ("none", "digits", "digits and letters", "no letter", "lower", "UPPER", "U", "Upper", "MiXed", "no case")
NONE = SHAPES.index("none")  # of special tokens and padding

_WORDS = re.compile(r"[^\W_]+|\S")


def word_shape(word: str) -> int:
    """The index in `SHAPES` of a word without white space."""
    if word.isdigit():
        return SHAPES.index("digits")
    if any(char.isdigit() for char in word):
        return SHAPES.index("digits and letters")
    if not word[0].isalpha():
        return SHAPES.index("no letter")
    if word.islower():
        return SHAPES.index("lower")
    if word.isupper():
        return SHAPES.index("UPPER" if len(word) > 1 else "U")
    if not any(char.islower() or char.isupper() for char in word):
        return SHAPES.index("no case")
    return SHAPES.index("Upper" if word[0].isupper() and word[1:].islower() else "MiXed")


def shapes_of(text: str) -> NDArray[np.int8]:
    """The shape of the word around each character; NONE for white space."""
    shapes = np.full(len(text), NONE, np.int8)
    for word in _WORDS.finditer(text):
        shapes[word.start() : word.end()] = word_shape(word.group())
    return shapes
