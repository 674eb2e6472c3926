"""Pictures of how well items are ranked, beside plain methods on the same queries, and by which reading of the data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from autogen.reports.curves import BLUE, GREY, ORANGE, new_figure
from autogen.reports.drawing import Drawing
from autogen.tasks.evaluation import Evaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = ("ndcg_at_10", "hit_rate_at_10", "cold_only_hit_rate_at_10", "coverage_at_10")
Metrics = Mapping[str, float]


def drawings(evaluation: Evaluation, record: Mapping[str, Any]) -> Iterator[Drawing]:
    """Beside plain methods, and NDCG@10 by mix of readings."""
    metrics, baselines, ndcg_by_mix = evaluation.metrics, evaluation.baselines, record.get("tried") or {}
    if baselines:
        names = [name for name in SHOWN if name in metrics]
        figures = "; ".join(f"{name} {metrics[name]:.3f}" for name in names)
        yield Drawing(
            "against-plain",
            "Against plain methods",
            "On the same queries. The lines are 95 % intervals.",
            f"Bars of {figures}, beside {', '.join(baselines)}.",
            against_plain(metrics, evaluation.intervals, baselines),
        )
    if ndcg_by_mix:
        figures = "; ".join(f"{name} {value:.3f}" for name, value in ndcg_by_mix.items())
        yield Drawing(
            "readings",
            "Which readings answer",
            "NDCG@10 on users' last events, which these readings had not learnt from: the best answers.",
            f"Bars: {figures}.",
            readings(ndcg_by_mix),
        )


def against_plain(
    metrics: Metrics, intervals: Mapping[str, tuple[float, float]], baselines: Mapping[str, Metrics]
) -> Figure:
    names = [name for name in SHOWN if name in metrics]
    figure = new_figure(6.4, 3.2)
    axes = figure.subplots()
    width = 0.8 / (1 + len(baselines))
    axes.bar(range(len(names)), [metrics[name] for name in names], width, color=BLUE, label="this version")
    for at, name in enumerate(names):
        if name in intervals:
            axes.vlines(at, *intervals[name], color="black", linewidth=1.2)
    for step, (label, values) in enumerate(baselines.items(), start=1):
        places = [at + step * width for at in range(len(names))]
        axes.bar(
            places, [values.get(name, 0.0) for name in names], width, color=(GREY, ORANGE)[step % 2 - 1], label=label
        )
    axes.set_xticks([at + width * len(baselines) / 2 for at in range(len(names))], names)
    axes.set_ylim(0, min(1.0, 1.25 * max(metrics[name] for name in names) + 0.01))
    axes.legend(frameon=False)
    axes.grid(axis="y", alpha=0.25)
    return figure


def readings(ndcg_by_mix: Metrics) -> Figure:
    figure = new_figure(6.4, 0.8 + 0.45 * len(ndcg_by_mix))
    axes = figure.subplots()
    best = max(ndcg_by_mix.values())
    axes.barh(
        [*ndcg_by_mix],
        [*ndcg_by_mix.values()],
        color=[BLUE if value == best else GREY for value in ndcg_by_mix.values()],
    )
    for at, value in enumerate(ndcg_by_mix.values()):
        axes.text(value, at, f" {value:.3f}", va="center")
    axes.invert_yaxis()
    axes.set_xlim(0, 1.15 * best + 0.001)
    axes.set_xlabel("ndcg_at_10")
    return figure
