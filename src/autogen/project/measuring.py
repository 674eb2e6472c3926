"""Measuring a recommender on held-out events, and recommending to whole files of users. No torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autogen.data.columns import select
from autogen.data.problems import Problem, raise_for
from autogen.data.readers.files import locate, read_rows
from autogen.data.rows import require_label
from autogen.skills.recommendation.answering import ITEMS, Wanted
from autogen.skills.skill import Skill
from autogen.storage.row_files import write_rows
from autogen.tasks.evaluation import SkillEvaluation
from autogen.tasks.recommendation.metrics import TOP
from autogen.tasks.recommendation.model import Recommender
from autogen.tasks.recommendation.ranking import popular, rank
from autogen.tasks.recommendation.rows import Behaviour

MAX_USER = 200  # characters


def evaluate_recommender(model: Recommender, data: Behaviour, source: str, min_rating: float | None) -> SkillEvaluation:
    """On held-out events, with this week's most popular beside it."""
    ranked = rank(model, data.held_out, min_rating)
    plain = rank(model, data.held_out, min_rating, popular)
    unknown = sum(-1 in one.items for one in ranked.queries)
    warnings = (
        f"{unknown} of {len(ranked.queries)} users want an item that the model does not know; it counts as missed.",
    )
    return SkillEvaluation(
        metrics=ranked.metrics,
        rows=len(ranked.queries),
        source=source,
        intervals=ranked.intervals,
        baselines={"most popular this week": plain.metrics},
        warnings=warnings if unknown else (),
    )


def recommender_of(skill: Skill) -> Recommender:
    found = skill.models[ITEMS]
    assert isinstance(found, Recommender)
    return found


def recommend_for_file(skill: Any, source: str, target: Path, columns: dict[str, str]) -> int:
    """Write the rows of `source`, each with a user, with `prediction` (the best item), its `confidence`, and
    `predictions` (the best ten, best first). Returns how many. Raises DataError, UsageError."""
    rows, problems = read_rows(locate(source, Path()))
    selected, found = select(rows, ("user",), (), columns)
    users = [require_label(row, "user", MAX_USER) for row in selected]
    raise_for([*problems, *found, *(user for user in users if isinstance(user, Problem))])
    answered = []
    for row, user in zip(rows, users, strict=True):
        best = skill.recommend(Wanted(user=str(user), count=TOP))
        names = " ".join(one.item.id for one in best)
        first = (best[0].item.id, round(best[0].score, 6)) if best else ("", 0.0)
        answered.append({**row.values, "prediction": first[0], "confidence": first[1], "predictions": names})
    write_rows(answered, target)
    return len(answered)
