"""Writing into `agent.toml` as a person would: comments, order and formatting stay as they are."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from autogen.config.settings import CONFIG_NAME
from autogen.errors import ConfigError
from autogen.storage.files import explain_os_errors, write_atomically


def training_lines(settings: Mapping[str, Any]) -> str:
    """The lines that say these settings, to be pasted under a skill's `training`."""
    return tomlkit.dumps(dict(settings))


def write_training(project: Path, skill: str, settings: Mapping[str, Any]) -> None:
    """Set these under `[skills.SKILL.training]`; all else stays, byte for byte where it can.

    Raises ConfigError where the file cannot be changed without changing what else it says, StorageError.
    """
    path = (project / CONFIG_NAME).resolve()  # of a link, what it points to
    with explain_os_errors(path):
        before = path.read_bytes().decode("utf-8-sig")  # as it is read for training
    expected = tomllib.loads(before)
    expected["skills"][skill].setdefault("training", {}).update(settings)
    try:
        document = tomlkit.parse(before)
        section: Any = document["skills"][skill]
        if "training" not in section:
            section["training"] = tomlkit.inline_table() if _is_inline(section) else tomlkit.table()
        for key, value in settings.items():
            section["training"][key] = value
        after = tomlkit.dumps(document)
        right = tomllib.loads(after) == expected
    except (TOMLKitError, tomllib.TOMLDecodeError, ValueError, KeyError):
        right = False
    if not right:
        raise ConfigError(
            f"{CONFIG_NAME} is laid out in a way that cannot be changed by itself; it was left alone. Put these lines "
            f"under [skills.{skill}.training]:\n{training_lines(settings)}"
        )
    write_atomically(path, after.encode())


def _is_inline(section: object) -> bool:
    return isinstance(section, tomlkit.items.InlineTable)
