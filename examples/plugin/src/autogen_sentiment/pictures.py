"""What a report draws of a lexicon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autogen.reports.curves import BLUE, new_figure
from autogen.reports.drawing import Drawing


def heaviest_words(heaviest: Mapping[str, Sequence[Any]]) -> Drawing:
    """`heaviest`: (word, weight) pairs by sentiment, the heaviest first."""
    most = max(len(words) for words in heaviest.values())
    figure = new_figure(2.6 * len(heaviest), 0.8 + 0.3 * most)
    for axes, (label, words) in zip(figure.subplots(1, len(heaviest), squeeze=False)[0], heaviest.items(), strict=True):
        axes.barh([word for word, _ in words], [weight for _, weight in words], color=BLUE)
        axes.invert_yaxis()
        axes.set_title(label)
    listed = "; ".join(f"{label}: {', '.join(word for word, _ in words[:3])}" for label, words in heaviest.items())
    return Drawing(
        "words",
        "The heaviest words",
        "How much each word speaks for a sentiment more than for the others.",
        f"Bars of weights by sentiment. Heaviest words of each: {listed}.",
        figure,
    )
