"""What a skill alone says to turns, as an agent without other skills would have it said."""

from __future__ import annotations

from collections.abc import Sequence

from autogen.skills.skill import Reply, Skill, Turn


def replies_of(skill: Skill, turns: Sequence[Turn]) -> list[Reply]:
    return [offer.reply() for offer in skill.consider(turns)]


def reply_of(skill: Skill, turn: Turn) -> Reply:
    (reply,) = replies_of(skill, [turn])
    return reply
