"""Texts compared as people read them: whatever their case and white space, and whatever stands in them unseen."""

from __future__ import annotations

import re
import unicodedata

# Unicode's property Default_Ignorable_Code_Point: what is displayed as nothing. Zero-width spaces and joiners, soft
# hyphens, byte order marks, marks of direction, fillers, variation selectors.
IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def normalise(text: str) -> str:
    """The form in which texts count as the same: compatible characters, case and white space made equal, and nothing
    left that is displayed as nothing."""
    if text.isascii():
        return " ".join(text.casefold().split())
    visible = IGNORABLE.sub("", text)
    return " ".join(unicodedata.normalize("NFKC", visible).casefold().split())


def is_blank(text: str) -> bool:
    """Whether nothing is to be seen of it."""
    return not text.strip() or not (text.isascii() or IGNORABLE.sub("", text).strip())
