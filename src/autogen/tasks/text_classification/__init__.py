"""The task `text-classification`: one label for a text, or none when it is out of scope."""

from autogen.tasks.text_classification.task import TextClassificationTask

TASK = TextClassificationTask()
