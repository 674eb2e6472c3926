"""Labels and texts that are likely not what they look like: words for nothing, and out-of-scope rows by other names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from autogen.config.settings import RESERVED_LABEL
from autogen.data.names import is_word_for_nothing, name_key
from autogen.data.problems import Problem, listed, shown
from autogen.data.rows import Row

# What out-of-scope rows are called elsewhere (CLINC150, Rasa, Dialogflow, Lex, LUIS), without case and punctuation.
_OUT_OF_SCOPE = frozenset(
    "oos outofscope ood outofdomain nlufallback fallback fallbackintent defaultfallback defaultfallbackintent "
    "amazonfallbackintent none noneintent nointent notunderstood irrelevant offtopic chitchatfallback".split()
)


def names_out_of_scope(label: str) -> bool:
    """Whether this is what rows that are out of scope are called elsewhere."""
    return label != RESERVED_LABEL and re.sub(r"[\W_]+", "", name_key(label)) in _OUT_OF_SCOPE


def check_meanings(
    texts: Sequence[str], labels: Sequence[str], rows: Sequence[Row], in_project: bool = True
) -> list[Problem]:
    """A warning for labels that are words for nothing, one for labels that mean out of scope, and one for texts that
    are words for nothing; each at its first row."""
    setting = "set `oos_labels = [{}]` for the skill in agent.toml" if in_project else f'call it "{RESERVED_LABEL}"'
    problems = []
    nothing = [at for at, label in enumerate(labels) if is_word_for_nothing(label)]
    if nothing:
        names = listed(_by_count(labels[at] for at in nothing))
        fix = f"delete the rows that have no label; if it means out of scope, {setting.format(names)}"
        message = f"expected labels, found words that are written for nothing: {names} ({len(nothing)} rows)"
        problems.append(_warning("word-for-nothing", rows[nothing[0]], message, f"{fix}; else it is learnt as a label"))
    outside = [at for at, label in enumerate(labels) if names_out_of_scope(label) and not is_word_for_nothing(label)]
    if outside:
        names = listed(_by_count(labels[at] for at in outside))
        message = f'expected out-of-scope rows to be labelled "{RESERVED_LABEL}", found {names} ({len(outside)} rows)'
        fix = f"{setting.format(names)}; until then it is learnt and answered as any other label"
        problems.append(_warning("out-of-scope-name", rows[outside[0]], message, fix))
    empty = [at for at, text in enumerate(texts) if is_word_for_nothing(text)]
    if empty:
        names = ", ".join(shown(name) for name in _by_count(texts[at].strip() for at in empty))
        message = f"expected texts, found words that are written for nothing: {names} ({len(empty)} rows)"
        fix = "delete the rows, unless people say just that"
        problems.append(_warning("word-for-nothing", rows[empty[0]], message, fix))
    return problems


def _by_count(names: Iterable[str]) -> list[str]:
    return [name for name, _ in Counter(names).most_common(10)]


def _warning(kind: str, row: Row, message: str, fix: str) -> Problem:
    return Problem("warning", kind, row.source, row.number, message, fix)
