"""Pictures, as pure functions from data to a matplotlib figure. Colours are those of Okabe & Ito (2008), which
colour-blind people can tell apart; every axis says what it counts, and shares are drawn from 0 to 1 where bars are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from autogen.config.settings import RESERVED_LABEL
from autogen.markup import printable
from autogen.reports.curves import BLUE, GREY, ORANGE, _percent, new_figure
from autogen.reports.drawing import INK
from autogen.tasks.text_classification.answers import Answers, ConfusionMatrix, Reliability, Tradeoff, wilson

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_LABELS = 40  # with their names, in one matrix
MOST_BARS = 30
LONGEST_NAME = 34


def confusion_matrix(matrix: ConfusionMatrix) -> Figure:
    """Labels, some forty at most, with their names and counts: right answers blue, mistakes orange. Each row is shaded
    by its shares, so that a label with many rows does not outshine the others."""
    size = len(matrix.labels)
    names = [_short(label) for label in matrix.labels]
    cell = 0.42 if size <= 12 else 0.3 if size <= 26 else 0.235
    margin = 0.078 * max(map(len, names)) + 0.5
    figure = new_figure(size * cell + margin + 0.5, size * cell + margin + 0.4)
    axes = figure.subplots()
    axes.imshow(_shaded(matrix), aspect="equal", interpolation="nearest")
    font = 10 if size <= 12 else 8 if size <= 26 else 7
    axes.set_xticks(range(size), names, rotation=90, fontsize=font)
    axes.set_yticks(range(size), names, fontsize=font)
    for i, j in zip(*np.nonzero(matrix.counts), strict=True):
        strong = matrix.counts[i, j] / matrix.counts[i].sum() > 0.55
        axes.text(
            j, i, f"{matrix.counts[i, j]}", ha="center", va="center", fontsize=font, color="white" if strong else INK
        )
    _between_cells(axes, size)
    axes.set_xlabel("answered")
    axes.set_ylabel("right label")
    return figure


def confusion_overview(matrix: ConfusionMatrix) -> Figure:
    """All labels, too many for names: where the mistakes lie. Each mistake is a dot, the larger the more rows."""
    size = len(matrix.labels)
    figure = new_figure(5.6, 5.4)
    axes = figure.subplots()
    axes.plot([0, size - 1], [0, size - 1], color=BLUE, linewidth=1, alpha=0.6)
    right, answered = np.nonzero(matrix.mistakes)
    rows = matrix.mistakes[right, answered]
    axes.scatter(answered, right, s=10 * rows, color=ORANGE, alpha=0.75, linewidths=0)
    axes.set(xlim=(-1, size), ylim=(size, -1), xlabel=f"answered ({size} labels, confused ones side by side)")
    axes.set_ylabel("right label")
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    for count in sorted({1, int(rows.max(initial=1))}):
        axes.scatter(
            [],
            [],
            s=10 * count,
            color=ORANGE,
            alpha=0.75,
            linewidths=0,
            label=f"{count} rows" if count > 1 else "1 row",
        )
    figure.legend(loc="outside right upper", frameon=False, title="mistakes")
    return figure


def _shaded(matrix: ConfusionMatrix) -> Any:
    """RGBA: transparent where there is nothing, so that the page's own background shows."""
    from matplotlib.colors import to_rgb

    shares = matrix.counts / np.maximum(matrix.counts.sum(axis=1, keepdims=True), 1)
    image = np.empty((*shares.shape, 4))
    image[..., :3] = to_rgb(ORANGE)
    image[np.arange(len(shares)), np.arange(len(shares)), :3] = to_rgb(BLUE)
    image[..., 3] = np.where(shares > 0, 0.18 + 0.82 * shares, 0)
    return image


def _between_cells(axes: Axes, size: int) -> None:
    axes.set_xticks(np.arange(size + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(size + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=GREY, alpha=0.25, linewidth=0.5)
    axes.tick_params(which="both", length=0)


def reliability_diagram(diagram: Reliability) -> Figure:
    """Accuracy in each bin of confidence with its 95 % interval, against the diagonal; below, the rows of each."""
    figure = new_figure(4.8, 5.0)
    axes, counts = figure.subplots(2, 1, height_ratios=(3.2, 1), sharex=True)
    middles, width = diagram.edges.mean(axis=1), float(diagram.edges[0, 1] - diagram.edges[0, 0])
    bounds = [wilson(float(share), int(rows)) for share, rows in zip(diagram.accuracy, diagram.rows, strict=True)]
    low, high = np.array(bounds).reshape(-1, 2).T
    axes.bar(middles, diagram.accuracy, width * 0.92, color=BLUE, alpha=0.35)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1.2, label="perfectly calibrated")
    axes.errorbar(
        diagram.confidence,
        diagram.accuracy,
        [diagram.accuracy - low, high - diagram.accuracy],
        fmt="o",
        color=BLUE,
        markersize=5,
        capsize=2.5,
        linewidth=1.2,
        label="accuracy at the mean confidence",
    )
    axes.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="accuracy", title=f"expected calibration error {diagram.ece:.1%}")
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    counts.bar(middles, diagram.rows, width * 0.92, color=GREY)
    counts.bar_label(counts.containers[0], fontsize=7, padding=1)
    counts.set(xlabel="confidence", ylabel="rows", ylim=(0, diagram.rows.max() * 1.25))
    for axis in (axes.xaxis, axes.yaxis, counts.xaxis):
        _percent(axis)
    return figure


def out_of_scope_scores(answers: Answers) -> Figure:
    """How sure the model is of rows in scope and of rows out of it, each group as shares of its own rows."""
    figure = new_figure(5.8, 3.6)
    axes = figure.subplots()
    scores, out_of_scope = answers.scores, answers.out_of_scope
    edges = np.linspace(scores.min(), scores.max() + 1e-9, 41).tolist()
    for group, colour, name in ((~out_of_scope, BLUE, "in scope"), (out_of_scope, ORANGE, "out of scope")):
        weights = np.full(int(group.sum()), 1 / max(int(group.sum()), 1))
        axes.hist(
            scores[group], edges, weights=weights, color=colour, alpha=0.5, label=f"{name} ({int(group.sum())} rows)"
        )
        axes.hist(scores[group], edges, weights=weights, color=colour, histtype="step", linewidth=1.4)
    if answers.threshold is not None:
        axes.axvline(answers.threshold, color=INK, linewidth=1.4, linestyle="--")
        axes.set_title(f"rejected below {answers.threshold:.3g} (dashed)", fontsize=9)
    _percent(axes.yaxis)
    axes.set(xlabel="score", ylabel="share of the group's rows")
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def rejection_tradeoff(curve: Tradeoff, threshold: float | None) -> Figure:
    """What each threshold costs in scope and finds out of it; the one in use is marked."""
    figure = new_figure(4.8, 4.2)
    axes = figure.subplots()
    axes.plot(curve.oos_recall, curve.in_scope_accuracy, color=BLUE, linewidth=2, drawstyle="steps-post")
    place = 0 if threshold is None else int(np.searchsorted(curve.thresholds, threshold, side="left"))
    place = min(place, len(curve.thresholds) - 1)
    recall, accuracy = float(curve.oos_recall[place]), float(curve.in_scope_accuracy[place])
    axes.scatter([recall], [accuracy], s=60, color=ORANGE, zorder=3, clip_on=False)
    words = "nothing is rejected" if threshold is None else f"threshold {threshold:.3g}"
    axes.annotate(
        f"{words}\n{recall:.1%} found out of scope\n{accuracy:.1%} right in scope",
        (recall, accuracy),
        (-14, -14) if recall > 0.5 else (14, -14),
        textcoords="offset points",
        ha="right" if recall > 0.5 else "left",
        va="top",
        fontsize=9,
    )
    axes.set(xlim=(0, 1.01), ylim=(0, 1.01), xlabel="out-of-scope recall", ylabel="in-scope accuracy after rejection")
    axes.grid(alpha=0.25)
    _percent(axes.xaxis)
    _percent(axes.yaxis)
    return figure


def label_bars(per_label: Mapping[str, Mapping[str, float]]) -> Figure:
    """F1 of each label, the hardest first and at most thirty, with precision and recall as marks."""
    hardest = sorted(per_label.items(), key=lambda item: (item[1]["f1"], item[0]))[:MOST_BARS]
    names = [f"{_short(name)} ({int(row['rows'])})" for name, row in hardest]
    figure = new_figure(5.2 + 0.07 * max(map(len, names)), 0.27 * len(hardest) + 1.3)
    axes = figure.subplots()
    places = np.arange(len(hardest))
    columns = {key: np.array([row[key] for _, row in hardest]) for key in ("f1", "precision", "recall")}
    axes.barh(places, columns["f1"], color=BLUE, alpha=0.45, height=0.72, label="F1")
    axes.scatter(
        columns["precision"], places, marker="|", s=70, color=ORANGE, linewidths=2, label="precision", clip_on=False
    )
    axes.scatter(columns["recall"], places, marker="o", s=16, color=BLUE, label="recall", clip_on=False)
    axes.set_yticks(places, names, fontsize=8)
    axes.set(xlim=(0, 1), ylim=(len(hardest) - 0.4, -0.6))
    axes.xaxis.tick_top()
    _percent(axes.xaxis)
    axes.grid(axis="x", alpha=0.25)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3, frameon=False, fontsize=8)
    return figure


def _short(label: str) -> str:
    shown = "oos (out of scope)" if label == RESERVED_LABEL else printable(" ".join(label.split()))
    return shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 1]}…"
