"""What comes in and goes out, as pydantic types. Fields that we do not know are ignored where OpenAI's clients send
many, and refused where the interface is our own."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model

from autogen.errors import UsageError
from autogen.feedback.entities import MAX_ENTITIES
from autogen.feedback.events import MAX_NAME_LENGTH, parse_rating
from autogen.skills.fields import Id, Name, Words
from autogen.storage.replies import Action, Response

MOST_MESSAGES = 1_000


class TextPart(BaseModel):
    type: Literal["text"] = Field(description="The only kind of part that is read.")
    text: str = Field(description="A part of the message; parts are joined by line breaks.")


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
    role: str = Field(description="`user` or `assistant`; messages of other roles are passed over.")
    content: Content = Field(default="", description="What was said.")


class ChatMetadata(BaseModel):
    conversation_id: Name | None = Field(
        default=None,
        description=(
            "Continues the conversation with this id, or opens it. Without it the `messages` are the conversation."
        ),
    )


class StreamOptions(BaseModel):
    include_usage: bool = Field(default=False, description="Whether an event with the `usage` comes before the end.")


class TextFormat(BaseModel):
    type: Literal["text"] = Field(description="The only format of answers.")


EmptyList = Annotated[list[Any] | None, Field(max_length=0)]


class ChatRequest(BaseModel):
    """OpenAI's chat completion request; `metadata.conversation_id` continues or opens a conversation. What would give
    the answer another shape is refused; what only OpenAI's models heed, such as `temperature`, is passed over."""

    messages: list[ChatMessage] = Field(
        min_length=1,
        max_length=MOST_MESSAGES,
        description="The conversation; its last message of the role `user` is answered.",
    )
    model: str | None = Field(default=None, description="Any name: the champion answers.")
    stream: bool | None = Field(default=False, description="Whether the answer comes in pieces, as server-sent events.")
    stream_options: StreamOptions | None = Field(default=None, description="What a stream has besides the answer.")
    metadata: ChatMetadata | None = Field(default=None, description="What OpenAI's API has no field for.")
    user: Id | None = Field(default=None, description="Who writes, for skills that answer each user differently.")
    n: Literal[1] | None = Field(default=None, description="1, if anything: there is one answer.")
    tools: EmptyList = Field(default=None, description="None: this agent calls no tools of its callers.")
    tool_choice: Literal["none"] | None = Field(default=None, description="`none`, if anything.")
    functions: EmptyList = Field(default=None, description="None, as with `tools`.")
    response_format: TextFormat | None = Field(default=None, description="Text, if anything.")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "messages": [{"role": "user", "content": "My card was stolen!"}],
                    "metadata": {"conversation_id": "visitor-17"},
                }
            ]
        }
    )


class Intent(BaseModel):
    name: str | None = Field(description="The intent.")
    confidence: float = Field(description="Its probability, 0 to 1.")


def _as_intents(ranking: object) -> object:
    """Pairs of a name and its confidence, as JSON has them."""
    return [{"name": name, "confidence": confidence} for name, confidence in ranking]  # type: ignore[attr-defined]


Intents = Annotated[list[Intent], BeforeValidator(_as_intents)]

_IN_OPENAI_SHAPE = ("id", "text")
_TYPES: dict[str, Any] = {**get_type_hints(Response), "alternatives": Intents}
_FIELDS: dict[str, Any] = {
    one.name: (_TYPES[one.name], Field(description=one.metadata.get("description")))
    for one in fields(Response)
    if one.name not in _IN_OPENAI_SHAPE
}
Details = create_model(
    "Details",
    __config__=ConfigDict(from_attributes=True),
    __doc__="What we know of an answer beyond OpenAI's shape: every other field of a response.",
    **_FIELDS,
)


class Answer(BaseModel):
    role: Literal["assistant"] = Field(default="assistant", description="Who speaks.")
    content: str = Field(description="What the agent says.")
    refusal: None = Field(default=None, description="As in OpenAI's shape.")


class Choice(BaseModel):
    index: int = Field(default=0, description="The place of this answer among the choices.")
    message: Answer = Field(description="The answer.")
    logprobs: None = Field(default=None, description="As in OpenAI's shape.")
    finish_reason: Literal["stop"] = Field(default="stop", description="As in OpenAI's shape.")


class Usage(BaseModel):
    """Always 0: answers are chosen, not generated, and nothing is charged by the token."""

    prompt_tokens: int = Field(default=0, description="Always 0.")
    completion_tokens: int = Field(default=0, description="Always 0.")
    total_tokens: int = Field(default=0, description="Always 0.")


class ChatCompletion(BaseModel):
    """OpenAI's chat completion. Feedback refers to it by `id`."""

    id: str = Field(description="The id of this response, which feedback refers to.")
    object: Literal["chat.completion"] = Field(default="chat.completion", description="What this is.")
    created: int = Field(description="When, in Unix seconds.")
    model: str = Field(description="The agent and the version that answered.")
    choices: list[Choice] = Field(description="One answer.")
    usage: Usage = Field(default=Usage(), description="Always 0: nothing is charged by the token.")
    autogen: Details = Field(description="What we know of the answer beyond OpenAI's shape.")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "resp-3f1c9a5b7d2e4f60a1b2c3d4e5f60718",
                    "object": "chat.completion",
                    "created": 1795876200,
                    "model": "bank-support-0001",
                    "choices": [
                        {
                            "index": 0,
                            "message": {
                                "role": "assistant",
                                "content": "Please freeze your card in the app straight away. Then order a new one.",
                            },
                            "finish_reason": "stop",
                        }
                    ],
                    "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
                    "autogen": {
                        "action": "answer",
                        "confidence": 0.97,
                        "intent": "lost_or_stolen_card",
                        "alternatives": [
                            {"name": "lost_or_stolen_card", "confidence": 0.97},
                            {"name": "compromised_card", "confidence": 0.02},
                        ],
                        "notes": [],
                        "details": {},
                        "conversation_id": "visitor-17",
                        "version": "0001",
                        "skill": "support",
                    },
                }
            ]
        }
    )


class ModelDetails(BaseModel):
    version: str = Field(description="The version's number.")
    champion: bool = Field(description="Whether it is the champion.")


class Model(BaseModel):
    id: str = Field(description="The agent's name and the version's number.")
    object: Literal["model"] = Field(default="model", description="What this is.")
    created: int = Field(description="When the version was made, in Unix seconds.")
    owned_by: str = Field(default="autogen", description="As in OpenAI's shape.")
    autogen: ModelDetails = Field(description="Which version it is.")


class ModelList(BaseModel):
    """The versions in memory, the champion first."""

    object: Literal["list"] = Field(default="list", description="What this is.")
    data: list[Model] = Field(description="The versions in memory, the champion first.")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "object": "list",
                    "data": [
                        {
                            "id": "bank-support-0001",
                            "object": "model",
                            "created": 1795872600,
                            "owned_by": "autogen",
                            "autogen": {"version": "0001", "champion": True},
                        }
                    ],
                }
            ]
        }
    )


class EntityField(BaseModel):
    """What a stretch of the message names: characters from `start` to before `end`."""

    start: int = Field(description="The first character, counted from 0 in Unicode code points.")
    end: int = Field(description="The character after the last.")
    label: Name = Field(description="What it is.")


class FeedbackRequest(BaseModel):
    """What a person says of a response; at least one of rating, label, entities (all that the message has), text (a
    better answer) and comment."""

    response_id: Name = Field(description="The `id` of the response.")
    rating: Rating = Field(default=None, description="How good the answer was: up, down, or a number from 0 to 1.")
    label: Id | Literal[""] | None = Field(
        default=None, description="The right label; where items were shown, the one that was clicked."
    )
    entities: Annotated[list[EntityField], Field(max_length=MAX_ENTITIES)] | None = Field(
        default=None, description="All entities that the message has; an empty list: it has none."
    )
    text: Words | None = Field(default=None, description="A better answer.")
    comment: Words | None = Field(default=None, description="Anything else there is to say.")
    user: Id | Literal[""] | None = Field(
        default=None, description="Who says so. A caller's key vouches for it; without a key the name is nobody's."
    )

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"response_id": "resp-3f1c9a5b7d2e4f60a1b2c3d4e5f60718", "rating": "down", "label": "compromised_card"}
            ]
        }
    )


class FeedbackKept(BaseModel):
    """`note`: what its sender should know; most often there is none."""

    id: str = Field(description="The id of this feedback.")
    note: str | None = Field(
        default=None,
        description="What the sender should know, such as that the label is none yet; else it is left out.",
    )

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": "fb-8a2f4c6e0b1d3f5792a4b6c8d0e2f416"}]})


class ParseRequest(BaseModel):
    text: Words = Field(description="The text to understand.")
    message_id: Annotated[str, Field(max_length=MAX_NAME_LENGTH)] | None = Field(
        default=None, description="An id of the caller's own, which comes back."
    )

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "My card was stolen!", "message_id": "m-1"}]})


class Parsed(BaseModel):
    """As Rasa's /model/parse answers, and which version answered, with which skill, what it would do."""

    text: str = Field(description="The text, as it came.")
    message_id: str | None = Field(description="The id, as it came.")
    intent: Intent = Field(description="The likeliest intent.")
    intent_ranking: Intents = Field(description="The likeliest intents, the best first.")
    entities: list[Any] = Field(default=[], description="The entities found, from skills that find some.")
    action: Action = Field(description="What the agent would do.")
    skill: str = Field(description="The skill that would answer.")
    version: str = Field(description="The version that understood it.")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "text": "My card was stolen!",
                    "message_id": "m-1",
                    "intent": {"name": "lost_or_stolen_card", "confidence": 0.97},
                    "intent_ranking": [{"name": "lost_or_stolen_card", "confidence": 0.97}],
                    "entities": [],
                    "action": "answer",
                    "skill": "support",
                    "version": "0001",
                }
            ]
        }
    )


class Alive(BaseModel):
    status: Literal["alive"] = Field(default="alive", description="The process lives.")

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "alive"}]})


class Ready(BaseModel):
    status: Literal["ready"] = Field(default="ready", description="It can answer.")
    version: str = Field(description="The version that answers.")

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ready", "version": "0001"}]})


class ErrorValue(BaseModel):
    message: str = Field(description="What was expected, what was found, and what to do.")
    type: str = Field(description="`invalid_request_error`, `authentication_error` or `server_error`.")
    code: str = Field(description="What went wrong, in a word.")
    param: str | None = Field(description="The field that is wrong, where it is one.")


class ErrorBody(BaseModel):
    """Every error, in OpenAI's shape."""

    error: ErrorValue = Field(description="What went wrong.")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "error": {
                        "message": "Expected the field messages, found none.",
                        "type": "invalid_request_error",
                        "code": "missing_field",
                        "param": "messages",
                    }
                }
            ]
        }
    )
