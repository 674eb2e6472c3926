from __future__ import annotations

import inspect
import re

import pytest

from autogen import errors
from autogen.errors import AutoGenError, did_you_mean


def drawn() -> dict[str, tuple[str, int]]:
    """The tree at the module's top: each error's parent and exit code."""
    found: dict[str, tuple[str, int]] = {}
    parents = ["Exception"]
    for line in inspect.cleandoc(errors.__doc__ or "").splitlines():
        match = re.match(r"([│├└─ ]*)([A-Z]\w+) +(\d+)?", line)
        if match and match[2] in dir(errors):
            depth = len(match[1]) // 4
            parent = parents[depth]
            code = int(match[3]) if match[3] else found[parent][1]
            found[match[2]] = (parent, code)
            parents[depth + 1 :] = [match[2]]
    return found


def test_the_tree_drawn_at_the_top_is_the_tree_there_is() -> None:
    real = {
        name: (kind.__base__.__name__, kind.exit_code)
        for name, kind in vars(errors).items()
        if inspect.isclass(kind) and issubclass(kind, AutoGenError) and kind.__base__
    }
    assert drawn() == real and len(real) > 10


@pytest.mark.parametrize(
    ("word", "known", "said"),
    [
        ("lerning_rate", ["learning_rate", "epochs"], ' Did you mean "learning_rate"?'),
        ("minlm", {"minilm": 1}, ' Did you mean "minilm"?'),
        ("banana", ["learning_rate"], ""),
        ("anything", [], ""),
    ],
)
def test_the_nearest_known_word_is_suggested(word: str, known: list[str], said: str) -> None:
    assert did_you_mean(word, known) == said
