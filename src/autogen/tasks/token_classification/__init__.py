"""The task `token-classification`: entities in a text, each a span of characters with a label."""

from autogen.tasks.token_classification.task import TokenClassificationTask

TASK = TokenClassificationTask()
