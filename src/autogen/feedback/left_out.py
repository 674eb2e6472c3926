"""Feedback that was left out of a batch because it harms: kept, with the evidence, until a person decides.

Whoever decides after it was left out has seen the evidence: then it is learnt or dropped, like all that is reviewed.
Until then nothing learns from it, and nothing asks again whether it harms.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import insert, select

from autogen.feedback.events import Decision
from autogen.storage import clock
from autogen.storage.database import Database
from autogen.storage.schema import DECISIONS, LEFT_OUT


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Why a feedback was left out: the part of a batch that it is in, what that harms, and the version that was turned
    down with it. `decision`: the number of what had been decided on it by then; 0: nothing."""

    part: str
    evidence: str
    version: str
    decision: int = 0

    @property
    def words(self) -> str:
        """Why it waits."""
        return f"Left out of version {self.version}, {self.part}: {self.evidence}"

    def is_settled_by(self, decision: Decision | None) -> bool:
        """Whether it was decided since."""
        return decision is not None and decision.number != self.decision


class LeftOutStore:
    """All feedback that was ever left out of a batch, by its id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, feedback_ids: Collection[str], part: str, evidence: str, version: str) -> None:
        """Keep that these were left out, all or none; it takes the place of what was kept of them before. Raises
        `StorageError`."""
        values = {"part": part, "evidence": evidence, "version": version, "created_at": clock.format_time(clock.now())}
        with self._database.durable() as connection:
            rows = connection.execute(select(DECISIONS.c.feedback_id, DECISIONS.c.number))
            numbers = {row.feedback_id: row.number for row in rows}
            for feedback_id in sorted(feedback_ids):
                row = {**values, "feedback_id": feedback_id, "decision": numbers.get(feedback_id, 0)}
                connection.execute(LEFT_OUT.delete().where(LEFT_OUT.c.feedback_id == feedback_id))
                connection.execute(insert(LEFT_OUT), row)

    def all(self) -> dict[str, LeftOut]:
        """By feedback id."""
        with self._database.reading() as connection:
            rows = connection.execute(select(LEFT_OUT).order_by(LEFT_OUT.c.feedback_id))
            return {row.feedback_id: LeftOut(row.part, row.evidence, row.version, row.decision) for row in rows}
