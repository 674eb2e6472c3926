from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from autogen.feedback.events import FeedbackStore
from autogen.storage.database import Database
from autogen.storage.responses import ResponseStore, StoredResponse


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """A database with one response, `r1`."""
    database = Database.open(tmp_path / "autogen.db")
    moment = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
    said = ("where is my card", "It is on its way.", "answer", "card_arrival", 0.93, ())
    ResponseStore(database).add([StoredResponse("r1", "c1", *said, "support", "0001", moment)])
    return database


@pytest.fixture
def store(database: Database) -> FeedbackStore:
    return FeedbackStore(database)
