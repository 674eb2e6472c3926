"""What comes in and goes out, as pydantic types. Fields that we do not know are ignored where OpenAI's clients send
many, and refused where the interface is our own."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_type_hints

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model

from autogen.errors import UsageError
from autogen.feedback.entities import MAX_ENTITIES
from autogen.feedback.events import MAX_NAME_LENGTH, parse_rating
from autogen.skills.fields import Id, Name, Words
from autogen.storage.replies import Action, Response

MOST_MESSAGES = 1_000


class TextPart(BaseModel):
    type: Literal["text"]
    text: str


def _as_text(content: object) -> object:
    """The text of a message's content: text, a list of text parts, or nothing (an assistant's tool call)."""
    if content is None:
        return ""
    if not isinstance(content, list):
        return content
    kinds = [part.get("type") if isinstance(part, dict) else type(part).__name__ for part in content]
    wrong = next((kind for kind in kinds if kind != "text"), None)
    if wrong is not None:
        raise ValueError(f"Expected text, found a part of type {wrong!r}: this agent reads text only.")
    if not all(isinstance(part.get("text"), str) for part in content):
        raise ValueError("Expected every part of type 'text' to have a text, found one without.")
    return "\n".join(part["text"] for part in content)


def _as_rating(value: object) -> float | None:
    if value is None:
        return None
    try:
        return parse_rating("" if isinstance(value, bool) else value)
    except UsageError as error:
        raise ValueError(str(error)) from None


Content = Annotated[str, BeforeValidator(_as_text, json_schema_input_type=str | list[TextPart] | None)]
Rating = Annotated[
    float | None, BeforeValidator(_as_rating, json_schema_input_type=Literal["up", "down"] | float | None)
]


class ChatMessage(BaseModel):
    role: str
    content: Content = ""


class ChatMetadata(BaseModel):
    conversation_id: Name | None = None


class StreamOptions(BaseModel):
    include_usage: bool = False


class ChatRequest(BaseModel):
    """OpenAI's chat completion request; `metadata.conversation_id` continues or opens a conversation."""

    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=MOST_MESSAGES)]
    model: str | None = None  # any name will do: the champion answers
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    metadata: ChatMetadata | None = None
    user: Id | None = None  # who writes, for skills that answer each user differently


class Intent(BaseModel):
    name: str | None
    confidence: float


def _as_intents(ranking: object) -> object:
    """Pairs of a name and its confidence, as JSON has them."""
    return [{"name": name, "confidence": confidence} for name, confidence in ranking]  # type: ignore[attr-defined]


Intents = Annotated[list[Intent], BeforeValidator(_as_intents)]

_IN_OPENAI_SHAPE = ("id", "text")
_TYPES: dict[str, Any] = {**get_type_hints(Response), "alternatives": Intents}
_FIELDS: dict[str, Any] = {name: (kind, ...) for name, kind in _TYPES.items() if name not in _IN_OPENAI_SHAPE}
Details = create_model(
    "Details",
    __config__=ConfigDict(from_attributes=True),
    __doc__="What we know of an answer beyond OpenAI's shape: every other field of a response.",
    **_FIELDS,
)


class ChatCompletionMessage(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class Choice(BaseModel):
    index: int = 0
    message: ChatCompletionMessage
    logprobs: None = None
    finish_reason: Literal["stop"] = "stop"


class Usage(BaseModel):
    """Always 0: answers are chosen, not generated, and nothing is charged by the token."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0


class ChatCompletion(BaseModel):
    """OpenAI's chat completion. Feedback refers to it by `id`."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage = Usage()
    autogen: Details


class ModelDetails(BaseModel):
    version: str
    champion: bool


class Model(BaseModel):
    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "autogen"
    autogen: ModelDetails


class ModelList(BaseModel):
    """The versions in memory, the champion first."""

    object: Literal["list"] = "list"
    data: list[Model]


class EntityField(BaseModel):
    """What a stretch of the message names: characters from `start` to before `end`."""

    start: int
    end: int
    label: Name


class FeedbackRequest(BaseModel):
    """What a person says of a response; at least one of rating, label, entities (all that the message has), text (a
    better answer) and comment."""

    response_id: Name
    rating: Rating = None
    label: Id | Literal[""] | None = None
    entities: Annotated[list[EntityField], Field(max_length=MAX_ENTITIES)] | None = None
    text: Words | None = None
    comment: Words | None = None
    user: Id | Literal[""] | None = None


class FeedbackKept(BaseModel):
    """`note`: what its sender should know; most often there is none."""

    id: str
    note: str | None = None


class ParseRequest(BaseModel):
    text: Words
    message_id: Annotated[str, Field(max_length=MAX_NAME_LENGTH)] | None = None


class Parsed(BaseModel):
    """As Rasa's /model/parse answers, and which version answered, with which skill, what it would do."""

    text: str
    message_id: str | None
    intent: Intent
    intent_ranking: Intents
    entities: list[Any] = []
    action: Action
    skill: str
    version: str


class Alive(BaseModel):
    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    status: Literal["ready"] = "ready"
    version: str


class ErrorValue(BaseModel):
    message: str
    type: str
    code: str
    param: str | None


class ErrorBody(BaseModel):
    """Every error, in OpenAI's shape."""

    error: ErrorValue
