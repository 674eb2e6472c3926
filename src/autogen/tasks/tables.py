"""Tables that several tasks show of an evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from autogen.markup import DataTable, share

MOST_HARD = 15


def hardest_labels(per_label: Mapping[str, Mapping[str, float]]) -> Iterator[DataTable]:
    """The labels with the lowest F1, with precision, recall and the rows of each; nothing where there are none."""
    if not per_label:
        return
    hardest = sorted(per_label.items(), key=lambda item: (item[1]["f1"], item[0]))[:MOST_HARD]
    rows = [(name, *(share(of[key]) for key in ("f1", "precision", "recall")), int(of["rows"])) for name, of in hardest]
    yield DataTable("Hardest labels", ("label", "f1", "precision", "recall", "rows"), rows, right=(1, 2, 3, 4))
