"""Typed settings: unknown keys are errors, and findings become sentences that name the key and what to write."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from autogen.errors import ConfigError, did_you_mean

CONFIG_NAME = "agent.toml"


RESERVED_LABEL = "oos"  # the label of out-of-scope rows


# What the rows of all tasks, and feedback, are made of: what `columns` may name.
FIELDS = (
    *("text", "label", "text_pair", "entities", "tokens", "tags", "relations", "input", "output", "messages"),
    *("question", "context", "answers", "title", "user", "item", "timestamp", "rating", "event"),
    *("head", "relation", "tail", "id", "created_at", "source", "trusted", "response_id", "skill", "version", "action"),
    *("intent", "confidence", "answer", "comment", "decision", "decided_label", "decided_at", "vouched"),
)


class Settings(BaseModel):
    """Base of all settings: unknown keys are errors, and assignments are checked like the file is."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True, allow_inf_nan=False, protected_namespaces=())

    def __setattr__(self, name: str, value: object) -> None:
        try:
            super().__setattr__(name, value)
        except ValidationError as error:
            raise ConfigError(_sentence(type(self), error.errors()[0], "config", prefix=(name,))) from None


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


SECONDS = {"s": 1, "m": 60, "h": 3600}


def seconds_of(time: str) -> float | None:
    """The seconds of `"90s"`, `"10m"` or `"1.5h"`; None where it is no such time."""
    match = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)\s*([smh])", time.strip())
    return float(match[1]) * SECONDS[match[2]] if match else None


def _seconds(value: object) -> object:
    """`"90s"`, `"10m"`, `"1.5h"` or a number of seconds, as seconds."""
    seconds = seconds_of(value) if isinstance(value, str) else value
    if seconds is None or isinstance(seconds, bool):
        raise ValueError('expected seconds, or a time such as "90s", "10m" or "2h"')
    return seconds


def _sentence(model: type[BaseModel], detail: Any, where: str, prefix: tuple[str, ...] = ()) -> str:
    """One of pydantic's findings as a sentence: the key, what was expected, what was found."""
    location = tuple(str(part) for part in detail["loc"]) or prefix
    key = ".".join(location)
    if detail["type"] in ("extra_forbidden", "no_such_attribute"):
        keys = _fields_at(model, location[:-1])
        return f"{where}: unknown key `{key}`.{did_you_mean(location[-1], keys)} Known keys: {', '.join(keys)}."
    if detail["type"] == "missing":
        return f"{where}: the key `{key}` is missing."
    return f"{where}: `{key}`: {detail['msg'].lower()}; found {detail.get('input')!r}."


def _fields_at(model: type[BaseModel], location: tuple[str, ...]) -> list[str]:
    for part in location:
        field = model.model_fields.get(part)
        if field is None or not isinstance(field.annotation, type):
            return []
        if issubclass(field.annotation, BaseModel):
            model = field.annotation
    return list(model.model_fields)
