"""What a report shows of entities: training curves, the hardest labels, the most frequent mistakes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autogen.markup import DataTable, share
from autogen.tasks.token_classification.rows import Span

if TYPE_CHECKING:
    from autogen.reports.drawing import Drawing

MOST_HARD, MOST_MISTAKES = 15, 15


def drawings(record: Mapping[str, Any]) -> Iterator[Drawing]:
    from autogen.reports.curves import learning_drawings

    yield from learning_drawings(record.get("history", ()), "entity F1")


def hardest(per_label: Mapping[str, Mapping[str, float]]) -> Iterator[DataTable]:
    """The labels with the lowest F1, with its interval, precision, recall and entities; nothing where there are
    none."""
    if not per_label:
        return
    worst = sorted(per_label.items(), key=lambda item: (item[1]["f1"], item[0]))[:MOST_HARD]
    columns = ("label", "f1", "95 %", "precision", "recall", "entities")
    rows = [
        (
            name,
            share(of["f1"]),
            f"{share(of['f1_low'])}–{share(of['f1_high'])}",
            share(of["precision"]),
            share(of["recall"]),
            int(of["spans"]),
        )
        for name, of in worst
    ]
    yield DataTable("Hardest labels", columns, rows, right=(1, 2, 3, 4, 5))


def mistakes(
    texts: Sequence[str], predicted: Sequence[Sequence[Span]], gold: Sequence[Sequence[Span]]
) -> DataTable | None:
    """Kinds of mistakes, the most frequent first, each with an example; None where there are none."""
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for text, guesses, truth in zip(texts, predicted, gold, strict=True):
        for kind, span in _mistakes_of({*guesses}, {*truth}):
            counts[kind] += 1
            examples.setdefault(kind, text[span.start : span.end])
    rows = [(kind, number, examples[kind]) for kind, number in counts.most_common(MOST_MISTAKES)]
    return DataTable("Most frequent mistakes", ("mistake", "times", "for example"), rows, right=(1,)) if rows else None


def _mistakes_of(guesses: set[Span], truth: set[Span]) -> Iterator[tuple[str, Span]]:
    """Each entity that was missed or answered otherwise, and each found where there is none."""
    for span in truth - guesses:
        over = [guess for guess in guesses if guess.start < span.end and span.start < guess.end]
        if not over:
            yield f"{span.label} missed", span
        elif over[0].label != span.label:
            yield f"{span.label} answered as {over[0].label}", span
        else:
            yield f"{span.label} with other bounds", span
    for guess in guesses - truth:
        if not any(span.start < guess.end and guess.start < span.end for span in truth):
            yield f"{guess.label} where there is none", guess
