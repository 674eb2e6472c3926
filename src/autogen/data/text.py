"""Texts compared as people read them: whatever their case and white space."""

from __future__ import annotations

import unicodedata


def normalise(text: str) -> str:
    """The form in which texts count as the same: compatible characters, case and white space made equal."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
