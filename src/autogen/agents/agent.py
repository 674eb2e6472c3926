"""The agent: one version of all its skills, answering people. Never imports torch."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from autogen.agents.loading import load_skills
from autogen.agents.messages import Message, check_message, check_user, check_whole_characters, new_id
from autogen.config.project import LearnFrom, load_feedback_settings
from autogen.errors import ConfigError, ProjectNotFound
from autogen.feedback.entities import EntitySpan, to_spans
from autogen.feedback.events import Feedback, Source
from autogen.feedback.memory import Memory
from autogen.skills.skill import Observation, Observer, Offer, Reply, Skill, Turn
from autogen.storage.replies import PublicReply, Response, fields_of
from autogen.storage.responses import StoredResponse
from autogen.versions.manifest import Manifest, check_files
from autogen.versions.registry import STATE_FOLDER, Versions

__all__ = ["Agent", "Message", "Response", "ResponseChunk"]

log = logging.getLogger("autogen.agents")

S = TypeVar("S")
Stream = Callable[[], Generator[Reply, None, None]]


@dataclass(frozen=True, slots=True)
class ResponseChunk:
    """A stretch of a response as it comes: `text` goes on from the chunks before it, `response` is all so far. The last
    chunk's is whole."""

    text: str
    response: Response


@dataclass(frozen=True, slots=True)
class _SelectedOffer:
    """The skill that answers a message, and what it would do."""

    message: Message
    skill: str
    offer: Offer


class Agent:
    """One version, ready to answer. Safe to use from several threads."""

    def __init__(
        self, manifest: Manifest, skills: Mapping[str, Skill], memory: Memory, learn_from: LearnFrom = "reviewed"
    ) -> None:
        """`learn_from`: whose feedback may move the answers that others are given."""
        self.manifest = manifest
        self.version = manifest.version
        self.memory = memory
        self.keeps: object = None  # what must live as long as the agent does, such as a temporary folder
        self._skills = skills
        self._observers = {name: skill for name, skill in skills.items() if isinstance(skill, Observer)}
        self._learn_from: LearnFrom = learn_from
        self._observed_until = 0
        self._decided_until = 0
        self._observe_lock = threading.Lock()

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
        skills = load_skills(versions.folder / name, manifest)
        return cls(manifest, skills, memory or Memory.open(folder), _whose_feedback(folder))

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
        for selection in self._consider(messages):
            reply = selection.offer.reply()
            responses.append(self._response(selection.skill, reply, selection.message.conversation_id))
            stored.append(_stored_response(responses[-1], reply, selection.message))
        self.memory.responses.add(stored)
        return responses

    def stream(
        self, text: str, conversation_id: str | None = None, user: str | None = None
    ) -> Generator[ResponseChunk, None, None]:
        """Answer one message in chunks, where the skill's text comes so; else in one.

        The response is kept when the chunks are at their end. Closing them (or leaving the loop over them) cancels the
        skill, and what was said by then is kept as the response. Raises UsageError as `respond` does, at once.
        """
        return self.stream_all([Message(text, conversation_id, user=user)])[0]

    def stream_all(self, messages: Sequence[Message]) -> list[Generator[ResponseChunk, None, None]]:
        """As `stream`, for several messages of different conversations: considered together, each answered when its
        generator is read."""
        return [
            self._chunks(selection, selection.offer.stream) if selection.offer.stream else self._single_chunk(selection)
            for selection in self._consider(messages)
        ]

    def parse(self, texts: Sequence[str]) -> list[tuple[str, Reply]]:
        """What each text is about, without a conversation and without keeping it: (skill, reply)."""
        messages = [Message(text) for text in texts]
        for message in messages:
            check_message(message)
        turns = [Turn(text, kept=False) for text in texts]
        selections = self._select_offers(
            messages, {name: skill.consider(turns) for name, skill in self._skills.items()}
        )
        return [(selection.skill, selection.offer.reply()) for selection in selections]

    def feedback(
        self,
        response_id: str,
        *,
        rating: float | str | None = None,
        label: str | None = None,
        text: str | None = None,
        comment: str | None = None,
        user: str | None = None,
        entities: Sequence[EntitySpan | Mapping[str, Any]] | None = None,
        trusted: bool | None = None,
        vouched: bool | None = None,
        source: Source = "python",
    ) -> Feedback:
        """Keep what a person said of a response; on disk when this returns. `text` is a better answer; `entities` are
        all that the message has, as `EntitySpan` or as mappings with `start`, `end` and `label`.

        Without a `user` it is the owner's own, and trusted; a `user` whom your program names is vouched for, unless you
        say `vouched=False`. Raises UnknownResponse, UsageError.
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
            entities=None if entities is None else to_spans(entities),
            vouched=user is not None if vouched is None else vouched,
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
        """Show the skills that learn at once what was said since they were last shown; all of it, where a person has
        decided on something since."""
        if not self._observers:
            return
        with self._observe_lock:
            decided_until = self.memory.feedback.last_decision()
            anew = decided_until != self._decided_until and self._observed_until > 0
            feedback, users, observed_until = self.memory.feedback.since(0 if anew else self._observed_until)
            if not feedback:
                return
            decisions = self.memory.feedback.decisions() if decided_until else {}
            offered = self.memory.responses.offered({entry.response_id for entry in feedback if entry.response_id})
            for name, skill in self._observers.items():
                of_skill = [entry for entry in feedback if entry.skill in (None, name)]
                skill.observe(Observation(of_skill, users, offered, decisions, self._learn_from, anew))
            self._observed_until, self._decided_until = observed_until, decided_until

    def _consider(self, messages: Sequence[Message]) -> list[_SelectedOffer]:
        """The skill that answers each message. Raises UsageError, UnknownResponse, StorageError."""
        for message in messages:
            check_message(message)
        self._observe()
        if self._observers:  # whoever gives no name is known by the conversation, also in its first message
            messages = [
                message if message.conversation_id else replace(message, conversation_id=new_id("conv"))
                for message in messages
            ]
        previous = [self._previous_response(message) for message in messages]
        offers = {
            name: skill.consider([_turn(name, *pair) for pair in zip(messages, previous, strict=True)])
            for name, skill in self._skills.items()
        }
        return self._select_offers(messages, offers)

    def _previous_response(self, message: Message) -> StoredResponse | None:
        """The response that the message follows."""
        if message.after is not None:
            return self.memory.responses.get(message.after)
        return self.memory.responses.last_of(message.conversation_id) if message.conversation_id else None

    def _select_offers(
        self, messages: Sequence[Message], offers: Mapping[str, Sequence[Offer]]
    ) -> list[_SelectedOffer]:
        """Each message goes to the skill that is surest of it, the first of equally sure ones."""
        selections = []
        for at, message in enumerate(messages):
            name = max(offers, key=lambda name: _offer_rank(offers[name][at]))
            selections.append(_SelectedOffer(message, name, offers[name][at]))
        return selections

    def _single_chunk(self, selection: _SelectedOffer) -> Generator[ResponseChunk, None, None]:
        """Kept before it is handed out, as every response that is whole."""
        response = self._respond_with(selection.skill, selection.offer.reply(), selection.message)
        yield ResponseChunk(response.text, response)

    def _chunks(self, selection: _SelectedOffer, stream: Stream) -> Generator[ResponseChunk, None, None]:
        """Kept when it is whole, when its reader goes away, and when the skill fails: it has been read by then."""
        stored: StoredResponse | None = None
        response: Response | None = None
        try:
            with closing(stream()) as replies:
                for reply in replies:
                    before = stored.text if stored else ""
                    if not reply.text.startswith(before):
                        raise ValueError(f"The skill {selection.skill!r} took back what it had said.")
                    response = (
                        replace(response, **fields_of(reply, PublicReply))
                        if response
                        else self._response(selection.skill, reply, selection.message.conversation_id)
                    )
                    stored = _stored_response(response, reply, selection.message)
                    yield ResponseChunk(reply.text[len(before) :], response)
        finally:
            if stored is not None:
                self.memory.responses.add([stored])
        if stored is None:
            raise ValueError(f"The skill {selection.skill!r} said nothing.")

    def _respond_with(self, skill: str, reply: Reply, message: Message) -> Response:
        response = self._response(skill, reply, message.conversation_id)
        self.memory.responses.add([_stored_response(response, reply, message)])
        return response

    def _response(self, skill: str, reply: Reply, conversation_id: str | None) -> Response:
        return Response(
            **fields_of(reply, PublicReply),
            id=new_id("resp"),
            conversation_id=conversation_id or new_id("conv"),
            version=self.version,
            skill=skill,
        )


def _turn(skill: str, message: Message, previous: StoredResponse | None) -> Turn:
    """The message as this skill sees it."""
    user = message.user or message.conversation_id
    if previous is None or previous.skill != skill:
        return Turn(message.text, user, conversation=message.conversation_id)
    return Turn(
        message.text,
        user,
        state=previous.state,
        last_action=previous.action,
        conversation=message.conversation_id,
    )


def _offer_rank(offer: Offer) -> tuple[bool, bool, float]:
    """One that has nothing to say comes last."""
    return offer.in_scope, offer.continues, offer.confidence


def _stored_response(response: Response, reply: Reply, message: Message) -> StoredResponse:
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


def _whose_feedback(folder: Path) -> LearnFrom:
    """Whose feedback moves answers at once: what cannot be read trusts nobody but the owner, and stops no answers."""
    try:
        return load_feedback_settings(folder).learn_from
    except ConfigError as error:
        log.warning("only the owner's clicks move what is recommended: %s", error)
        return "owner"
