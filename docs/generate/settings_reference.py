"""Make docs/reference/settings.md from the types of the settings. `--check` only says whether it is up to date."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from making.page import table, write_or_check
from making.schema import literal, values_of

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reference/settings.md"
HEAD = """# Settings

<!-- Made by docs/generate/settings_reference.py from the settings' types and the descriptions of their fields: change
those, then run `make docs`. -->

Every key of `agent.toml`. An unknown key is an error that names the nearest known one. A path is relative to the
project. `autogen check` shows what was chosen for the keys that you left out.

"""
TRAINING = """## `[skills.NAME.training]`

How to fine-tune. A skill that needs several models takes this table for all of them, and
`[skills.NAME.training.NEED]` for one: what stands there goes before. Where a sentence speaks of the recipe, a value is
chosen from the data: [what was measured](../decisions/0007-recipe.md).

"""
EACH_TASK = """## Tasks

What a task adds to `[skills.NAME.training]`, and its options. A skill `prediction` has these in
`[skills.NAME.options]`; other skills have keys of the same names.

"""
ENVIRONMENT = {
    "AUTOGEN_API_KEY": "the key that callers of `autogen serve` must show",
    "AUTOGEN_CACHE": (
        "the folder in whose `models` packaged base models are kept, and in whose `graphs` those of earlier exports; "
        "by default in the user's cache"
    ),
    "AUTOGEN_DEBUG": "`1`: errors come with their traceback",
    "AUTOGEN_THREADS": "threads that a model answers with; at most four by default",
}
SEE = {  # pages that say more, by type and field
    "AgentSettings.base_model": "../how-to/base-models.md",
    "SkillSettings.columns": "../how-to/your-data.md",
    "CustomerServiceSettings.unlabelled": "../how-to/unlabelled.md",
    "PredictionSettings.task": "../how-to/token-classification.md",
    "RecommendationSettings.exploration": "../explanation/recommendation.md",
    "RecommendationSettings.items": "../how-to/recommendation.md#the-project-file",
    "RecommendationSettings.index": "../how-to/recommendation.md#large-catalogues-and-logs",
    "TrainingSettings.method": "../how-to/tuning-methods.md",
    "TrainingSettings.preset": "../how-to/your-data.md",
    "TrainingSettings.gradient_accumulation_steps": "../how-to/scaling.md#large-models-little-memory",
    "TrainingSettings.gradient_checkpointing": "../how-to/scaling.md#large-models-little-memory",
    "TrainingSettings.time_limit": "../how-to/scaling.md#by-the-clock",
    "TrainingSettings.report_to": "../how-to/reports.md#tracking",
    "FeedbackSettings.learn_from": "../explanation/improving.md#whose-feedback-counts",
    "GateSettings.margin": "../explanation/improving.md#what-the-gate-asks",
}

Model = type[BaseModel]


def settings_types() -> list[Model]:
    """The types of all tables of `agent.toml`: what is shared, then those of the built-in skills and tasks."""
    from autogen.config.project import (
        AgentSettings,
        FeedbackSettings,
        GateSettings,
        ProjectConfig,
        ServingSettings,
        SkillSettings,
    )
    from autogen.config.training import TrainingSettings
    from autogen.plugins import SKILLS, TASKS, skills, tasks

    of_skills = [skills()[name].settings for name in SKILLS]
    of_tasks = [kind for name in TASKS for kind in (tasks()[name].training, tasks()[name].options)]
    tables = [AgentSettings, FeedbackSettings, GateSettings, ServingSettings]
    shared = [ProjectConfig, *tables, SkillSettings, TrainingSettings]
    return list(dict.fromkeys([*shared, *of_skills, *of_tasks]))


def make_page() -> str:
    from autogen.config.project import (
        AgentSettings,
        FeedbackSettings,
        GateSettings,
        ServingSettings,
        SkillSettings,
    )
    from autogen.config.training import TrainingSettings
    from autogen.plugins import SKILLS, TASKS, skills, tasks

    of_skills = {name: skills()[name].settings for name in SKILLS}
    skill_head = "## `[skills.NAME]`\n\nEvery skill has these keys, and those of its type.\n\n"
    return (
        "".join(
            [
                HEAD,
                f"## `[agent]`\n\n{_table(AgentSettings)}",
                skill_head + _table(SkillSettings, only=_own(SkillSettings), kinds=list(of_skills)),
                *(_skill(name, kind) for name, kind in of_skills.items()),
                TRAINING + _table(TrainingSettings),
                EACH_TASK,
                *(_task(name, tasks()[name]) for name in TASKS),
                *(
                    f"## `[{name}]`\n\n{_said_of(kind)}\n\n{_table(kind)}"
                    for name, kind in (
                        ("feedback", FeedbackSettings),
                        ("gate", GateSettings),
                        ("server", ServingSettings),
                    )
                ),
                _environment(),
            ]
        ).rstrip("\n")
        + "\n"
    )


def _own(kind: Model) -> list[str]:
    """The fields of a skill's settings that are keys; `training` and what is said of one need are tables."""
    return [name for name in kind.model_fields if name not in ("training", "need_training")]


def _skill(name: str, kind: Model) -> str:
    from autogen.config.project import SkillSettings

    own = [field for field in kind.model_fields if field not in SkillSettings.model_fields]
    return f'### `type = "{name}"`\n\n{_said_of(kind)}\n\n{_table(kind, only=own)}'


def _task(name: str, task: Any) -> str:
    from autogen.config.training import TrainingSettings

    own = [field for field in task.training.model_fields if field not in TrainingSettings.model_fields]
    parts = [
        f"In `[skills.NAME.training]`:\n\n{_table(task.training, only=own)}" if own else "",
        f"Its options:\n\n{_table(task.options)}" if task.options.model_fields else "",
    ]
    return f"### `{name}`\n\n" + ("".join(parts) or "It has no settings of its own.\n\n")


def _table(kind: Model, only: Iterable[str] | None = None, kinds: Sequence[str] = ()) -> str:
    """`kinds`: what `type` may be."""
    names = kind.model_fields if only is None else only
    return table(("key", "value", "default", "what it does"), rows_of(kind, names, kinds))


def rows_of(kind: Model, names: Iterable[str], kinds: Sequence[str] = ()) -> list[tuple[str, ...]]:
    """A row for each of these fields. Raises SystemExit for one without a description."""
    return list(_rows(kind, names, kinds))


def _rows(kind: Model, names: Iterable[str], kinds: Sequence[str]) -> Iterator[tuple[str, ...]]:
    schema = kind.model_json_schema()
    for name in names:
        field, of = kind.model_fields[name], schema["properties"][name]
        of = {"enum": list(kinds)} if kinds and name == "type" else of
        values = values_of(of, schema.get("$defs", {}), "table")
        default = "required" if field.is_required() else literal(field.get_default(call_default_factory=True))
        yield f"`{name}`", values, default, f"{_described(kind, name)}{_more(kind, name)}"


def _described(kind: Model, name: str) -> str:
    text = kind.model_fields[name].description
    if not text:
        raise SystemExit(f"{kind.__name__}.{name}: expected a description that says what it does, found none.")
    return text


def _more(kind: Model, name: str) -> str:
    """The link to the page that says more, if there is one; an inherited field has that of the type it comes from."""
    links = [SEE[key] for of in kind.__mro__ if (key := f"{of.__name__}.{name}") in SEE]
    return f" [More]({links[0]})" if links else ""


def _said_of(kind: Model) -> str:
    return inspect.cleandoc(kind.__doc__ or "").replace("\n\n", "\0").replace("\n", " ").replace("\0", "\n\n")


def _environment() -> str:
    text = "".join(path.read_text("utf-8") for path in sorted((ROOT / "src/autogen").rglob("*.py")))
    found = sorted({*re.findall(r"\bAUTOGEN_[A-Z_]+", text)})
    if found != [*ENVIRONMENT]:
        raise SystemExit(f"{__file__}: expected a line for each of the variables {found}, found {[*ENVIRONMENT]}.")
    rows = [(f"`{name}`", what) for name, what in ENVIRONMENT.items()]
    return f"## Environment variables\n\n{table(('variable', 'what it does'), rows)}"


def check_links(kinds: Iterable[Model]) -> None:
    """Raises SystemExit for a link from a field that is not there."""
    known = {f"{kind.__name__}.{name}" for kind in kinds for name in kind.model_fields}
    if gone := SEE.keys() - known:
        raise SystemExit(f"{__file__}: SEE names fields that are not there: {sorted(gone)}.")


def main() -> int:
    check_links(settings_types())
    return write_or_check(PAGE, make_page(), "settings' types")


if __name__ == "__main__":
    sys.exit(main())
