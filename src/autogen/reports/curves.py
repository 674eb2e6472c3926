"""What every report draws alike: training curves, and the figures and colours that pictures share. Colours are those of
Okabe & Ito (2008), which colour-blind people can tell apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autogen.reports.drawing import Drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#999999"

History = Sequence[Mapping[str, float]]


def training_curves(history: History, measure: str) -> Figure | None:
    """Loss, and what was measured on held-out rows, epoch by epoch; the epoch that was kept is marked. None without a
    history."""
    losses = [(entry["epoch"], entry["loss"]) for entry in history if "loss" in entry]
    scores = [(entry["epoch"], entry["eval_score"]) for entry in history if "eval_score" in entry]
    if not losses:
        return None
    figure = new_figure(8.4 if scores else 4.4, 3.2)
    axes = figure.subplots(1, 2 if scores else 1, squeeze=False)[0]
    _curve(axes[0], losses, BLUE, "training loss")
    axes[0].set_ylim(bottom=0)
    if scores:
        _curve(axes[1], scores, ORANGE, f"held-out {measure}")
        _percent(axes[1].yaxis)
        epoch, best_score = max(scores, key=lambda point: (point[1], -point[0]))
        axes[1].scatter(
            [epoch], [best_score], s=110, facecolors="none", edgecolors=ORANGE, linewidths=1.6, clip_on=False
        )
        axes[1].set_title(f"held-out {measure} (kept: epoch {epoch:g}, {best_score:.1%})")
        axes[1].margins(y=0.15)
    return figure


def _curve(axes: Axes, points: Sequence[tuple[float, float]], colour: str, name: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.plot(*zip(*points, strict=True), color=colour, marker="o", markersize=4, linewidth=1.8)
    axes.set_xlabel("epoch")
    axes.set_title(name)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(axis="y", alpha=0.25)


def new_figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure  # not pyplot: it would keep every figure, and choose a screen to show it on

    return Figure(figsize=(width, height), layout="constrained")


def _percent(axis: Any) -> None:
    axis.set_major_formatter(lambda value, _: f"{round(100 * value, 6):g}%")


def learning_drawings(history: History, measure: str) -> Iterator[Drawing]:
    """The training curves, with their words, where there is a history. `measure`: what the held-out rows were measured
    by, such as "entity F1"."""
    figure = training_curves(history, measure)
    if figure is not None:
        scores = [entry["eval_score"] for entry in history if "eval_score" in entry]
        losses = [entry["loss"] for entry in history if "loss" in entry]
        score_words = (
            f"; held-out {measure} from {scores[0]:.1%} to {scores[-1]:.1%}, at best {max(scores):.1%}"
            if scores
            else ""
        )
        yield Drawing(
            "training",
            "Training",
            "The loss is what is minimised (with its contrastive part where there is one). "
            + (
                f"The epoch with the best held-out {measure} was kept."
                if scores
                else "No rows were held out of this fit."
            ),
            f"Curves over {len(losses)} epochs: loss from {losses[0]:.3g} to {losses[-1]:.3g}{score_words}.",
            figure,
        )
