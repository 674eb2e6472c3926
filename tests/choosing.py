"""Which of a test's many cases every run tries, and which only the exhaustive one."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pytest
from _pytest.mark import ParameterSet


def quick_and_slow(values: Sequence[str], quick: Collection[str]) -> list[ParameterSet]:
    """The values as parameters; those that are not among `quick` are marked slow."""
    return [pytest.param(value, marks=[] if value in quick else [pytest.mark.slow]) for value in values]
