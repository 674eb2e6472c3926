"""The tables as they are today. How a database got there is in `migrations`; a test keeps the two in step.

Times are ISO 8601 in UTC with microseconds, so they sort as text and read well in any tool.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    false,
)

METADATA = MetaData()
JSON = "json"  # in a column's `info`: its text is JSON

# `number` is the order of arrival: clocks tie and go backwards.
_NUMBER = BigInteger().with_variant(Integer(), "sqlite")

RESPONSES = Table(
    "responses",
    METADATA,
    Column("number", _NUMBER, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("conversation_id", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("intent", Text),
    Column("confidence", Double, nullable=False),
    Column("alternatives", Text, nullable=False, info={JSON: True}),  # [[intent, confidence], …]
    Column("skill", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("user", Text),
    Column("log", Text, info={JSON: True}),  # what the skill will learn from later; or NULL
    Column("state", Text, info={JSON: True}),  # what the skill gets with the next turn; NULL in old rows
    Column("details", Text, info={JSON: True}),  # what else was handed out; NULL in old rows
    Index("responses_of_conversation", "conversation_id", "number"),
)

ERASED_ID = "fb-erased-"  # the beginning of the id of a row that is kept for its number alone

FEEDBACK = Table(
    "feedback",
    METADATA,
    Column("number", _NUMBER, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    # No foreign key: imported feedback may speak of responses that another project gave.
    Column("response_id", Text),
    Column("message", Text, nullable=False),
    Column("skill", Text),
    Column("version", Text),
    Column("action", Text),
    Column("intent", Text),
    Column("confidence", Double),
    Column("rating", Double),
    Column("label", Text),
    Column("answer", Text),
    Column("comment", Text),
    Column("user", Text),
    Column("trusted", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("entities", Text, info={JSON: True}),  # [{"start", "end", "label"}, …]; NULL where nothing is said of them
    Column("answered_entities", Text, info={JSON: True}),  # those that the response told of; NULL where of none
    Column("vouched", Boolean, nullable=False, server_default=false()),  # whether somebody known vouches for "user"
)

DECISIONS = Table(
    "decisions",
    METADATA,
    Column("feedback_id", Text, ForeignKey("feedback.id"), primary_key=True),
    Column("decision", Text, nullable=False),
    Column("label", Text),
    Column("decided_at", Text, nullable=False),
    Column("entities", Text, info={JSON: True}),  # the right ones; NULL where the decision says nothing of them
    Column("number", BigInteger, nullable=False, server_default="0"),  # the order in which decisions were made
    Column("feedback_until", BigInteger, nullable=False, server_default="0"),  # the last feedback there was by then
    Index("decisions_in_order", "number"),
)

# Feedback that was left out of a batch because learning it does harm.
LEFT_OUT = Table(
    "left_out",
    METADATA,
    Column("feedback_id", Text, ForeignKey("feedback.id"), primary_key=True),
    Column("part", Text, nullable=False),  # of the batch, in words
    Column("evidence", Text, nullable=False),
    Column("version", Text, nullable=False),  # that was turned down with it
    Column("decision", BigInteger, nullable=False),  # the number of what was decided on it before, 0 for nothing
    Column("created_at", Text, nullable=False),
)
