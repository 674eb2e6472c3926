"""Which conversation a message belongs to, also for clients that keep no id and send the whole conversation each time.

Such a client sends back what was said, and by that the answer is found that its message follows: the conversation id of
an answer to such a client begins with a digest of what had been said by then, and the transcript that comes with the
next message is just that and the answer's words.

Each such message opens a conversation of its own. Two people who begin with the same words must not share one, where
the first to choose would take the other's choice away; and an id that was given out may be sent back as
`metadata.conversation_id`, from where on it is one person's alone. What two people can share is the answer found, which
is harmless: it has the same words after the same conversation, so it offered the same choices.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from autogen.agents.messages import Message
from autogen.storage.responses import ResponseStore, StoredResponse

Line = tuple[str, str]
"""Who spoke (`user` or `assistant`), and the words."""


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """A message from outside: in the conversation with this id, or after what was said in `before`."""

    text: str
    conversation_id: str | None = None
    before: tuple[Line, ...] = ()
    user: str | None = None


@dataclass(frozen=True, slots=True)
class RoutedMessage:
    """A message for the agent; `origin_conversation_id` is the conversation that decides which version answers."""

    message: Message
    origin_conversation_id: str | None


def route_message(incoming: IncomingMessage, responses: ResponseStore) -> RoutedMessage:
    """Find the conversation. Reads the database; raises StorageError."""
    if incoming.conversation_id is not None:
        return RoutedMessage(
            Message(incoming.text, incoming.conversation_id, user=incoming.user), incoming.conversation_id
        )
    previous = _answer_before(incoming.before, responses)
    conversation_id = _new_id((*incoming.before, ("user", incoming.text)))
    if previous is None:
        return RoutedMessage(Message(incoming.text, conversation_id, user=incoming.user), None)
    return RoutedMessage(Message(incoming.text, conversation_id, previous.id, incoming.user), previous.conversation_id)


def _answer_before(lines: Sequence[Line], responses: ResponseStore) -> StoredResponse | None:
    """The answer that the transcript ends with, if we gave it; one of several equal ones."""
    if len(lines) < 2 or lines[-1][0] != "assistant":
        return None
    words, digest = lines[-1][1].strip(), _digest(lines[:-1])
    candidates = responses.between(f"{digest}{0:024x}", f"{digest}{'f' * 24}")
    return next((candidate for candidate in candidates if candidate.text.strip() == words), None)


def _new_id(lines: Sequence[Line]) -> str:
    """Hexadecimal digits only, so that every database sorts them alike; by time, so that the newest come last."""
    return f"{_digest(lines)}{time.time_ns():016x}{os.urandom(4).hex()}"


def _digest(lines: Sequence[Line]) -> str:
    transcript = json.dumps([(role, words.strip()) for role, words in lines])
    return f"chat{hashlib.sha256(transcript.encode()).hexdigest()[:24]}"
