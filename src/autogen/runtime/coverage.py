"""Whether a base model's vocabulary covers the language of texts, told from how its tokenizer cuts them.

Only letters count: numbers, punctuation and emoji say nothing of a language. Thresholds and what they were chosen on:
docs/decisions/0010-packaged-base-models.md.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tokenizers import Encoding, Tokenizer

MOST_TEXTS = 2_000  # as many, spread over all of them, tell enough
MOST_UNKNOWN = 0.05
MOST_FRAGMENTS = 0.2
FRAGMENT = 3  # letters: so short a piece of a longer word carries little meaning
REPEATED_LETTERS = 100  # so many letters in words that occur twice are enough to judge by
MANY_LANGUAGES = 100_000  # pieces: such a vocabulary is one for many languages, each of whose words it cuts finer
UNKNOWN = ("[UNK]", "<unk>")
SPACE = "▁Ġ"  # a piece that is only this stands for white space, though it claims the letter after it
# Unicode names of scripts in which a letter is a piece of its own
SYLLABLES = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL")


@dataclass(frozen=True)
class Coverage:
    """Shares of letters, in 0–1. `fragments` leaves out words that occur once."""

    unknown: float
    fragments: float
    vocabulary: int  # pieces

    @property
    def lacking(self) -> str | None:
        """What shows that the texts are in a language that the vocabulary was not made for; None: nothing does."""
        if self.unknown > MOST_UNKNOWN:
            return f"{self.unknown:.0%} of their letters in characters that it does not know"
        if self.fragments > MOST_FRAGMENTS and self.vocabulary < MANY_LANGUAGES:
            return f"{self.fragments:.0%} of the letters of repeated words in scraps of at most {FRAGMENT}"
        return None


def coverage(tokenizer: Tokenizer, texts: Sequence[str]) -> Coverage:
    """Of at most MOST_TEXTS of the texts. The tokenizer is changed: it no longer cuts long texts or pads short ones."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    sample = texts[:: -(-len(texts) // MOST_TEXTS) or 1]
    encoded = tokenizer.encode_batch(sample, add_special_tokens=False)
    unknown_id = next((token_id for name in UNKNOWN if (token_id := tokenizer.token_to_id(name)) is not None), None)
    letters = sum(letter.isalpha() for text in sample for letter in text)
    unknown = sum(_unknown(text, row, unknown_id) for text, row in zip(sample, encoded, strict=True))
    return Coverage(unknown / max(letters, 1), _fragments(tokenizer, sample), tokenizer.get_vocab_size())


def _unknown(text: str, encoded: Encoding, unknown_id: int | None) -> int:
    """Letters that no piece stands for: those of the unknown piece, and those cut into bytes or other parts."""
    pieces: Counter[int] = Counter()
    unknown: set[int] = set()
    for piece, token, (start, end) in zip(encoded.ids, encoded.tokens, encoded.offsets, strict=True):
        if token.strip(SPACE):
            pieces.update(range(start, end))
        if piece == unknown_id:
            unknown.update(range(start, end))
    return sum(
        letter.isalpha() and (position in unknown or pieces[position] != 1) for position, letter in enumerate(text)
    )


def _fragments(tokenizer: Tokenizer, texts: Sequence[str]) -> float:
    """The share of letters in short pieces of longer words. Words that occur once are left out, if enough others are
    left: misspelt ones and names are among them in any language. Syllables and the like count as whole words: the
    few foreign words in a Chinese text are no sign."""
    counts = Counter(word for text in texts for word in _words(text.lower()))
    repeated = {word: count for word, count in counts.items() if count > 1}
    if sum(len(word) * count for word, count in repeated.items()) >= REPEATED_LETTERS:
        counts = Counter(repeated)
    encoded = tokenizer.encode_batch([*counts], add_special_tokens=False)
    short = sum(count * _short(word) for count, word in zip(counts.values(), encoded, strict=True))
    letters = sum(len(word) * count for word, count in counts.items())
    return short / max(letters + sum(_is_syllable(word) for text in texts for word in text), 1)


def _short(word: Encoding) -> int:
    sizes = [len(piece) for token in word.tokens if (piece := token.removeprefix("##").strip(SPACE))]
    return sum(size for size in sizes if size <= FRAGMENT) if len(sizes) > 1 else 0


def _words(text: str) -> Iterator[str]:
    """Runs of letters of an alphabet, two at least, with the marks on them."""
    word = ""
    for letter in f"{text} ":
        if (letter.isalpha() and not _is_syllable(letter)) or (word and unicodedata.category(letter)[0] == "M"):
            word += letter
            continue
        if len(word) > 1:
            yield word
        word = ""


def _is_syllable(letter: str) -> bool:
    return not letter.isascii() and unicodedata.name(letter, "").startswith(SYLLABLES)
