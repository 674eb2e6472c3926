"""Digests of rows, for leakage and resumption."""

from __future__ import annotations

import hashlib

from autogen.data.text import normalise

OF_NOTHING = hashlib.sha256(b"").hexdigest()[:16]


def row_fingerprint(text: str) -> str:
    """Sixteen hexadecimal digits that stand for a text, however it is spelt in case and white space."""
    return hashlib.sha256(normalise(text).encode("utf-8", "surrogatepass")).hexdigest()[:16]
