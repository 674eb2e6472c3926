"""What an agent remembers: responses and feedback, in the project's database."""

from __future__ import annotations

from pathlib import Path

from autogen.feedback.events import FeedbackStore
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

    @classmethod
    def open(cls, project: Path) -> Memory:
        return cls(Database.open(project / STATE_FOLDER / DATABASE_FILE))

    @classmethod
    def open_to_read(cls, project: Path) -> Memory:
        """For reading alone, which a project that may not be written allows too."""
        return cls(Database.open_to_read(project / STATE_FOLDER / DATABASE_FILE))
