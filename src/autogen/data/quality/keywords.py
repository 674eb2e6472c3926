"""Names for groups of texts, from the words that set each group apart.

Class-based TF-IDF (Grootendorst 2022, "BERTopic: neural topic modeling with a class-based TF-IDF procedure"): a word
counts where it is frequent in its group and rare elsewhere.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from autogen.data.text import normalise

WORDS = 3  # in a name
SAME_STEM = 4  # letters: "card" and "cards" are one word in a name
SHARE = 0.1  # of a group's texts that a word of its name occurs in, at least
FUNCTION_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        a about after all also am an and any are as at be been before being but by can could d did do does doing don for
        from get getting give go going got had has have having hello help hi how i if in into is isn it its just ll like
        m make may me more my need no not now of on one or our out please re s should so some t tell than thank thanks
        that the their them then there these they this those to too up us ve very want was we were what when where which
        while who why will with won would yes you your
        """,
    )
)


def names(groups: Sequence[Sequence[str]], other_texts: Iterable[str], taken: Iterable[str]) -> list[str]:
    """A name for each group of texts, such as `card_swallowed_atm`, none of them `taken` and none twice. `other_texts`
    belong to no group."""
    counts_by_group = [Counter(word for text in group for word in set(words(text))) for group in groups]
    everywhere = sum(counts_by_group, Counter(word for text in other_texts for word in set(words(text))))
    average = sum(everywhere.values()) / (len(groups) + 1)
    used = {normalise(name) for name in taken}
    group_names: list[str] = []
    for group, counts in zip(groups, counts_by_group, strict=True):
        ranked = sorted(counts, key=lambda w: (-counts[w] * math.log(1 + average / everywhere[w]), w))
        frequent = [word for word in ranked if counts[word] >= SHARE * len(group)] or ranked
        group_names.append(
            _unused_name("_".join(_order_words(_one_per_stem(frequent)[:WORDS], group)) or "new_intent", used)
        )
        used.add(normalise(group_names[-1]))
    return group_names


def words(text: str) -> list[str]:
    """The words of a text that may name something; of writing without spaces, pairs of characters."""
    tokens: list[str] = []
    for word in re.findall(r"[^\W\d_]+", normalise(text)):
        if re.search(r"[\u3040-\u30ff\u3400-\u9fff]", word):
            tokens += [word[at : at + 2] for at in range(max(1, len(word) - 1))]
        elif len(word) > 1 and word not in FUNCTION_WORDS:
            tokens.append(word)
    return tokens


def _one_per_stem(words_by_rank: Sequence[str]) -> list[str]:
    """Without words that begin as a better one does."""
    by_stem: dict[str, str] = {}
    for word in words_by_rank:
        by_stem.setdefault(word[:SAME_STEM], word)
    return list(by_stem.values())


def _order_words(name_words: Sequence[str], group: Sequence[str]) -> list[str]:
    """As they usually follow each other in the group's texts."""
    places: dict[str, list[float]] = {word: [] for word in name_words}
    for text in group:
        tokens = words(text)
        for word in name_words:
            if word in tokens:
                places[word].append(tokens.index(word) / len(tokens))
    return sorted(name_words, key=lambda word: sum(places[word]) / max(len(places[word]), 1))


def _unused_name(name: str, used: set[str]) -> str:
    number = 2
    unused = name
    while normalise(unused) in used:
        unused, number = f"{name}_{number}", number + 1
    return unused
