"""The skill `recommendation`: what this person will want next of a catalogue, also by queries in words."""

from autogen.skills.recommendation.kind import RecommendationKind

SKILL = RecommendationKind()
