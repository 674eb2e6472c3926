"""Which pictures a report has, and the words that go with each: title, caption, and what it shows for those who cannot
see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from autogen.reports.curves import learning_drawings
from autogen.reports.drawing import Drawing
from autogen.tasks.evaluation import Evaluation
from autogen.tasks.text_classification.answers import Answers, ConfusionMatrix, count_confusion, reliability, tradeoff
from autogen.tasks.text_classification.pictures import (
    MOST_BARS,
    MOST_LABELS,
    confusion_matrix,
    confusion_overview,
    label_bars,
    out_of_scope_scores,
    rejection_tradeoff,
    reliability_diagram,
)

MOST_IN_OVERVIEW = 400  # labels; more would be less than a pixel each


def drawings(evaluation: Evaluation, record: Mapping[str, Any]) -> Iterator[Drawing]:
    """All that there is something to draw for; figures are made within `reports.drawing.style`."""
    yield from learning_drawings(record.get("history", ()), "accuracy, in scope")
    answers = evaluation.details
    if answers is not None and record.get("cross_validated"):  # then no eval row has fitted anything
        answers = replace(answers, calibrated_on=False)
    if answers is not None and answers.predictions:
        yield from _confusion(answers)
        yield from _calibration(answers)
        yield from _out_of_scope(answers)
        yield from _labels(evaluation.per_label)


def _confusion(answers: Answers) -> Iterator[Drawing]:
    matrix = count_confusion(answers.labels, answers.decided)
    size = len(matrix.labels)
    if size <= MOST_LABELS:
        yield _matrix(matrix, f"All {size} labels.")
        return
    worst = matrix.most_confused(MOST_LABELS)
    if worst.labels:
        yield _matrix(
            worst, f"The {len(worst.labels)} most confused of {size} labels; mistakes with others are not shown."
        )
    if size <= MOST_IN_OVERVIEW:
        yield Drawing(
            "confusion-all",
            "Confusion of all labels",
            "Every mistake is a dot. Dots near the line are labels often taken for each other.",
            f"Overview of mistakes among {size} labels: {matrix.mistakes.sum():d} of {matrix.counts.sum():d} rows.",
            confusion_overview(matrix.clustered()),
        )


def _matrix(matrix: ConfusionMatrix, which: str) -> Drawing:
    pairs = "; ".join(f"{label} answered as {answered} ({rows})" for label, answered, rows in matrix.pairs(5))
    return Drawing(
        "confusion",
        "Confusion",
        f"{which} Rows are the right labels, columns what was answered, rejection included; confused labels lie side "
        "by side. Shading is the share of the row.",
        f"Confusion matrix. {which} Most frequent mistakes: {pairs or 'none'}.",
        confusion_matrix(matrix.clustered()),
    )


def _calibration(answers: Answers) -> Iterator[Drawing]:
    diagram = reliability(answers)
    if diagram is not None:
        bins = "; ".join(
            f"{c:.0%} sure, {a:.0%} right" for c, a in zip(diagram.confidence, diagram.accuracy, strict=True)
        )
        yield Drawing(
            "reliability",
            "Is confidence to be believed?",
            "In-scope rows before rejection, in ten bins of equal width, with 95 % intervals. On the dashed line, an "
            "answer that is 80 % sure is right 80 % of the time."
            + (
                " The temperature was fitted on these very rows, so this is a little flattering."
                if answers.calibrated_on
                else ""
            ),
            f"Reliability diagram, expected calibration error {diagram.ece:.1%}. By bin: {bins}.",
            reliability_diagram(diagram),
        )


def _out_of_scope(answers: Answers) -> Iterator[Drawing]:
    curve = tradeoff(answers)
    if curve is None:
        return
    chosen = (
        " The threshold was chosen on these very rows."
        if answers.calibrated_on and answers.threshold is not None
        else ""
    )
    at = "nothing is rejected" if answers.threshold is None else f"the threshold is {answers.threshold:.3g}"
    out_of_scope = answers.out_of_scope
    within, beyond = _median(answers.scores[~out_of_scope]), _median(answers.scores[out_of_scope])
    middles = f"in scope {within:.3g}, out of scope {beyond:.3g}"
    yield Drawing(
        "scores",
        "Scores in scope and out of it",
        "The further apart the two are, the better what is out of scope can be told." + chosen,
        f"Histogram of scores; medians: {middles}; {at}.",
        out_of_scope_scores(answers),
    )
    yield Drawing(
        "tradeoff",
        "What rejection costs",
        "Every threshold is a point of the line: further right finds more that is out of scope, further down answers "
        "less that is in scope. The dot is the threshold in use." + chosen,
        f"Curve of in-scope accuracy against out-of-scope recall; {at}.",
        rejection_tradeoff(curve, answers.threshold),
    )


def _median(values: Any) -> float:
    import numpy as np

    return float(np.median(values))


def _labels(per_label: Mapping[str, Mapping[str, float]]) -> Iterator[Drawing]:
    if per_label:
        which = f"The {MOST_BARS} hardest of {len(per_label)} labels" if len(per_label) > MOST_BARS else "All labels"
        worst: Callable[[str], float] = lambda name: per_label[name]["f1"]  # noqa: E731
        hardest = "; ".join(f"{name} {per_label[name]['f1']:.0%}" for name in sorted(per_label, key=worst)[:5])
        yield Drawing(
            "labels",
            "Labels, hardest first",
            f"{which}, after rejection; in brackets the rows of each. A label with few rows may look hard by chance.",
            f"Bars of F1 by label. {which}. Lowest: {hardest}.",
            label_bars(per_label),
        )
