"""What can be learnt: one file per task, free of torch."""

from __future__ import annotations

from autogen.tasks.text_classification import TextClassification

TASKS = {TextClassification.name: TextClassification}
