"""Feedback that was left out of a batch because it harms: kept, with the evidence, until a person decides.

Whoever decides after it was left out has seen the evidence: then it is learnt or dropped, like all that is reviewed.
Until then nothing learns from it, and nothing asks again whether it harms.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, insert, select

from autogen.feedback.events import Decision
from autogen.storage import clock
from autogen.storage.database import Database
from autogen.storage.schema import DECISIONS, LEFT_OUT


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Why a feedback was left out: the part of a batch that it is in, what that harms, and the version that was turned
    down with it. `decisions_until`: the number of the last decision there was by then."""

    part: str
    evidence: str
    version: str
    decisions_until: int = 0

    @property
    def words(self) -> str:
        """Why it waits."""
        return f"Left out of version {self.version}, {self.part}: {self.evidence}"


class LeftOutStore:
    """All feedback that was ever left out of a batch, by its id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, feedback_ids: Collection[str], part: str, evidence: str, version: str) -> None:
        """Keep that these were left out, all or none; it takes the place of what was kept of them before. Raises
        `StorageError`."""
        with self._database.durable() as connection:
            last = connection.execute(select(func.coalesce(func.max(DECISIONS.c.number), 0))).scalar_one()
            connection.execute(LEFT_OUT.delete().where(LEFT_OUT.c.feedback_id.in_(feedback_ids)))
            values = {
                "part": part,
                "evidence": evidence,
                "version": version,
                "decisions_until": last,
                "created_at": clock.format_time(clock.now()),
            }
            rows = [{"feedback_id": feedback_id, **values} for feedback_id in sorted(feedback_ids)]
            connection.execute(insert(LEFT_OUT), rows)

    def all(self) -> dict[str, LeftOut]:
        """By feedback id."""
        with self._database.reading() as connection:
            rows = connection.execute(select(LEFT_OUT).order_by(LEFT_OUT.c.feedback_id))
            return {row.feedback_id: LeftOut(row.part, row.evidence, row.version, row.decisions_until) for row in rows}


def is_decided(left_out: LeftOut, decision: Decision | None) -> bool:
    """Whether a person has decided since."""
    return decision is not None and decision.number > left_out.decisions_until
