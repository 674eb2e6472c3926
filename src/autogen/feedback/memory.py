"""What an agent remembers: responses and feedback, in the project's database."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from autogen.feedback.events import FeedbackStore
from autogen.feedback.left_out import LeftOut, LeftOutStore
from autogen.storage.database import Database
from autogen.storage.responses import ResponseStore
from autogen.versions.registry import STATE_FOLDER

DATABASE_FILE = "agent.db"


class Memory:
    """What an agent remembers: responses and feedback, in the project's database. Shared by all versions."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.responses = ResponseStore(database)
        self.feedback = FeedbackStore(database)
        self.left_out = LeftOutStore(database)

    @classmethod
    def open(cls, project: Path) -> Memory:
        return cls(Database.open(project / STATE_FOLDER / DATABASE_FILE))

    @classmethod
    def open_to_read(cls, project: Path) -> Memory:
        """For reading alone, which a project that may not be written allows too."""
        return cls(Database.open_to_read(project / STATE_FOLDER / DATABASE_FILE))

    def undecided_left_out(self, learnt: Collection[str]) -> dict[str, LeftOut]:
        """By id, what was left out of a batch and no person has decided on since: nothing may learn from it. `learnt`:
        what a version has learnt all the same, for somebody promoted it."""
        decisions = self.feedback.decisions()
        return {
            feedback_id: record
            for feedback_id, record in self.left_out.all().items()
            if feedback_id not in learnt and not record.is_settled_by(decisions.get(feedback_id))
        }

    def decided_left_out(self) -> frozenset[str]:
        """What was left out of a batch and a person has decided on since, having seen the evidence."""
        decisions = self.feedback.decisions()
        records = self.left_out.all().items()
        return frozenset(name for name, record in records if record.is_settled_by(decisions.get(name)))
