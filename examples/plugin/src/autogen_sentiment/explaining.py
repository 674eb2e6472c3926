"""What a lexicon holds, to the command and the route."""

from __future__ import annotations

from typing import Any

from autogen.errors import UsageError
from autogen.skills.hosts import AgentHost
from autogen_sentiment.answering import Sentiment


def heaviest_words(agent: AgentHost, skill: str | None, count: int) -> dict[str, Any]:
    """The heaviest words of each sentiment, as JSON. `skill`: None: the first that has a lexicon. Raises UsageError
    where there is none."""
    skills = agent.skills(Sentiment)
    name = skill or next(iter(skills), "")
    if name not in skills:
        listed = ", ".join(skills) or "there is none"
        raise UsageError(f"Expected a skill of the type `sentiment` ({listed}), found {name or 'none'!r}.")
    lexicon = skills[name].lexicon
    sentiments = {
        label: [{"word": word, "weight": round(weight, 4)} for word, weight in lexicon.heaviest(label, count)]
        for label in lexicon.labels
    }
    return {"version": agent.version, "skill": name, "sentiments": sentiments}
