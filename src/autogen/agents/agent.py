"""The agent: one version of all its skills, answering people. Never imports torch."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from autogen.agents.loading import load_skills
from autogen.agents.messages import Message, check_message, check_user, check_whole_characters, new_id
from autogen.errors import ProjectNotFound
from autogen.feedback.entities import EntitySpan
from autogen.feedback.events import Feedback, Source
from autogen.feedback.memory import Memory
from autogen.skills.skill import Observer, Offer, Reply, Skill, Turn
from autogen.storage.replies import PublicReply, Response, fields_of
from autogen.storage.responses import StoredResponse
from autogen.versions.manifest import Manifest, check_files
from autogen.versions.registry import STATE_FOLDER, Versions

__all__ = ["Agent", "Message", "Piece", "Response"]

S = TypeVar("S")
Stream = Callable[[], Generator[Reply, None, None]]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a response as it comes: `text` goes on from the pieces before it, `response` is all so far. The last
    one's is whole."""

    text: str
    response: Response


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The skill that answers a message, and what it would do."""

    message: Message
    skill: str
    offer: Offer


class Agent:
    """One version, ready to answer. Safe to use from several threads."""

    def __init__(self, manifest: Manifest, skills: Mapping[str, Skill], memory: Memory) -> None:
        self.manifest = manifest
        self.version = manifest.version
        self.memory = memory
        self.keeps: object = None  # what must live as long as the agent does, such as a temporary folder
        self._skills = skills
        self._observers = {name: skill for name, skill in skills.items() if isinstance(skill, Observer)}
        self._observed = 0
        self._observing = threading.Lock()

    @classmethod
    def load(cls, project: Path | str, version: str | None = None, memory: Memory | None = None) -> Agent:
        """The champion of the project in this folder, or the version named.

        Raises ProjectNotFound, UnknownVersion, VersionDamaged, StorageError.
        """
        folder = Path(project)
        if not (folder / STATE_FOLDER).is_dir():
            raise ProjectNotFound(
                f"Expected a trained project, found no {STATE_FOLDER} folder in {folder.resolve()}. "
                "Go to your project's folder, name it with -p DIR, or run `autogen train` in it first."
            )
        versions = Versions(folder)
        name = versions.champion() if version is None else versions.find(version)
        manifest = versions.manifest(name)
        check_files(versions.folder / name, manifest, answering_only=True)
        return cls(manifest, load_skills(versions.folder / name, manifest), memory or Memory.open(folder))

    @property
    def name(self) -> str:
        return self.manifest.agent

    def respond(self, text: str, conversation_id: str | None = None, user: str | None = None) -> Response:
        """Answer one message. A conversation that is not known yet is opened. `user`: who writes, where skills answer
        each user differently.

        Raises UsageError when the text is empty or too long. The response is kept before it is returned.
        """
        return self.respond_all([Message(text, conversation_id, user=user)])[0]

    def respond_all(self, messages: Sequence[Message]) -> list[Response]:
        """Answer several messages, of different conversations, together."""
        responses, stored = [], []
        for chosen in self._consider(messages):
            reply = chosen.offer.reply()
            responses.append(self._response(chosen.skill, reply, chosen.message.conversation_id))
            stored.append(_stored(responses[-1], reply, chosen.message))
        self.memory.responses.add(stored)
        return responses

    def stream(
        self, text: str, conversation_id: str | None = None, user: str | None = None
    ) -> Generator[Piece, None, None]:
        """Answer one message in pieces, where the skill's text comes so; else in one.

        The response is kept when the pieces are at their end. Closing them (or leaving the loop over them) cancels the
        skill, and what was said by then is kept as the response. Raises UsageError as `respond` does, at once.
        """
        return self.stream_all([Message(text, conversation_id, user=user)])[0]

    def stream_all(self, messages: Sequence[Message]) -> list[Generator[Piece, None, None]]:
        """As `stream`, for several messages of different conversations: considered together, each answered when its
        generator is read."""
        return [
            self._pieces(one, one.offer.stream) if one.offer.stream else self._one_piece(one)
            for one in self._consider(messages)
        ]

    def parse(self, texts: Sequence[str]) -> list[tuple[str, Reply]]:
        """What each text is about, without a conversation and without keeping it: (skill, reply)."""
        messages = [Message(text) for text in texts]
        for message in messages:
            check_message(message)
        turns = [Turn(text, kept=False) for text in texts]
        chosen = self._surest(messages, {name: skill.consider(turns) for name, skill in self._skills.items()})
        return [(one.skill, one.offer.reply()) for one in chosen]

    def feedback(
        self,
        response_id: str,
        *,
        rating: float | str | None = None,
        label: str | None = None,
        text: str | None = None,
        comment: str | None = None,
        user: str | None = None,
        entities: Sequence[EntitySpan] | None = None,
        trusted: bool | None = None,
        source: Source = "python",
    ) -> Feedback:
        """Keep what a person said of a response; on disk when this returns. `text` is a better answer; `entities` are
        all that the message has.

        Without a `user` it is the owner's own, and trusted. Raises UnknownResponse, UsageError.
        """
        return self.memory.feedback.record(
            response_id,
            trusted=user is None if trusted is None else trusted,
            source=source,
            rating=rating,
            label=label,
            answer=text,
            comment=comment,
            user=user,
            entities=entities,
        )

    def note_on(self, feedback: Feedback) -> str | None:
        """What whoever gave this feedback should know, as the skill that it is on says."""
        skill = self._skills.get(feedback.skill or "")
        return skill.note_on(feedback) if skill is not None else None

    def skills(self, kind: type[S]) -> dict[str, S]:
        """The skills of this type, by name, knowing what was said so far. Raises StorageError."""
        self._observe()
        return {name: skill for name, skill in self._skills.items() if isinstance(skill, kind)}

    def keep(self, skill: str, reply: Reply, text: str, user: str | None = None) -> Response:
        """Keep what a skill says to a text outside of any conversation, so that feedback can refer to it.

        Raises UsageError for a text or a user that cannot be kept, StorageError.
        """
        check_user(user)
        check_whole_characters(text)
        return self._respond_with(skill, reply, Message(text, user=user))

    def _observe(self) -> None:
        """Show the skills that learn at once what was said since they were last shown."""
        if not self._observers:
            return
        with self._observing:
            feedback, who, self._observed = self.memory.feedback.since(self._observed)
            for name, skill in self._observers.items() if feedback else ():
                skill.observe([one for one in feedback if one.skill in (None, name)], who)

    def _consider(self, messages: Sequence[Message]) -> list[_Chosen]:
        """The skill that answers each message. Raises UsageError, UnknownResponse, StorageError."""
        for message in messages:
            check_message(message)
        self._observe()
        if self._observers:  # whoever gives no name is known by the conversation, also in its first message
            messages = [
                one if one.conversation_id else replace(one, conversation_id=new_id("conv")) for one in messages
            ]
        before = [self._before(message) for message in messages]
        offers = {
            name: skill.consider([_turn(name, *each) for each in zip(messages, before, strict=True)])
            for name, skill in self._skills.items()
        }
        return self._surest(messages, offers)

    def _before(self, message: Message) -> StoredResponse | None:
        """The response that the message follows."""
        if message.after is not None:
            return self.memory.responses.get(message.after)
        return self.memory.responses.last_of(message.conversation_id) if message.conversation_id else None

    def _surest(self, messages: Sequence[Message], offers: Mapping[str, Sequence[Offer]]) -> list[_Chosen]:
        """Each message goes to the skill that is surest of it, the first of equally sure ones."""
        found = []
        for at, message in enumerate(messages):
            name = max(offers, key=lambda name: _sureness(offers[name][at]))
            found.append(_Chosen(message, name, offers[name][at]))
        return found

    def _one_piece(self, chosen: _Chosen) -> Generator[Piece, None, None]:
        """Kept before it is handed out, as every response that is whole."""
        response = self._respond_with(chosen.skill, chosen.offer.reply(), chosen.message)
        yield Piece(response.text, response)

    def _pieces(self, chosen: _Chosen, stream: Stream) -> Generator[Piece, None, None]:
        """Kept when it is whole, when its reader goes away, and when the skill fails: it has been read by then."""
        stored: StoredResponse | None = None
        response: Response | None = None
        try:
            with closing(stream()) as replies:
                for reply in replies:
                    before = stored.text if stored else ""
                    if not reply.text.startswith(before):
                        raise ValueError(f"The skill {chosen.skill!r} took back what it had said.")
                    response = (
                        replace(response, **fields_of(reply, PublicReply))
                        if response
                        else self._response(chosen.skill, reply, chosen.message.conversation_id)
                    )
                    stored = _stored(response, reply, chosen.message)
                    yield Piece(reply.text[len(before) :], response)
        finally:
            if stored is not None:
                self.memory.responses.add([stored])
        if stored is None:
            raise ValueError(f"The skill {chosen.skill!r} said nothing.")

    def _respond_with(self, skill: str, reply: Reply, message: Message) -> Response:
        response = self._response(skill, reply, message.conversation_id)
        self.memory.responses.add([_stored(response, reply, message)])
        return response

    def _response(self, skill: str, reply: Reply, conversation_id: str | None) -> Response:
        return Response(
            **fields_of(reply, PublicReply),
            id=new_id("resp"),
            conversation_id=conversation_id or new_id("conv"),
            version=self.version,
            skill=skill,
        )


def _turn(skill: str, message: Message, before: StoredResponse | None) -> Turn:
    """The message as this skill sees it."""
    user = message.user or message.conversation_id
    if before is None or before.skill != skill:
        return Turn(message.text, user)
    return Turn(message.text, user, state=before.state, last_action=before.action)


def _sureness(offer: Offer) -> tuple[bool, bool, float]:
    """One that has nothing to say comes last."""
    return offer.in_scope, offer.continues, offer.confidence


def _stored(response: Response, reply: Reply, message: Message) -> StoredResponse:
    return StoredResponse(
        **{**fields_of(reply, Reply), "about": None},
        id=response.id,
        conversation_id=response.conversation_id,
        message=reply.about or message.text,
        skill=response.skill,
        version=response.version,
        created_at=datetime.now(UTC),
        user=message.user,
    )
