"""The packaged outliers, and which of them suit a project: those of its languages, the same number of each kind."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import chain, zip_longest

from autogen.data.text import normalise

FILE = "outliers.jsonl.gz"
MOST = 600  # texts that a project is compared with: each is embedded once for every model of a training run
MOST_READ = 2_000  # texts by which a project's languages are told
LEAST_SHARE = 0.1  # of the texts that are in a language
CHINESE = re.compile(r"[\u3400-\u9fff]")
DEFAULT_LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class Outlier:
    """A text, what kind of text it is, and its language (ISO 639-1)."""

    text: str
    kind: str
    lang: str
    text_pair: None = None


@cache
def packaged_outliers() -> tuple[Outlier, ...]:
    """All of them, in a fixed order."""
    data = (files("autogen.tasks.text_classification.outliers") / FILE).read_bytes()
    return tuple(Outlier(**json.loads(line)) for line in gzip.decompress(data).decode("utf-8").splitlines())


def choose_outliers(texts: Sequence[str], most: int = MOST) -> list[Outlier]:
    """At most `most` packaged outliers in the languages of a project's `texts`, its own texts left out."""
    own, langs = {normalise(text) for text in texts}, languages_of(texts)
    by_kind: defaultdict[tuple[str, str], list[Outlier]] = defaultdict(list)
    for outlier in packaged_outliers():
        if outlier.lang in langs and normalise(outlier.text) not in own:
            by_kind[outlier.lang, outlier.kind].append(outlier)
    in_turn = chain.from_iterable(zip_longest(*map(_spread, by_kind.values())))
    return [outlier for outlier in in_turn if outlier is not None][:most]


def _spread(outliers: Sequence[Outlier]) -> list[Outlier]:
    """In an order whose beginning is taken from everywhere: texts that stand together were made from one template."""
    step = next(step for step in (7, 11, 13, 17, 19, 23) if len(outliers) % step)
    return [outliers[at * step % len(outliers)] for at in range(len(outliers))]


def languages_of(texts: Sequence[str]) -> set[str]:
    """The packaged languages that a tenth of the texts or more are in; English where none is recognised."""
    votes = Counter(lang for text in texts[:: max(1, len(texts) // MOST_READ)] if (lang := _language(text)))
    langs = {lang for lang, count in votes.items() if count >= LEAST_SHARE * votes.total()}
    return langs or {DEFAULT_LANGUAGE}


def _language(text: str) -> str | None:
    """The language with most of the text's words among those of its packaged outliers; None where no word is."""
    if CHINESE.search(text):
        return "zh"
    votes: Counter[str] = Counter()
    for word in _words(text):
        langs = _vocabulary().get(word, ())
        votes.update(dict.fromkeys(langs, 6 // len(langs)) if langs else {})
    return max(votes, key=lambda lang: (votes[lang], lang == DEFAULT_LANGUAGE)) if votes else None


@cache
def _vocabulary() -> dict[str, frozenset[str]]:
    """Each word of the packaged outliers, gibberish left out, and the languages that have it."""
    langs_of_word: defaultdict[str, set[str]] = defaultdict(set)
    for outlier in packaged_outliers():
        if outlier.kind != "gibberish":
            for word in _words(outlier.text):
                langs_of_word[word].add(outlier.lang)
    return {word: frozenset(langs) for word, langs in langs_of_word.items()}


def _words(text: str) -> Iterable[str]:
    return re.findall(r"[^\W\d_]+", text.lower())
