"""The agent: one version of all its skills, answering people. Never imports torch."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autogen.config.settings import RESERVED_LABEL
from autogen.data.problems import quoted
from autogen.errors import ProjectNotFound, UsageError, VersionDamaged, did_you_mean
from autogen.feedback.events import MAX_NAME_LENGTH, MAX_TEXT_LENGTH, Feedback, Source
from autogen.feedback.memory import Memory
from autogen.skills import SKILLS
from autogen.skills.recommendation.answering import Recommendations, Recommended, Wanted
from autogen.skills.skill import Action, Observer, Reply, Skill, Turn
from autogen.storage.responses import Exploration, StoredResponse
from autogen.tasks.recommendation.model import Recommender
from autogen.tasks.text_classification.model import TunedModel
from autogen.versions.manifest import Manifest, check_files
from autogen.versions.registry import STATE_FOLDER, Versions


@dataclass(frozen=True, slots=True)
class Response:
    """What the agent says. Feedback refers to it by `id`."""

    id: str
    text: str
    action: Action
    intent: str | None
    confidence: float
    alternatives: tuple[tuple[str, float], ...]
    conversation_id: str
    version: str
    skill: str
    notes: tuple[str, ...] = ()  # what was understood, and what was not, where the skill says so


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Items, best first. Feedback refers to them by `id`, and names the item as its label."""

    id: str
    items: tuple[Recommended, ...]
    version: str
    skill: str


@dataclass(frozen=True, slots=True)
class Message:
    """What a person wrote, and in which conversation; None opens one.

    It follows the conversation's newest response, or the response with the id `after` where that is another one.
    """

    text: str
    conversation_id: str | None = None
    after: str | None = None
    user: str | None = None


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
        for message in messages:
            check_message(message)
        self._observe()
        if self._observers:  # whoever gives no name is known by the conversation, also in its first message
            messages = [one if one.conversation_id else _opening(one) for one in messages]
        turns = [self._turn(message) for message in messages]
        replies = self._reply(turns)
        responses = [self._response(message, *reply) for message, reply in zip(messages, replies, strict=True)]
        now = datetime.now(UTC)
        about = [reply.about or message.text for (_, reply), message in zip(replies, messages, strict=True)]
        self.memory.responses.add(
            [
                _stored(response, text, now, message.user, reply.exploration)
                for response, text, message, (_, reply) in zip(responses, about, messages, replies, strict=True)
            ]
        )
        return responses

    def parse(self, texts: Sequence[str]) -> list[tuple[str, Reply]]:
        """What each text is about, without a conversation and without keeping it: (skill, reply)."""
        for text in texts:
            check_message(Message(text))
        return self._reply([Turn(text, kept=False) for text in texts])

    def feedback(
        self,
        response_id: str,
        *,
        rating: float | str | None = None,
        label: str | None = None,
        text: str | None = None,
        comment: str | None = None,
        user: str | None = None,
        trusted: bool | None = None,
        source: Source = "python",
    ) -> Feedback:
        """Keep what a person said of a response; on disk when this returns. `text` is a better answer.

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
        )

    def recommend(self, wanted: Wanted, skill: str | None = None) -> Recommendation:
        """Items for one user, or for an anonymous history; kept, so that feedback can refer to it.

        Raises UsageError where no skill recommends, or for what cannot be asked.
        """
        name, recommender = self._recommender(skill)
        check_user(wanted.user)
        check_whole_characters(wanted.query)
        self._observe()
        shown = recommender.show(wanted)
        found = tuple(shown.items)
        response = Response(
            id=new_response(),
            text="\n".join(one.item.title for one in found),
            action="answer" if found else "decline",
            intent=None,
            confidence=shown.confidence,
            alternatives=tuple((one.item.id, one.score) for one in found),
            conversation_id=new_conversation(),
            version=self.version,
            skill=name,
        )
        kept = _stored(response, wanted.query, datetime.now(UTC), wanted.user, shown.exploration)
        self.memory.responses.add([kept])
        return Recommendation(response.id, found, self.version, name)

    def recommends(self, skill: str) -> bool:
        return isinstance(self._skills.get(skill), Recommendations)

    def recommender(self, skill: str | None = None) -> Recommendations:
        """A skill that recommends, knowing what was said so far. Raises UsageError where none does."""
        self._observe()
        return self._recommender(skill)[1]

    def note_on(self, kept: Feedback) -> str | None:
        """What whoever gave this feedback should know: it may name an item that is none, or an intent that is none
        yet."""
        if kept.skill is None or kept.skill not in self._skills or kept.label is None:
            return None
        if self.recommends(kept.skill):
            if kept.label in self._recommender(kept.skill)[1].catalogue.position:
                return None
            return (
                f"the catalogue has no item {quoted(kept.label)}: this is kept, and changes nothing that is recommended"
            )
        models = self._skills[kept.skill].models.values()
        known = [name for model in models for name in model.task.labels]
        if kept.label in (*known, RESERVED_LABEL):
            return None
        return f"{quoted(kept.label)} is no intent yet: enough rows of it make it one.{did_you_mean(kept.label, known)}"

    def _recommender(self, skill: str | None) -> tuple[str, Recommendations]:
        found = {name: one for name, one in self._skills.items() if isinstance(one, Recommendations)}
        if skill is not None and skill not in found:
            raise UsageError(
                f"Expected a skill that recommends ({', '.join(found) or 'there is none'}); found {skill!r}."
            )
        if not found:
            raise UsageError(
                "Expected an agent with the skill `recommendation`, found none of this agent's skills to be."
            )
        name = skill or next(iter(found))
        return name, found[name]

    def _observe(self) -> None:
        """Show the skills that learn at once what was said since they were last shown."""
        if not self._observers:
            return
        with self._observing:
            feedback, who, self._observed = self.memory.feedback.since(self._observed)
            for name, skill in self._observers.items() if feedback else ():
                skill.observe([one for one in feedback if one.skill in (None, name)], who)

    def _turn(self, message: Message) -> Turn:
        last, user = self._before(message), message.user or message.conversation_id
        if last is None:
            return Turn(message.text, user=user)
        action: Any = last.action
        offered = tuple(name for name, _ in last.alternatives)
        return Turn(message.text, action, last.message, offered, last.skill, user)

    def _before(self, message: Message) -> StoredResponse | None:
        """The response that the message follows."""
        if message.after is not None:
            return self.memory.responses.get(message.after)
        return self.memory.responses.last_of(message.conversation_id) if message.conversation_id else None

    def _reply(self, turns: Sequence[Turn]) -> list[tuple[str, Reply]]:
        """With several skills, each turn goes to the one that is surest of it; one that declines comes last."""
        by_skill = [
            (name, skill.reply([turn.as_seen_by(name) for turn in turns])) for name, skill in self._skills.items()
        ]
        if len(by_skill) == 1:
            name, replies = by_skill[0]
            return [(name, reply) for reply in replies]
        return [
            max(((name, replies[at]) for name, replies in by_skill), key=lambda one: _claim(one[1]))
            for at in range(len(turns))
        ]

    def _response(self, message: Message, skill: str, reply: Reply) -> Response:
        return Response(
            id=new_response(),
            text=reply.text,
            action=reply.action,
            intent=reply.intent,
            confidence=reply.confidence,
            alternatives=reply.alternatives,
            conversation_id=message.conversation_id or new_conversation(),
            version=self.version,
            skill=skill,
            notes=reply.notes,
        )


def new_response() -> str:
    return f"resp-{os.urandom(12).hex()}"


def new_conversation() -> str:
    return f"conv-{os.urandom(12).hex()}"


def _opening(message: Message) -> Message:
    return replace(message, conversation_id=new_conversation())


def load_skills(folder: Path, manifest: Manifest) -> dict[str, Skill]:
    """The skills of a version's folder, ready to answer. Raises VersionDamaged."""
    ready: dict[str, Skill] = {}
    for name, record in manifest.skills.items():
        models = {model: _load(entry.task, folder / entry.folder) for model, entry in record.models.items()}
        try:
            ready[name] = SKILLS[record.type].ready(record.answering, models)
        except (KeyError, ValueError) as error:  # pydantic's ValidationError is a ValueError
            raise VersionDamaged(
                f"Version {manifest.version}: the skill {name!r} ({record.type}) is not one that this AutoGen can "
                f"answer with: {error}. It may be of a newer one: update this one."
            ) from error
    return ready


LOADERS: Mapping[str, Callable[[Path], Any]] = {
    "text-classification": TunedModel.load,
    "recommendation": Recommender.load,
}


def _load(task: str, folder: Path) -> Any:
    if task not in LOADERS:
        raise VersionDamaged(f"{folder} was made for the task {task!r}, by a newer AutoGen: update this one to use it.")
    return LOADERS[task](folder)


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


def _claim(reply: Reply) -> tuple[bool, bool, float]:
    """A choice made when asked back is surer than anything a model says."""
    return reply.action != "decline", reply.action == "answer" and reply.about is not None, reply.confidence


def _stored(
    response: Response, message: str, now: datetime, user: str | None, exploration: Exploration | None
) -> StoredResponse:
    return StoredResponse(
        id=response.id,
        conversation_id=response.conversation_id,
        message=message,
        text=response.text,
        action=response.action,
        intent=response.intent,
        confidence=response.confidence,
        alternatives=response.alternatives,
        skill=response.skill,
        version=response.version,
        created_at=now,
        user=user,
        exploration=exploration,
    )
