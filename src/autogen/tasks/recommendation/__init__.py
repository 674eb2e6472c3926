"""The task `recommendation`: the items that a person will want next."""

from autogen.tasks.recommendation.task import RecommendationTask

TASK = RecommendationTask()
