"""A completion as server-sent events. An answer is whole when it is decided, so its text is one chunk."""

from __future__ import annotations

import json
from typing import Any

from autogen.serving.schemas import ChatCompletion


def events(completion: ChatCompletion, include_usage: bool) -> str:
    """OpenAI's chunks: the role, the text, the end, perhaps the usage; then `[DONE]`."""
    content = completion.choices[0].message.content
    finish = completion.choices[0].finish_reason
    chunks = [
        _chunk(completion, choices=[_choice({"role": "assistant", "content": ""})]),
        _chunk(completion, choices=[_choice({"content": content})]),
        _chunk(completion, choices=[_choice({}, finish)], autogen=completion.autogen.model_dump()),
    ]
    if include_usage:
        chunks.append(_chunk(completion, choices=[], usage=completion.usage.model_dump()))
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


def _chunk(completion: ChatCompletion, **own: Any) -> dict[str, Any]:
    shared = {"id": completion.id, "created": completion.created, "model": completion.model}
    return {**shared, "object": "chat.completion.chunk", **own}


def _choice(delta: dict[str, str], finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
