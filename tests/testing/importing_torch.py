"""The example's task in a module that imports torch."""

from __future__ import annotations

import torch  # noqa: F401

from autogen_sentiment.task import SentimentTask


class HeavyTask(SentimentTask):
    """Nothing else is wrong with it."""


HEAVY = HeavyTask()
