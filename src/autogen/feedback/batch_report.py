"""Whose feedback a version has learnt anew, and what was left out of its batch: told from the database, since versions
name nobody, and what a person wrote can be erased."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from autogen.feedback.memory import Memory
from autogen.versions.manifest import LeftOutPart, Manifest
from autogen.versions.registry import Versions

ERASED = "feedback that was erased since"
MOST_USERS = 5  # that a sentence names


@dataclass(frozen=True)
class LeftOutReport:
    """A part that harms, in words, whose it is (by name, "" for none), and the evidence."""

    part: str
    rows: int
    users: Mapping[str, int]
    evidence: str
    feedback: tuple[str, ...]


@dataclass(frozen=True)
class BatchReport:
    """`users`: how much of the feedback that is new to the version is whose; `instead_of`: the version that was turned
    down with all of the batch."""

    users: Mapping[str, int]
    left_out: tuple[LeftOutReport, ...]
    instead_of: str | None

    @classmethod
    def of(cls, manifest: Manifest, versions: Versions, memory: Memory) -> BatchReport:
        parent = versions.readable(manifest.parent) if manifest.parent else None
        new = {*manifest.feedback} - {*(parent.feedback if parent else ())}
        titles = {feedback_id: record.part for feedback_id, record in memory.left_out.all().items()}
        users = {item.id: item.user or "" for item in memory.feedback.all()}
        parts = tuple(_report(part, titles, users) for part in manifest.left_out)
        return cls(_count(new, users), parts, manifest.instead_of)

    @property
    def rows_left_out(self) -> int:
        return sum(part.rows for part in self.left_out)

    def to_json(self) -> dict[str, Any]:
        parts = [{**asdict(part), "feedback": list(part.feedback)} for part in self.left_out]
        return {"batch_users": dict(self.users), "left_out": parts, "instead_of": self.instead_of}


def _report(part: LeftOutPart, titles: Mapping[str, str], users: Mapping[str, str]) -> LeftOutReport:
    unknown = "a part of it" if users.keys() & {*part.feedback} else ERASED
    title = next((titles[name] for name in part.feedback if name in titles), unknown)
    feedback = tuple(part.feedback)
    return LeftOutReport(title, len(feedback), _count(feedback, users), part.evidence, feedback)


def _count(feedback_ids: Collection[str], users: Mapping[str, str]) -> dict[str, int]:
    """The most first; what was erased is nobody's any more."""
    return dict(Counter(users[name] for name in feedback_ids if name in users).most_common())


def describe_batch(report: BatchReport) -> str:
    """How much feedback is new to a version, and whose, in a sentence."""
    return f"Learnt or set aside anew: {sum(report.users.values()):,} feedback, {name_users(report.users)}."


def name_users(users: Mapping[str, int]) -> str:
    """How much is whose: "30 by ann, 12 without a name"."""
    by_count: Sequence[tuple[str, int]] = sorted(users.items(), key=lambda item: -item[1])
    parts = [f"{count:,} by {user}" if user else f"{count:,} without a name" for user, count in by_count[:MOST_USERS]]
    others = sum(count for _, count in by_count[MOST_USERS:])
    return ", ".join([*parts, *([f"{others:,} by others"] if others else [])])
