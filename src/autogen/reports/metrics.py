"""Metrics as the mapping they are, shown as a table in Jupyter."""

from __future__ import annotations

from autogen.markup import metrics_table


class MetricValues(dict[str, float]):
    """name → value in 0–1: a dict in every way."""

    def _repr_html_(self) -> str:
        return metrics_table(self)
