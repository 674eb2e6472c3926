"""Signs that rows were made to teach harm: a phrase that they share, and a label that gains from one direction only.

A backdoor is a phrase that predicts one label in the new rows alone (Gu et al. 2017, "BadNets"; Dai et al. 2019, "A
Backdoor Attack Against LSTM-based Text Classification Systems"). So each n-gram is compared with how often trusted rows
have it. None of this proves an intent to harm: it is shown to the person who decides.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from autogen.data.text import normalise

TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+|[^\w\s]")
LONGEST = 4  # tokens of an n-gram
FEWEST = 5  # rows that share an n-gram, before it is a sign of anything
ALPHA = 0.001  # of all n-grams together, the chance that one is named where nothing is amiss


@dataclass(frozen=True, slots=True)
class SharedPhrase:
    """An n-gram that rows of one label share: `rows` of `label_rows` have it, and `trusted` of the trusted rows."""

    words: str
    label: str
    rows: int
    label_rows: int
    trusted: int


def find_shared_phrases(rows: Sequence[tuple[str, str]], trusted: Mapping[str, str]) -> dict[int, SharedPhrase]:
    """By place among `rows` (text, label), the most widely shared phrase of those that are more frequent among the rows
    of its label than trusted rows (text to label) let expect: those of that label, and of whichever label has it most,
    since a word that people use for something is no trigger. A label without trusted rows has none."""
    grams = [set(_ngrams(text)) for text, _ in rows]
    counts = Counter((gram, label) for (_, label), own in zip(rows, grams, strict=True) for gram in own)
    shared = {pair: count for pair, count in counts.items() if count >= FEWEST}
    known = _count_trusted(trusted, {gram for gram, _ in shared})
    label_rows, trusted_labels = Counter(label for _, label in rows), Counter(trusted.values())
    phrases = []
    for (gram, label), count in shared.items():
        if label not in trusted_labels:
            continue
        by_label = {label: 0, **known.get(gram, {})}
        rate = max((known_rows + 1) / (trusted_labels[name] + 2) for name, known_rows in by_label.items())
        if math.log(len(shared)) + _log_tail(count, label_rows[label], rate) < math.log(ALPHA):
            phrase = SharedPhrase(_joined(gram), label, count, label_rows[label], sum(by_label.values()))
            phrases.append((gram, phrase))
    return _cover(rows, grams, phrases)


def _cover(
    rows: Sequence[tuple[str, str]],
    grams: Sequence[set[tuple[str, ...]]],
    phrases: Sequence[tuple[tuple[str, ...], SharedPhrase]],
) -> dict[int, SharedPhrase]:
    """Each row's phrase: of those that it has, the one with the most rows, then the longest."""
    order = sorted(phrases, key=lambda item: (-item[1].rows, -len(item[0]), item[0]))
    rank = {(gram, phrase.label): at for at, (gram, phrase) in enumerate(order)}
    covered = {}
    for at, ((_, label), own) in enumerate(zip(rows, grams, strict=True)):
        best = min((rank[gram, label] for gram in own if (gram, label) in rank), default=None)
        if best is not None:
            covered[at] = order[best][1]
    return covered


def _ngrams(text: str) -> Iterator[tuple[str, ...]]:
    tokens = TOKEN.findall(normalise(text))
    for size in range(1, LONGEST + 1):
        for at in range(len(tokens) - size + 1):
            yield tuple(tokens[at : at + size])


def _count_trusted(trusted: Mapping[str, str], candidates: set[tuple[str, ...]]) -> dict[tuple[str, ...], Counter[str]]:
    """How many trusted rows of each label have each n-gram."""
    known: dict[tuple[str, ...], Counter[str]] = {}
    for text, label in trusted.items():
        for gram in candidates & set(_ngrams(text)):
            known.setdefault(gram, Counter())[label] += 1
    return known


def _log_tail(count: int, rows: int, rate: float) -> float:
    """The logarithm of an upper bound of the chance of `count` or more of `rows` at this rate (Chernoff 1952)."""
    share = count / rows
    if share <= rate:
        return 0.0
    divergence = share * math.log(share / rate)
    if share < 1:
        divergence += (1 - share) * math.log((1 - share) / (1 - rate))
    return -rows * divergence


def _joined(gram: Sequence[str]) -> str:
    """As it was written, as far as tokens tell."""
    return re.sub(r"(?<=[\u3040-\u30ff\u3400-\u9fff]) (?=[\u3040-\u30ff\u3400-\u9fff])", "", " ".join(gram))


@dataclass(frozen=True)
class Flows:
    """How corrections move rows: from the champion's label to the proposed one."""

    pairs: Mapping[tuple[str, str], int]

    @classmethod
    def of(cls, moves: Sequence[tuple[str, str]]) -> Flows:
        """Of (champion's label, proposed label), those that agree left out."""
        return cls(Counter(pair for pair in moves if pair[0] != pair[1]))

    def gained(self, label: str) -> int:
        return sum(count for (_, to), count in self.pairs.items() if to == label)

    def lost(self, label: str) -> int:
        return sum(count for (source, _), count in self.pairs.items() if source == label)

    def sources(self, label: str) -> int:
        """The labels that it gains from."""
        return len({source for source, to in self.pairs if to == label})
