"""What an agent can do: one file per skill, and this table of them."""

from __future__ import annotations

from autogen.config.project import SkillSettings
from autogen.skills.customer_service.answering import CustomerServiceType
from autogen.skills.recommendation.answering import RecommendationType
from autogen.skills.skill import SkillType

SKILLS: dict[str, SkillType] = {one.name: one for one in (CustomerServiceType(), RecommendationType())}


def skill_settings() -> dict[str, type[SkillSettings]]:
    """The settings type of each skill, for `config.load_config`."""
    return {name: skill.settings for name, skill in SKILLS.items()}
