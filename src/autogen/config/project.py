"""`agent.toml` as typed, validated settings. Plain data: no torch, no files but the one it reads.

What a skill may be told is declared by the skill itself and handed down to `load_config`, so that this module knows
no skill by name. pydantic does the checking; here its findings become sentences that name the key and what to write.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, SerializeAsAny, ValidationError, model_validator

from autogen.config.settings import CONFIG_NAME, FIELDS, Settings, _as_list, _sentence
from autogen.config.training import TrainingSettings
from autogen.errors import ConfigError, ProjectNotFound, did_you_mean

T = TypeVar("T", bound="Settings")


Sources = Annotated[list[str], BeforeValidator(_as_list, json_schema_input_type=str | list[str]), Field(min_length=1)]


LearnFrom = Literal["owner", "reviewed", "trusted-users", "everyone"]


class FeedbackSettings(Settings):
    """Whose feedback may become training rows."""

    learn_from: LearnFrom = Field(
        default="reviewed",
        description=(
            "Whose corrections are learnt. `owner`: yours alone. `reviewed`: those of others too, once a person has "
            "accepted them with `autogen review`. `trusted-users`: besides, without a review, those of users whom a "
            "caller's key vouches for, where two of them or one and the champion agree. `everyone`: those of anybody "
            "who reaches the agent, unless they look wrong. Of clicks on recommended items it says whose may move what "
            "trends for all and be learnt: yours; also those of users who are vouched for, as far as users with a "
            "history choose the same; of all of them; everybody's."
        ),
    )


class ServingSettings(Settings):
    """Who may ask over HTTP, and what they are told."""

    hosts: tuple[str, ...] = Field(
        default=(),
        description=(
            "Names beside this machine's own (`localhost`, `127.0.0.1`, `[::1]`) by which callers without a key may "
            "ask, without a port: others are refused, or a page of any site could ask in its reader's browser."
        ),
    )
    origins: tuple[str, ...] = Field(
        default=(),
        description=(
            "Sites whose pages may ask, such as `https://shop.example`: browsers are told so (CORS). Whoever serves "
            "with a key gives it to these pages."
        ),
    )
    confidence: Literal["exact", "rounded", "off"] | None = Field(
        default=None,
        description=(
            "How exactly callers without a key are told how sure the agent is of an intent: `exact`, `rounded` to "
            "tenths, or `off` (always 0). Without it `exact`, but `rounded` where `[feedback] learn_from` is "
            "`everyone`: there it decides what is learnt, and whoever knows it could choose what to teach."
        ),
    )

    def confidence_where(self, learn_from: LearnFrom) -> Literal["exact", "rounded", "off"]:
        """What holds with this setting of whose feedback is learnt."""
        return self.confidence or ("rounded" if learn_from == "everyone" else "exact")


class GateSettings(Settings):
    """What a candidate must prove before anyone talks to it. Shares are in 0–1: 0.005 is half a point."""

    margin: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description=(
            "How much worse than the champion a candidate may be at most, as a share: 0.005 is half a point. Without "
            "it what the rows can resolve: 2 points at 1,000 rows, 4 at 250; never more than 5, nor less than half a "
            "point."
        ),
    )
    confidence: float = Field(
        default=0.95,
        gt=0.5,
        lt=1,
        description="The confidence level of bounds and tests, kept by all verdicts on the same rows together.",
    )
    min_rows: int = Field(
        default=50, ge=1, description="The rows to judge by that there must be; with fewer the gate says no."
    )
    label_rows: int = Field(
        default=5,
        ge=1,
        description="The rows from which on a label, or another group of rows, is tested by itself, not with others.",
    )
    latency_ratio: float = Field(
        default=1.2,
        gt=0,
        description="The candidate's time for a single question, divided by the champion's: at most this.",
    )
    size_ratio: float = Field(
        default=1.2, gt=0, description="The candidate's size on disk, divided by the champion's: at most this."
    )
    protected: Sources | None = Field(
        default=None, description="Files of rows that a candidate must all answer rightly."
    )


class AgentSettings(Settings):
    name: str = Field(
        min_length=1,
        max_length=200,
        description="The agent's name. Over HTTP its versions are listed as `NAME-VERSION`.",
    )
    base_model: str = Field(
        default="minilm",
        min_length=1,
        description="The pretrained model that is fine-tuned: a packaged name, a path, or a hub id.",
    )


class SkillSettings(Settings):
    """What every skill may be told; each skill adds its own data keys."""

    type: str = Field(description="Which kind of skill this is.")
    base_model: str | None = Field(
        default=None, min_length=1, description="The base model of this skill alone. Without it the agent's."
    )
    columns: dict[str, str] = Field(
        default_factory=dict,
        description=(
            "The columns of your files by the field that they hold, where they have other names: "
            '`{text = "utterance"}`.'
        ),
    )
    join_names: bool = Field(
        default=False,
        description=(
            "Whether names of labels, users and items that differ in case or width alone (`Refund`, `REFUND`) are one, "
            "by the spelling that most rows have. Without it they are several, and `autogen check` warns. What cannot "
            "be seen, such as zero-width characters, never tells names apart."
        ),
    )
    training: TrainingSettings = Field(
        default_factory=TrainingSettings, description="How to fine-tune: the table `[skills.NAME.training]`."
    )
    need_training: dict[str, dict[str, Any]] | None = Field(
        default=None,
        description=(
            "How to fine-tune one need, over what `training` says of all: the tables `[skills.NAME.training.NEED]`."
        ),
    )

    @model_validator(mode="before")
    @classmethod
    def _split_training(cls, values: Any) -> Any:
        """Tables within `training` are of one need each; no training setting is a table."""
        training = values.get("training") if isinstance(values, dict) else None
        if not isinstance(training, dict):
            return values
        need_training = {name: value for name, value in training.items() if isinstance(value, dict)}
        shared = {name: value for name, value in training.items() if name not in need_training}
        return {**values, "training": shared, **({"need_training": need_training} if need_training else {})}

    def training_of(self, need: str) -> TrainingSettings:
        """The training settings of a need: those of the whole skill, and its own over them. Raises ConfigError."""
        changes = (self.need_training or {}).get(need)
        if not changes:
            return self.training
        shared = self.training.model_dump(exclude_unset=True)
        return validate_settings(
            type(self.training), {**shared, **changes}, f"{CONFIG_NAME}, [skills.….training.{need}]"
        )


class ProjectConfig(Settings):
    """The whole of `agent.toml`, with each skill's section in that skill's own type."""

    agent: AgentSettings = Field(description="The agent itself: the table `[agent]`.")
    skills: dict[str, SerializeAsAny[SkillSettings]] = Field(  # else only what all skills have would be written down
        description="What the agent can do: a table `[skills.NAME]` of each skill."
    )
    gate: GateSettings = Field(
        default_factory=GateSettings, description="What a candidate must prove: the table `[gate]`."
    )
    feedback: FeedbackSettings = Field(
        default_factory=FeedbackSettings, description="Whose feedback is learnt: the table `[feedback]`."
    )
    server: ServingSettings = Field(
        default_factory=ServingSettings,
        description="Who may ask over HTTP, and what they are told: the table `[server]`.",
    )


class _Outline(Settings):
    agent: AgentSettings
    skills: dict[str, dict[str, Any]]
    gate: GateSettings = Field(default_factory=GateSettings)
    feedback: FeedbackSettings = Field(default_factory=FeedbackSettings)
    server: ServingSettings = Field(default_factory=ServingSettings)


def flatten_settings(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Settings inside settings by dotted names; what is not set is left out."""
    flattened: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flattened |= flatten_settings(value, f"{prefix}{name}.")
        elif value is not None:
            flattened[prefix + name] = value
    return flattened


def load_config(project: Path, skill_types: Mapping[str, type[SkillSettings]]) -> ProjectConfig:
    """Read and check `agent.toml` in the folder `project`.

    Raises ProjectNotFound when there is none, ConfigError listing every wrong key.
    """
    path = project / CONFIG_NAME
    outline = validate_settings(_Outline, _parse(path), CONFIG_NAME)
    if not outline.skills:
        raise ConfigError(f"{CONFIG_NAME}: expected at least one [skills.NAME] section, found none.")
    skills = {name: _skill(name, values, skill_types) for name, values in outline.skills.items()}
    return ProjectConfig(
        agent=outline.agent, skills=skills, gate=outline.gate, feedback=outline.feedback, server=outline.server
    )


def load_feedback_settings(project: Path) -> FeedbackSettings:
    """The table [feedback] of `agent.toml` alone; the defaults where there is no such file, as beside a version
    that is only answered with. Raises ConfigError."""
    path = project / CONFIG_NAME
    if not path.is_file():
        return FeedbackSettings()
    return validate_settings(FeedbackSettings, _parse(path).get("feedback", {}), f"{CONFIG_NAME}, [feedback]")


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
        place = f"byte 0x{error.object[error.start]:02X} (byte {error.start})"
        raise ConfigError(f"{path}: expected UTF-8 text, found {place}. Save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from None


def _skill(name: str, values: dict[str, Any], types: Mapping[str, type[SkillSettings]]) -> SkillSettings:
    where = f"{CONFIG_NAME}, [skills.{name}]"
    if not name.replace("-", "").replace("_", "").isalnum():
        raise ConfigError(f"{where}: a skill's name has letters, digits, - and _ only.")
    kind = str(values.get("type"))
    if kind not in types:
        type_names = ", ".join(sorted(types))
        raise ConfigError(
            f"{where}: expected `type` to be one of {type_names}; found {kind!r}.{did_you_mean(kind, types)}"
        )
    settings = validate_settings(types[kind], values, where)
    for field in settings.columns:
        if field not in FIELDS:
            raise ConfigError(
                f"{where}: `columns`: expected the field that each column holds, such as `text` or `label`; found "
                f'`{field}`.{did_you_mean(field, FIELDS)} Write `columns = {{FIELD = "COLUMN"}}`.'
            )
    return settings


def validate_settings(model: type[T], values: dict[str, Any], where: str) -> T:
    """Settings of this type. Raises ConfigError, naming each key that is wrong."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        lines = [_sentence(model, detail, where) for detail in error.errors()]
        raise ConfigError("\n".join(lines)) from None
