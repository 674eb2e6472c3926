"""A text as overlapping windows of tokens with exact character offsets: nothing of a long text is cut off.

The same when learning and when answering. Tokens are grouped into units, which are what gets a tag: words, or, where
entities begin or end within words, the smallest parts that can be told apart by characters (a byte-level tokenizer
splits an emoji into several tokens, and a normaliser may drop an accent).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from autogen.runtime.encoding import TOKENIZER_FILE
from autogen.tasks.token_classification.boundaries import cuts_character, cuts_word
from autogen.tasks.token_classification.rows import AnnotatedText
from autogen.tasks.token_classification.sequences import Floats
from autogen.tasks.token_classification.shapes import NONE, shapes_of

WITHIN_WORDS = 0.005  # of the ends of entities: more of them, and units are smaller than words
OVERLAP = 0.25  # of a window's tokens are in the next one too


@dataclass(frozen=True, slots=True)
class Unit:
    """The characters `start` to `end` and their first token; without white space at either end."""

    token: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Window:
    """Part of a text as token ids, special tokens included, and which units are answered for by it.

    `positions[i]` is where in `ids` the first token of unit `first + i` stands. Every unit of a text belongs to exactly
    one window: the one in which it has the most context.
    """

    ids: list[int]
    shapes: list[int]  # as `ids`: how its word is written, an index of `SHAPES`
    positions: NDArray[np.int64]
    first: int

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class EncodedText:
    """A text, its units in order, and its windows."""

    text: str
    units: tuple[Unit, ...]
    windows: tuple[Window, ...]


class WindowEncoder:
    """A tokenizer, and the longest window in tokens, special tokens included."""

    def __init__(self, tokenizer: Tokenizer, max_length: int, pad_id: int, whole_words: bool = True) -> None:
        self.max_length, self.pad_id, self.whole_words = max_length, pad_id, whole_words
        self._tokenizer = tokenizer
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        probe = self._tokenizer.encode("a")
        inside = [at for at, special in enumerate(probe.special_tokens_mask) if not special]
        self._before, self._after = probe.ids[: inside[0]], probe.ids[inside[-1] + 1 :]
        if max_length <= len(self._before) + len(self._after):
            raise ValueError(f"expected windows of more than the special tokens, found {max_length} tokens")

    @classmethod
    def load(cls, folder: Path, max_length: int, pad_id: int, whole_words: bool = True) -> WindowEncoder:
        return cls(Tokenizer.from_file(str(folder / TOKENIZER_FILE)), max_length, pad_id, whole_words)

    def encode(self, texts: Sequence[str]) -> list[EncodedText]:
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [self._encoded(text, encoding) for text, encoding in zip(texts, encodings, strict=True)]

    @property
    def trailing(self) -> int:
        """How many special tokens a window ends with."""
        return len(self._after)

    def pad(self, windows: Sequence[Window]) -> dict[str, NDArray[np.int64]]:
        """`input_ids`, `attention_mask`, `token_type_ids` and `word_shapes`, each int64 of shape (windows, longest)."""
        shape = (len(windows), max(map(len, windows)))
        arrays = {name: np.zeros(shape, np.int64) for name in ("attention_mask", "token_type_ids", "word_shapes")}
        ids = np.full(shape, self.pad_id, np.int64)
        for at, window in enumerate(windows):
            ids[at, : len(window)], arrays["attention_mask"][at, : len(window)] = window.ids, 1
            arrays["word_shapes"][at, : len(window)] = window.shapes
        return {"input_ids": ids, **arrays}

    def _encoded(self, text: str, encoding: Any) -> EncodedText:
        units = units_of(text, encoding.offsets, self.whole_words)
        of_chars = shapes_of(text)
        shapes = [int(of_chars[end - 1]) if end > start else NONE for start, end in encoding.offsets]
        windows = []
        first = 0
        for start, stop, until in self._slices(len(encoding.ids)):
            last = first
            while last < len(units) and units[last].token < until:
                last += 1
            places = np.array([unit.token - start + len(self._before) for unit in units[first:last]], np.int64)
            ids = [*self._before, *encoding.ids[start:stop], *self._after]
            written = [*[NONE] * len(self._before), *shapes[start:stop], *[NONE] * len(self._after)]
            windows.append(Window(ids, written, places, first))
            first = last
        return EncodedText(text, units, tuple(windows))

    def _slices(self, tokens: int) -> list[tuple[int, int, int]]:
        """For each window its tokens `start` to `stop`, and the token up to which it answers: halfway through what it
        shares with the next."""
        room = self.max_length - len(self._before) - len(self._after)
        shared = int(room * OVERLAP)
        slices = []
        for start in range(0, max(1, tokens - shared), room - shared):
            stop = min(tokens, start + room)
            slices.append((start, stop, tokens if stop == tokens else stop - shared // 2))
        return slices


def unit_scores(texts: Sequence[EncodedText], outputs: Sequence[Floats]) -> list[Floats]:
    """The scores of each text's units, each of shape (units, tags): those of their first tokens. `outputs`: of each
    window in order, (tokens, tags), padded or not."""
    rest = iter(outputs)
    return [np.concatenate([next(rest)[window.positions] for window in text.windows]) for text in texts]


def token_tags(text: EncodedText, tags: Sequence[int], trailing: int, ignored: int) -> list[list[int]]:
    """A tag for each token of each window, out of one for each unit (BIO: odd is a B, the next even number its I): the
    first token of a unit has its tag, and those behind it go on with its entity. Special tokens are `ignored`, and so
    are tokens of units that another window answers for."""
    return [_window_tags(text, window, tags, trailing, ignored) for window in text.windows]


def _window_tags(text: EncodedText, window: Window, tags: Sequence[int], trailing: int, ignored: int) -> list[int]:
    targets = [ignored] * len(window)
    for at, place in enumerate(window.positions):
        unit = window.first + at
        after = text.units[unit + 1].token - text.units[unit].token if unit + 1 < len(text.units) else len(window)
        stop = min(int(place) + after, len(window) - trailing)
        tag = int(tags[unit])
        targets[place:stop] = [tag, *[tag + tag % 2] * (stop - int(place) - 1)]
    return targets


def words_suffice(examples: Sequence[AnnotatedText]) -> bool:
    """Whether all but few entities begin and end where words do; a word as one unit is then decoded better than its
    parts."""
    ends = [(example.text, at) for example in examples for span in example.spans for at in (span.start, span.end)]
    return sum(cuts_word(text, at) for text, at in ends) <= WITHIN_WORDS * len(ends)


def units_of(text: str, offsets: Sequence[tuple[int, int]], whole_words: bool) -> tuple[Unit, ...]:
    """The units of tokens with these character offsets.

    White space that a tokenizer counts to a token is taken off; a unit has the accents that belong to its last
    character, whether the tokenizer has dropped them or not; a token within what the one before has covered joins its
    unit, and so, with `whole_words`, does one that goes on with a word.
    """
    units: list[Unit] = []
    for token, (start, end) in enumerate(offsets):
        start, end = _whole_characters(text, start, end)
        if start == end:
            continue
        if units and (start < units[-1].end or (whole_words and cuts_word(text, start))):
            units[-1] = Unit(units[-1].token, units[-1].start, max(end, units[-1].end))
        else:
            units.append(Unit(token, start, end))
    return tuple(units)


def _whole_characters(text: str, start: int, end: int) -> tuple[int, int]:
    """The offsets without white space at the ends, and then grown until they cut no character."""
    inside = text[start:end]
    if not inside.strip():
        return start, start
    start += len(inside) - len(inside.lstrip())
    end -= len(inside) - len(inside.rstrip())
    while cuts_character(text, start):
        start -= 1
    while cuts_character(text, end):
        end += 1
    return start, end
