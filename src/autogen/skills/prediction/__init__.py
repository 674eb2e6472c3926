"""The skill `prediction`: answers with a model of any task that answers texts by itself."""

from autogen.skills.prediction.kind import PredictionKind

SKILL = PredictionKind()
