"""Whether an interrupted training can go on, and what has changed since it began.

A run writes down what it learns from. Checkpoints are gone on from only with the same; `force` allows other rows, other
settings and another champion, but not what a checkpoint's weights depend on: the labels, the base model, and the tuning
method with its sizes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autogen.config.project import ProjectConfig
from autogen.errors import ConfigError, UsageError
from autogen.storage.files import explain_os_errors, make_folder, write_json
from autogen.tasks.task import Identity
from autogen.training.loop.checkpoints import BEST_FILE

RUN_FILE = "run.json"
# what the shapes and names of a checkpoint's weights depend on
SHAPES = (
    "method",
    "last_n",
    "r",
    "target_modules",
    "num_virtual_tokens",
    "adapter_size",
    "freeze_embeddings",
    "frozen_share",
)
# a rate that made it diverge, what memory and time there is: these may change without a word
MAY_CHANGE = (
    "learning_rate",
    "head_learning_rate",
    "precision",
    "gradient_checkpointing",
    "checkpoint_minutes",
    "time_limit",
)
KEPT = ("weight_decay",)  # what the optimiser keeps beside the weights, as it was


def run_record(config: ProjectConfig, champion: str | None, data: Mapping[str, Identity]) -> dict[str, Any]:
    """What a run learns from, as JSON; `data` by skill and need."""
    record = {
        "config": config.model_dump(mode="json"),
        "champion": champion,
        "data": {name: list(identity.order) for name, identity in data.items()},
        "learnt": {name: sorted(identity.learnt) for name, identity in data.items()},
        "labels": {name: list(identity.outputs) for name, identity in data.items()},
    }
    as_read: dict[str, Any] = json.loads(json.dumps(record))
    return as_read


def begin_run(state: Path, record: Mapping[str, Any]) -> None:
    """A run that starts anew: what an earlier one left is removed. Raises StorageError."""
    with explain_os_errors(state):
        shutil.rmtree(state, ignore_errors=True)
        make_folder(state)
    write_json(state / RUN_FILE, record)


def resume_run(state: Path, record: Mapping[str, Any], force: bool) -> str:
    """Make ready to go on from the checkpoints: what has changed, as a warning, or an empty string.

    Raises UsageError where there is nothing to resume; ConfigError where something changed and `force` is not set, or
    where the checkpoints fit no longer whatever is forced.
    """
    try:
        before = json.loads((state / RUN_FILE).read_text("utf-8"))
    except FileNotFoundError:
        raise UsageError("Expected an interrupted training to resume, found none: run `autogen train`.") from None
    except ValueError:
        raise UsageError(f"{state / RUN_FILE} is damaged, so nothing can be resumed: run `autogen train`.") from None
    changes = _changes(before, record)
    if not changes.any:
        return ""
    if changes.unfit:
        raise ConfigError(
            f"The interrupted training cannot go on: its checkpoints do not fit any more ({'; '.join(changes.unfit)}). "
            "Put that back, or start anew with `autogen train`."
        )
    if not force:
        raise ConfigError(
            f"Since the interrupted training began, this has changed: {changes.words}. So it cannot go on. Put it "
            "back, start anew with `autogen train`, or go on all the same with `autogen train --resume --force`."
        )
    _forget_measured(state)
    write_json(state / RUN_FILE, record)
    return changes.warning


def _forget_measured(state: Path) -> None:
    """What was measured on the rows and with the settings of before counts no more."""
    stale = [*state.glob("*/*/fold-*"), *state.glob("*/*/held-back"), *state.glob(f"**/{BEST_FILE}")]
    for path in stale:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@dataclass(frozen=True)
class _Changes:
    data: tuple[str, ...]  # skill/need
    settings: tuple[str, ...]  # dotted keys of agent.toml
    champion: tuple[str | None, str | None]
    unfit: tuple[str, ...]

    @property
    def any(self) -> bool:
        return bool(self.data or self.settings or self.unfit or self.champion[0] != self.champion[1])

    @property
    def words(self) -> str:
        parts = [f"data ({', '.join(self.data)})"] if self.data else []
        parts += [f"settings ({', '.join(self.settings)})"] if self.settings else []
        before, now = (name or "none" for name in self.champion)
        parts += [f"champion ({before} before, {now} now)"] if before != now else []
        return ", ".join(parts)

    @property
    def warning(self) -> str:
        kept_settings = [key for key in self.settings if key.rpartition(".")[2] in KEPT]
        note = (
            f" Its checkpoints keep {', '.join(kept_settings)} as before: to change that, start anew."
            if kept_settings
            else ""
        )
        return f"The training goes on although this has changed since it began: {self.words}.{note}"


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> _Changes:
    keys = _differing_keys(before.get("config", {}), now["config"])
    names = (key.replace(".need_training", ".training", 1) for key in keys)  # as in agent.toml
    settings = tuple(key for key in names if key.rpartition(".")[2] not in MAY_CHANGE)
    return _Changes(
        data=_names_differing(before.get("data", {}), now["data"]),
        settings=settings,
        champion=(before.get("champion"), now["champion"]),
        unfit=(*_other_labels(before, now), *_unlearnable(before, now), *filter(_shapes_weights, settings)),
    )


def _other_labels(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    changes = []
    for name, labels in now["labels"].items():
        labels_before = set(before.get("labels", {}).get(name, labels))
        new, removed = sorted(set(labels) - labels_before), sorted(labels_before - set(labels))
        words = [f"new {', '.join(new)}"] if new else []
        words += [f"gone {', '.join(removed)}"] if removed else []
        changes += [f"labels of {name}: {', '.join(words)}"] if words else []
    return changes


def _unlearnable(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Rows that the checkpoints have learnt and that are training rows no longer: they cannot be unlearnt, and held out
    they would measure memory."""
    reasons = []
    for name, learnt in now["learnt"].items():
        removed = len({*before.get("learnt", {}).get(name, ())} - {*learnt})
        reasons += [f"{removed} rows of {name} that were learnt are no training rows now"] if removed else []
    return reasons


def _shapes_weights(key: str) -> bool:
    section, _, last = key.rpartition(".")
    return last == "base_model" or (".training" in section and last in SHAPES)


def _names_differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(name for name in {*before, *now} if before.get(name) != now.get(name)))


def _differing_keys(before: Any, now: Any, key: str = "") -> tuple[str, ...]:
    """The dotted keys at which two configurations differ."""
    if isinstance(before, dict) or isinstance(now, dict):
        before, now = before or {}, now or {}  # a table that is not there has no keys
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return () if before == now else (key,)
    inner = (
        _differing_keys(before.get(name), now.get(name), f"{key}.{name}" if key else name)
        for name in sorted({*before, *now})
    )
    return tuple(inner_key for keys in inner for inner_key in keys)
