"""Times as the database keeps them: ISO 8601, UTC, always with microseconds, so that they sort as text."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)


def format_time(moment: datetime) -> str:
    """A moment as text. It must carry its time zone."""
    if moment.tzinfo is None:
        raise ValueError(f"a moment with a time zone was expected, not {moment!r}: use datetime.now(UTC)")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def parse_time(text: str) -> datetime:
    """The moment in a text; without a zone it is taken as UTC. Raises `ValueError`."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
