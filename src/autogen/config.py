"""`agent.toml` as typed, validated settings. Plain data: no torch, no files but the one it reads.

What a skill may be told is declared by the skill itself and handed down to `load_config`, so that this module knows
no skill by name. pydantic does the checking; here its findings become sentences that name the key and what to write.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SerializeAsAny, ValidationError

from autogen.errors import ConfigError, ProjectNotFound, did_you_mean

CONFIG_NAME = "agent.toml"
RESERVED_LABEL = "oos"  # the label of out-of-scope rows

# What the rows of all tasks, and feedback, are made of: what `columns` may name.
FIELDS = (
    *("text", "label", "text_pair", "entities", "tokens", "tags", "relations", "input", "output", "messages"),
    *("question", "context", "answers", "title", "user", "item", "timestamp", "rating", "event"),
    *("head", "relation", "tail", "id", "created_at", "source", "trusted", "response_id", "skill", "version", "action"),
    *("intent", "confidence", "answer", "comment", "decision", "decided_label", "decided_at"),
)

T = TypeVar("T", bound="Settings")
PresetName = Literal["fast", "balanced", "best"]
Tracker = Literal["tensorboard", "wandb", "mlflow", "none"]
TuningMethod = Literal["full", "head", "last-n", "bitfit", "lora", "ia3", "prefix", "prompt", "adapter"]


class Settings(BaseModel):
    """Base of all settings: unknown keys are errors, and assignments are checked like the file is."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True, allow_inf_nan=False, protected_namespaces=())

    def __setattr__(self, name: str, value: object) -> None:
        try:
            super().__setattr__(name, value)
        except ValidationError as error:
            raise ConfigError(_sentence(type(self), error.errors()[0], "config", prefix=(name,))) from None


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


SECONDS = {"s": 1, "m": 60, "h": 3600}


def seconds_of(time: str) -> float | None:
    """The seconds of `"90s"`, `"10m"` or `"1.5h"`; None where it is no such time."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)\s*([smh])", time.strip())
    return float(found[1]) * SECONDS[found[2]] if found else None


def _seconds(value: object) -> object:
    """`"90s"`, `"10m"`, `"1.5h"` or a number of seconds, as seconds."""
    found = seconds_of(value) if isinstance(value, str) else value
    if found is None or isinstance(found, bool):
        raise ValueError('expected seconds, or a time such as "90s", "10m" or "2h"')
    return found


class TrainingSettings(Settings):
    """How to fine-tune. `None` means: chosen from the data, and shown by `autogen check` and in every report."""

    preset: PresetName | None = None  # None: `fast` where training would take hours, else `balanced`
    method: TuningMethod = "full"
    learning_rate: float | None = Field(default=None, gt=0, le=1)
    head_learning_rate: float | None = Field(default=None, gt=0, le=1)
    layer_decay: float | None = Field(default=None, gt=0, le=1)
    last_n: int = Field(default=2, ge=1, le=1_000)  # last-n: top layers that learn
    r: int = Field(default=16, ge=1, le=4_096)  # lora, by PEFT's names from here on
    lora_alpha: int = Field(default=32, ge=1, le=65_536)
    lora_dropout: float = Field(default=0.1, ge=0, lt=1)
    target_modules: str | list[str] | None = None  # lora, ia3
    num_virtual_tokens: int = Field(default=16, ge=1, le=1_024)  # prefix, prompt
    adapter_size: int = Field(default=64, ge=1, le=65_536)  # adapter: width of the bottleneck
    epochs: int | None = Field(default=None, ge=1, le=10_000)
    train_batch_size: int | None = Field(default=None, ge=1, le=65_536)
    eval_batch_size: int = Field(default=32, ge=1, le=65_536)
    label_smoothing: float | None = Field(default=None, ge=0, lt=1)
    contrastive_weight: float | None = Field(default=None, ge=0, le=100)
    neighbours: bool | None = None
    warmup_share: float = Field(default=0.1, ge=0, le=1)
    weight_decay: float = Field(default=0.01, ge=0, le=1)
    max_length: int = Field(default=256, ge=4, le=32_768)
    freeze_embeddings: bool | None = None
    frozen_share: float | None = Field(default=None, ge=0, le=1)  # full: of the layers, from the lowest up
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    int8: bool | None = None
    report_to: Annotated[list[Tracker] | None, BeforeValidator(_listed)] = None  # None: tensorboard where installed
    gradient_accumulation_steps: int = Field(default=1, ge=1, le=65_536)
    gradient_checkpointing: bool = False
    checkpoint_minutes: float = Field(default=10.0, gt=0)  # within long epochs
    time_limit: Annotated[float, BeforeValidator(_seconds), Field(gt=0)] | None = None  # seconds, or "10m"
    seed: int = Field(default=0, ge=0, lt=2**32)


class GateSettings(Settings):
    """What a candidate must prove before anyone talks to it. Shares are in 0–1: 0.005 is half a point."""

    margin: float = Field(default=0.005, ge=0, le=1)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    min_rows: int = Field(default=50, ge=1)
    label_rows: int = Field(default=20, ge=1)
    latency_ratio: float = Field(default=1.2, gt=0)
    size_ratio: float = Field(default=1.2, gt=0)
    protected: str | None = None


class AgentSettings(Settings):
    name: str = Field(min_length=1, max_length=200)
    base_model: str = Field(default="minilm", min_length=1)


Sources = Annotated[list[str], BeforeValidator(_listed), Field(min_length=1)]


class SkillSettings(Settings):
    """What every skill may be told; each skill adds its own data keys."""

    type: str
    columns: dict[str, str] = Field(default_factory=dict)
    training: TrainingSettings = Field(default_factory=TrainingSettings)


class ProjectConfig(Settings):
    """The whole of `agent.toml`, with each skill's section in that skill's own type."""

    agent: AgentSettings
    skills: dict[str, SerializeAsAny[SkillSettings]]  # else only what all skills have would be written down
    gate: GateSettings = Field(default_factory=GateSettings)


class _Outline(Settings):
    agent: AgentSettings
    skills: dict[str, dict[str, Any]]
    gate: GateSettings = Field(default_factory=GateSettings)


def flat(settings: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Settings inside settings by dotted names; what is not set is left out."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{above}{name}.")
        elif value is not None:
            found[above + name] = value
    return found


def load_config(project: Path, skill_types: Mapping[str, type[SkillSettings]]) -> ProjectConfig:
    """Read and check `agent.toml` in the folder `project`.

    Raises ProjectNotFound when there is none, ConfigError listing every wrong key.
    """
    path = project / CONFIG_NAME
    outline = _validate(_Outline, _parse(path), CONFIG_NAME)
    if not outline.skills:
        raise ConfigError(f"{CONFIG_NAME}: expected at least one [skills.NAME] section, found none.")
    skills = {name: _skill(name, values, skill_types) for name, values in outline.skills.items()}
    return ProjectConfig(agent=outline.agent, skills=skills, gate=outline.gate)


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))  # some editors begin a file with a mark
    except FileNotFoundError:
        raise ProjectNotFound(
            f"Expected a project: a folder with {CONFIG_NAME}. Found none in {path.parent.resolve()}. "
            "Go to your project's folder, name it with -p DIR, or make one with `autogen init DIR`."
        ) from None
    except OSError as error:
        raise ProjectNotFound(f"Cannot read {path}: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        found = f"byte 0x{error.object[error.start]:02X} (byte {error.start})"
        raise ConfigError(f"{path}: expected UTF-8 text, found {found}. Save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from None


def _skill(name: str, values: dict[str, Any], types: Mapping[str, type[SkillSettings]]) -> SkillSettings:
    where = f"{CONFIG_NAME}, [skills.{name}]"
    if not name.replace("-", "").replace("_", "").isalnum():
        raise ConfigError(f"{where}: a skill's name has letters, digits, - and _ only.")
    kind = str(values.get("type"))
    if kind not in types:
        known = ", ".join(sorted(types))
        raise ConfigError(f"{where}: expected `type` to be one of {known}; found {kind!r}.{did_you_mean(kind, types)}")
    settings = _validate(types[kind], values, where)
    for field in settings.columns:
        if field not in FIELDS:
            raise ConfigError(
                f"{where}: `columns`: expected the field that each column holds, such as `text` or `label`; found "
                f'`{field}`.{did_you_mean(field, FIELDS)} Write `columns = {{FIELD = "COLUMN"}}`.'
            )
    return settings


def _validate(model: type[T], values: dict[str, Any], where: str) -> T:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        lines = [_sentence(model, detail, where) for detail in error.errors()]
        raise ConfigError("\n".join(lines)) from None


def _sentence(model: type[BaseModel], detail: Any, where: str, prefix: tuple[str, ...] = ()) -> str:
    """One of pydantic's findings as a sentence: the key, what was expected, what was found."""
    location = tuple(str(part) for part in detail["loc"]) or prefix
    key = ".".join(location)
    if detail["type"] in ("extra_forbidden", "no_such_attribute"):
        known = _fields_at(model, location[:-1])
        return f"{where}: unknown key `{key}`.{did_you_mean(location[-1], known)} Known keys: {', '.join(known)}."
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
