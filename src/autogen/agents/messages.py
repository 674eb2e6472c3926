"""What a person writes to an agent, and what of it can be answered and kept."""

from __future__ import annotations

import os
from dataclasses import dataclass

from autogen.errors import UsageError
from autogen.feedback.events import MAX_NAME_LENGTH, MAX_TEXT_LENGTH


@dataclass(frozen=True, slots=True)
class Message:
    """What a person wrote, and in which conversation; None opens one.

    It follows the conversation's newest response, or the response with the id `after` where that is another one.
    """

    text: str
    conversation_id: str | None = None
    after: str | None = None
    user: str | None = None


def new_id(kind: str) -> str:
    """An id that no other response ("resp") or conversation ("conv") has."""
    return f"{kind}-{os.urandom(12).hex()}"


def check_message(message: Message) -> None:
    """Raises UsageError when there is nothing to answer, or too much."""
    if not isinstance(message.text, str) or not message.text.strip():
        raise UsageError("Expected a message with some text, found an empty one.")
    if len(message.text) > MAX_TEXT_LENGTH:
        raise UsageError(f"Expected a message of at most {MAX_TEXT_LENGTH:,} characters, found {len(message.text):,}.")
    if message.conversation_id is not None and not 0 < len(message.conversation_id) <= MAX_NAME_LENGTH:
        raise UsageError(f"Expected a conversation id of 1 to {MAX_NAME_LENGTH} characters.")
    check_user(message.user)
    check_whole_characters(message.text, message.conversation_id)


def check_user(user: str | None) -> None:
    """Raises UsageError."""
    if user is not None and not 0 < len(user) <= MAX_NAME_LENGTH:
        raise UsageError(f"Expected a user of 1 to {MAX_NAME_LENGTH} characters, found {len(user)}.")
    check_whole_characters(user)


def check_whole_characters(*texts: str | None) -> None:
    """Raises UsageError for half a character, which no database takes."""
    if any("\ud800" <= character <= "\udfff" for text in texts if text for character in text):
        raise UsageError("Expected valid Unicode text, found half a surrogate pair. Send the text as UTF-8.")
