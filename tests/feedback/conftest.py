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
    response = StoredResponse(
        "It is on its way.",
        "answer",
        0.93,
        "card_arrival",
        id="r1",
        conversation_id="c1",
        message="where is my card",
        skill="support",
        version="0001",
        created_at=moment,
    )
    ResponseStore(database).add([response])
    return database


@pytest.fixture
def store(database: Database) -> FeedbackStore:
    return FeedbackStore(database)
